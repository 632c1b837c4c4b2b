"""The identity of a product's pictures, clips and sounds, and the text by which stored records name them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

MediaKind = Literal["image", "video", "audio"]
"""A picture, a clip or a sound."""

MEDIA_FIELDS: Mapping[str, MediaKind] = {"images": "image", "videos": "video", "audios": "audio"}
"""The fields of a product that list media, and the kind in each."""

_CLIP_PREFIX = "clip:"
"""What the stored form of a clip's key begins with: a file's first picture is not what the whole of it shows."""


class MediaKey(Struct, frozen=True):
    """What tells one picture, clip or sound from another: its kind, and its file's hash or its address."""

    kind: MediaKind
    digest: str = ""
    """SHA-256, in hex, of a file in the media store; empty: it is at `url`."""
    url: str = ""

    @classmethod
    def from_reference(cls, kind: MediaKind, reference: Mapping[str, Any]) -> MediaKey:
        """The key of what a product states: `{"hash": …}` in the media store, or `{"url": …}`."""
        digest = reference.get("hash")
        return cls(kind, digest=digest) if digest else cls(kind, url=reference["url"])

    @classmethod
    def parse_file(cls, stored_form: str) -> MediaKey:
        """The key of a picture's or a clip's file from its `stored_form`."""
        if stored_form.startswith(_CLIP_PREFIX):
            return cls("video", digest=stored_form.removeprefix(_CLIP_PREFIX))
        return cls("image", digest=stored_form)

    @property
    def is_stored(self) -> bool:
        """Whether its file is in the media store, and hence always the same."""
        return bool(self.digest)

    @property
    def stored_form(self) -> str:
        """The text that stands for it in stored products and in caches."""
        name = self.digest or self.url
        return _CLIP_PREFIX + name if self.kind == "video" else name

    def file(self, digest: str) -> MediaKey:
        """The key of the file with this hash, as the same kind of media."""
        return MediaKey(self.kind, digest=digest)


def stored_media(fields: Mapping[str, Any]) -> Iterator[MediaKey]:
    """The keys of those pictures, clips and sounds in a product's fields whose files are in the media store."""
    for name, kind in MEDIA_FIELDS.items():
        for reference in fields.get(name) or ():
            if reference.get("hash"):
                yield MediaKey.from_reference(kind, reference)
