"""Events as Kafka carries them: CloudEvents 1.0 in JSON.

`decode_event` takes a message in structured mode (the whole envelope as the value) or in binary mode (the bare data as
the value, `ce_*` headers) and returns an `Event`; everything else is an `InvalidEvent`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from indexer.media_keys import MEDIA_FIELDS
from streams.errors import InvalidEvent
from streams.events.schema import TYPES_BY_TOPIC, DeletedProduct, Event, Product, ProductData, UserData, inline_file


class Envelope(Struct):
    """A CloudEvents 1.0 envelope in structured JSON mode; extension attributes are allowed and ignored."""

    specversion: str
    id: Annotated[str, Meta(min_length=1, max_length=256)]
    source: Annotated[str, Meta(min_length=1, max_length=256)]
    type: str
    data: msgspec.Raw
    subject: str | None = None
    time: datetime | None = None


_envelopes = msgspec.json.Decoder(Envelope)
_data = {name: msgspec.json.Decoder(cls) for types in TYPES_BY_TOPIC.values() for name, cls in types.items()}
_objects = msgspec.json.Decoder(dict[str, Any])
_times = msgspec.json.Decoder(datetime)


def decode_event(topic: str, value: bytes | None, headers: Mapping[str, bytes], timestamp_ms: int) -> Event:
    """Decode one Kafka message in structured or binary CloudEvents mode.

    Args:
        topic: where it came from; a type that does not belong there is refused.
        value: the message's value; a null value is no event.
        headers: the message's headers by lower-case name.
        timestamp_ms: Kafka's timestamp, the event's time when it has none of its own.

    Raises:
        InvalidEvent: with reason `undecodable`, `invalid` or `wrong_topic`, naming the field at fault.
    """
    if value is None:
        raise InvalidEvent("undecodable", "the message has no value; a deletion is a product.deleted event")
    envelope = _binary(value, headers) if "ce_type" in headers else _structured(value)
    if envelope.specversion != "1.0":
        raise InvalidEvent("invalid", f"specversion is {envelope.specversion[:20]!r}, expected '1.0'")
    if envelope.type not in TYPES_BY_TOPIC[topic]:
        known = ", ".join(TYPES_BY_TOPIC[topic])
        raise InvalidEvent("wrong_topic", f"type {envelope.type[:80]!r} does not belong on {topic}; it takes {known}")
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time_ms=_to_ms(envelope.time) if envelope.time else timestamp_ms,
        data=_decode_data(_data[envelope.type], envelope.data),
    )


def encode_event(event: Event) -> bytes:
    """The structured-mode JSON of an event, as `decode_event` reads it back."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "time": datetime.fromtimestamp(event.time_ms / 1000, UTC),
            "datacontenttype": "application/json",
            "data": event.data,
        }
    )


def event_key(data: ProductData | UserData) -> bytes:
    """The Kafka key: whose order the event belongs to."""
    return (data.product_id if isinstance(data, Product | DeletedProduct) else data.user_id).encode()


def _structured(value: bytes) -> Envelope:
    return _decode(_envelopes, value, "envelope")


def _binary(value: bytes, headers: Mapping[str, bytes]) -> Envelope:
    try:
        text = {name: raw.decode() for name, raw in headers.items() if name.startswith("ce_")}
    except UnicodeDecodeError as error:
        raise InvalidEvent("undecodable", f"a ce_ header is not UTF-8: {error.reason}") from None
    time = text.get("ce_time")
    return Envelope(
        specversion=text.get("ce_specversion", "1.0"),
        # Without an id, the content is the identity: a redelivery has the same bytes.
        id=text.get("ce_id") or hashlib.sha256(value).hexdigest(),
        source=text.get("ce_source", "unknown"),
        type=text["ce_type"],
        data=msgspec.Raw(value),
        time=_decode(_times, msgspec.json.encode(time), "ce_time") if time else None,
    )


def _decode_data(decoder: msgspec.json.Decoder[Any], value: msgspec.Raw) -> Any:
    """An event's data, whose base64 may be as people write it; what is none costs the picture, not the product."""
    try:
        return _decode(decoder, value, "data")
    except InvalidEvent as fault:
        # As msgspec says it, which takes the strict kind alone; that is read fastest.
        if "Invalid base64" not in str(fault):
            raise
    try:
        return msgspec.convert(_with_plain_media(_decode(_objects, value, "data")), decoder.type)
    except msgspec.ValidationError as error:
        raise InvalidEvent("invalid", f"data: {_readable(str(error))}") from None


def _with_plain_media(fields: dict[str, Any]) -> dict[str, Any]:
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


def _decode(decoder: msgspec.json.Decoder[Any], value: bytes | msgspec.Raw, what: str) -> Any:
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise InvalidEvent("invalid", f"{what}: {_readable(str(error))}") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidEvent("undecodable", f"{what} is not JSON: {error}") from None


def _readable(error: str) -> str:
    """What is wrong, and where; patterns, and what is longest of a caller's own names, left out."""
    reason, mark, place = error.rpartition(" - at `")
    if not mark:
        reason, place = place, ""
    before, pattern, _ = reason.partition(" matching regex '")
    said = f"{before} of the allowed characters" if pattern else before
    return f"{said[:500]}{mark}{place[-300:]}"


def _to_ms(time: datetime) -> int:
    # In whole numbers: by way of a float, a time that is encoded and decoded could lose its last millisecond.
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - _UNIX_EPOCH) // _MILLISECOND


_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
