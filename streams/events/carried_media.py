"""Files that events carry, in whatever base64 their producers write. Pure."""

from __future__ import annotations

import base64
from typing import Any, cast

from indexer.media.keys import MEDIA_FIELDS
from streams.events.schema import inline_file


def with_plain_base64(fields: dict[str, Any]) -> dict[str, Any]:
    """A product's fields with the files that it carries in the base64 that msgspec takes."""
    lists = {name: fields[name] for name in MEDIA_FIELDS if isinstance(fields.get(name), list)}
    return fields | {name: [_plain_media(media) for media in lists[name]] for name in lists}


def _plain_media(media: Any) -> Any:
    if not isinstance(media, dict):
        return media
    stated = cast("dict[str, Any]", media)
    text = stated.get("data")
    if not isinstance(text, str):
        return stated
    return stated | {"data": base64.b64encode(inline_file(text)).decode()}
