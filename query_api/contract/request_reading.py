"""Requests read from JSON, query parameters or form fields, and checked beyond what their types say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar, cast

import msgspec

from indexer.media.inline import plain_base64
from indexer.text_analysis.folding import fold
from query_api.contract.requests import CLIP_FIELDS, MAX_PARTS, MEDIA_FIELDS, MediaReference, Part, SearchRequest
from query_api.errors import MAX_FIELD, InvalidRequest

Read = TypeVar("Read")

MAX_TEXTS = 4_000
"""How many characters all texts of a request may have together, with their ligatures written out: words are compared
so, and one character may become 18."""
MAX_JSON_VALUES = 20_000
"""How many commas, brackets and braces a body may have: a few megabytes of them are some hundred of memory."""
_request_decoder = msgspec.json.Decoder(SearchRequest)
_any_object = msgspec.json.Decoder(dict[str, Any])
_BASE64_FAULT = "Invalid base64"
"""As msgspec says it, which takes the strict kind alone; that is read fastest."""
_JSON_FIELDS = ("filters", "weights", "parts", "facet_ranges")
_LIST_FIELDS = ("facets",)


def read_json(body: bytes, media: Sequence[tuple[str, bytes]] = ()) -> SearchRequest:
    """The request in a JSON body, with uploaded files by field names where they came beside it.

    Raises:
        InvalidRequest: 400 when it is no JSON, 422 naming the field that is refused.
    """
    try:
        request = decode_json(_request_decoder, body)
    except InvalidRequest as error:
        if _BASE64_FAULT not in str(error):
            raise
        request = convert_fields(decode_json(_any_object, body), SearchRequest, strict=True)
    return _validated(_with_files(request, media))


def decode_json(decoder: msgspec.json.Decoder[Read], body: bytes) -> Read:
    """What a body in JSON holds.

    Raises:
        InvalidRequest: 400 when it is no JSON, 422 naming the field that is refused.
    """
    values = sum(map(body.count, (b",", b"[", b"{"))) if len(body) > MAX_JSON_VALUES else 0
    if values > MAX_JSON_VALUES:
        raise InvalidRequest("", f"the body has {values:,} values, at most {MAX_JSON_VALUES:,}", 400)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid_request(error) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest("", f"the body is no JSON: {error}", 400) from None


def read_fields(fields: Mapping[str, str], media: Sequence[tuple[str, bytes]] = ()) -> SearchRequest:
    """The request in query parameters or form fields; `q` is `text`, `filters`, `weights` and `parts` are JSON.

    Args:
        fields: values by name; `facets` separated by commas.
        media: uploaded files with their field names; several `image`s are so many parts.
    """
    named = {("text" if name == "q" else name): value for name, value in fields.items() if value != ""}
    return _validated(_with_files(convert_fields(named, SearchRequest), media))


def _with_files(request: SearchRequest, media: Sequence[tuple[str, bytes]]) -> SearchRequest:
    for name, data in media:
        if name not in MEDIA_FIELDS:
            raise InvalidRequest(name[:100], f"{name[:100]}: files are named `image`, `audio` or `video`")
        if not data:
            raise InvalidRequest(name, f"{name} is empty: 0 bytes")
        if getattr(request, name) is None:
            setattr(request, name, data)
        elif name == "image":
            request.parts = [*request.parts, Part(image=data)]
        else:
            raise InvalidRequest(name, f"{name} is given more than once; send one file")
    return request


def convert_fields(fields: Mapping[str, Any], kind: type[Any], strict: bool = False) -> Any:
    """A request struct from values by name, in which base64 is as people write it.

    Args:
        fields: values by name.
        kind: of the struct.
        strict: whether they have their types already, and are no strings to be read.

    Raises:
        InvalidRequest: naming the field that is refused.
    """
    values = dict(fields) if strict else {name: _field_value(name, value) for name, value in fields.items()}
    try:
        return msgspec.convert(_with_plain_media(values), kind, strict=strict)
    except msgspec.ValidationError as error:
        raise invalid_request(error) from None


def _with_plain_media(values: dict[str, Any]) -> dict[str, Any]:
    """A request's values with the base64 of its pictures, sounds and clips as `plain_base64`."""
    media = {name: _plain_media(values[name]) for name in MEDIA_FIELDS if name in values}
    parts = values.get("parts")
    if isinstance(parts, list):
        media["parts"] = [_part_with_plain_media(part) for part in cast("list[Any]", parts)]
    return values | media


def _part_with_plain_media(part: Any) -> Any:
    return _with_plain(cast("dict[str, Any]", part), "image") if isinstance(part, dict) else part


def _plain_media(media: Any) -> Any:
    if isinstance(media, dict):
        return _with_plain(cast("dict[str, Any]", media), "data")
    return (plain_base64(media) or media) if isinstance(media, str) else media


def _with_plain(values: dict[str, Any], name: str) -> dict[str, Any]:
    return values | {name: _plain_media(values[name])} if name in values else values


def invalid_request(error: msgspec.ValidationError) -> InvalidRequest:
    """A validation error with its field apart: `Expected int <= 100 - at $.k` is of field `k`."""
    reason, mark, place = str(error).rpartition(" - at `")
    if not mark:
        reason, place = place, ""
    path = place.removeprefix("key` in `").removeprefix("$").removesuffix("`").lstrip(".")
    _, _, unknown = reason.partition("unknown field `")
    field = ".".join(part for part in (path[:MAX_FIELD], unknown[:MAX_FIELD].removesuffix("`")) if part)[:MAX_FIELD]
    return InvalidRequest(field, f"{field or 'the request'}: {_readable(reason)}")


def _readable(reason: str) -> str:
    before, mark, _ = reason.partition(" matching regex '")
    return (f"{before} of the allowed form" if mark else reason)[:300]


def _field_value(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in _JSON_FIELDS:
        return _json_value(name, value)
    if name in _LIST_FIELDS:
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _json_value(name: str, value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(name, f"{name} is no JSON: {error}") from None


def _validated(request: SearchRequest) -> SearchRequest:
    for field, media in (*((name, getattr(request, name)) for name in CLIP_FIELDS), *_named_pictures(request)):
        _check_media(field, media)
    if len(request.parts) > MAX_PARTS:
        raise InvalidRequest("parts", f"parts: {len(request.parts)} of them, at most {MAX_PARTS}")
    _check_texts(request)
    if request.mode == "lexical":
        _check_lexical_mode(request)
    weights = [value for value in msgspec.structs.astuple(request.weights) if value is not None]
    if not all(map(math.isfinite, weights)):
        raise InvalidRequest("weights", "weights must be finite numbers")
    for field, bounds in request.facet_ranges.items():
        if not all(low < high for low, high in pairwise(bounds)) or not all(map(math.isfinite, bounds)):
            raise InvalidRequest(f"facet_ranges.{field}", f"facet_ranges.{field}: give finite numbers that ascend")
    return request


def _check_texts(request: SearchRequest) -> None:
    texts = [text for text in (request.text, *(part.text for part in request.parts)) if text]
    length = sum(len(fold(text)) for text in texts)
    if length > MAX_TEXTS:
        field = "parts" if len(texts) > 1 else "text"
        raise InvalidRequest(
            field,
            f"{field}: {length:,} characters of text, ligatures written out; at most {MAX_TEXTS:,} together",
        )


def _named_pictures(request: SearchRequest) -> Iterator[tuple[str, bytes | MediaReference | None]]:
    parts = request.all_parts
    own = len(parts) - len(request.parts)
    for at, part in enumerate(parts):
        yield ("image" if at < own else f"parts[{at - own}].image"), part.image


def _check_media(field: str, media: bytes | MediaReference | None) -> None:
    if isinstance(media, MediaReference) and (media.url is None) == (media.data is None):
        raise InvalidRequest(field, f"{field}: give either `url` or `data`")
    if media == b"" or (isinstance(media, MediaReference) and media.data == b""):
        raise InvalidRequest(field, f"{field} is empty: 0 bytes")


def _check_lexical_mode(request: SearchRequest) -> None:
    parts = request.all_parts
    if any(part.weight < 0 for part in parts):
        refused = (
            "mode lexical compares words: parts away from which to search need hybrid or dense; `-word` leaves out"
        )
        raise InvalidRequest("mode", refused)
    is_silent = request.audio is None and all(part.text is None for part in parts)
    if is_silent and (parts or request.video is not None):
        raise InvalidRequest("mode", "mode lexical compares words: give `text` or `audio`, or use hybrid or dense")
