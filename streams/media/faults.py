"""What is wrong with a product's picture, clip or sound, as its dead letter or retry says it."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.media.keys import MediaKey, MediaKind
from streams.errors import InvalidEvent, Reason
from streams.media.fetching import redacted_url

_INVALID: Mapping[MediaKind, Reason] = {
    "image": "invalid_image",
    "video": "invalid_video",
    "audio": "invalid_audio",
}
_UNREACHABLE: Mapping[MediaKind, Reason] = {
    "image": "unreachable_image",
    "video": "unreachable_video",
    "audio": "unreachable_audio",
}


def invalid_media(key: MediaKey, message: str) -> InvalidEvent:
    """The fault of a file that cannot be decoded."""
    return InvalidEvent(_INVALID[key.kind], message)


def unreachable_media(key: MediaKey, message: str) -> InvalidEvent:
    """The fault of a file that could not be had this time, or not processed in time."""
    return InvalidEvent(_UNREACHABLE[key.kind], message)


def display_name(key: MediaKey) -> str:
    """A file's hash, or its address without what may be secret, for messages."""
    return redacted_url(key.digest or key.url)
