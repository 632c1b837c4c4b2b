"""Events as Kafka carries them: CloudEvents 1.0 in JSON.

`decode_event` takes a message in structured mode (the whole envelope as the value), in binary mode (the bare data as
the value, `ce_*` headers) or a tombstone (a key without a value) and returns an `Event`; everything else is an
`InvalidEvent`. `batched_events` parts a batch. As the protocol binding has it, the `content-type` tells the mode where
it names CloudEvents.

Source: CloudEvents 1.0.2, "JSON Event Format" and "Kafka Protocol Binding".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from indexer.media.inline import decode_base64
from streams.errors import InvalidEvent
from streams.events.carried_media import with_plain_base64
from streams.events.schema import PRODUCT_EVENTS, TYPES_BY_TOPIC, DeletedProduct, Event, Product, ProductData, UserData

EVENT_CONTENT, BATCH_CONTENT = "application/cloudevents", "application/cloudevents-batch"
MAX_BATCHED_EVENTS = 100_000
"""In one message; the smallest take some 100 bytes each. Of `[0,0,…]`, five million would have to be dead letters."""


class Envelope(Struct):
    """A CloudEvents 1.0 envelope in structured JSON mode; extension attributes are allowed and ignored."""

    specversion: str
    id: Annotated[str, Meta(min_length=1, max_length=256)]
    source: Annotated[str, Meta(min_length=1, max_length=256)]
    type: str
    data: msgspec.Raw | UnsetType = UNSET
    data_base64: str | None = None
    """Instead of `data`."""
    subject: str | None = None
    time: datetime | None = None


_envelopes = msgspec.json.Decoder(Envelope)
_data = {name: msgspec.json.Decoder(cls) for types in TYPES_BY_TOPIC.values() for name, cls in types.items()}
_batches = msgspec.json.Decoder(list[msgspec.Raw])
_FRAME = b"\x00"
_FRAME_BYTES = 5
"""Of what serialisers with a schema registry begin a value with: a magic byte, and the schema's number."""
_objects = msgspec.json.Decoder(dict[str, Any])
_texts = msgspec.json.Decoder(str)
_times = msgspec.json.Decoder(datetime)


def decode_event(
    topic: str, value: bytes | None, headers: Mapping[str, bytes], timestamp_ms: int, deletes_key: bytes | None = None
) -> Event:
    """Decode one Kafka message in structured or binary CloudEvents mode, or a tombstone.

    Args:
        topic: where it came from; a type that does not belong there is refused.
        value: the message's value; a null value is no event unless it deletes.
        headers: the message's headers by lower-case name.
        timestamp_ms: Kafka's timestamp, the event's time when it has none of its own.
        deletes_key: the message's key, where a null value on the topic of products deletes the product of that key.

    Raises:
        InvalidEvent: with reason `undecodable`, `invalid` or `wrong_topic`, naming the field at fault.
    """
    envelope = _tombstone(topic, deletes_key, headers) if value is None else _envelope(value, headers)
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
        data=_decode_data(_data[envelope.type], _json_data(envelope)),
    )


def batched_events(topic: str, value: bytes, headers: Mapping[str, bytes]) -> list[tuple[bytes | None, bytes]] | None:
    """The events of a message in batch mode, each with the key that it should have had; None: it is no batch of a
    size that is taken.

    The key is None where an event is not understood: that is for `decode_event` to say. So is a batch that is none.
    """
    if not _content_type(headers).startswith(BATCH_CONTENT):
        return None
    try:
        events = _batches.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if len(events) > MAX_BATCHED_EVENTS:
        return None
    return [(_key_of(topic, bytes(event)), bytes(event)) for event in events]


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


def _envelope(value: bytes, headers: Mapping[str, bytes]) -> Envelope:
    """The envelope of a value, whichever mode it is in."""
    if value[:1] == _FRAME and len(value) >= _FRAME_BYTES:
        schema = int.from_bytes(value[1:_FRAME_BYTES])
        raise InvalidEvent(
            "undecodable",
            f"the value begins with the frame of a schema registry (magic byte 0, schema {schema}): events are plain"
            " JSON, without a frame; have their producer serialise without the registry",
        )
    if not headers:
        return _decode(_envelopes, value, "envelope")
    kind = _content_type(headers)
    if kind.startswith(BATCH_CONTENT):
        expected = f"a JSON array of events, at most {MAX_BATCHED_EVENTS:,}, none as large as a message may be"
        raise InvalidEvent("undecodable", f"a message of {BATCH_CONTENT} is {expected}; this is none")
    if kind.startswith(EVENT_CONTENT):
        return _structured(value, kind)
    attributes = _attributes(headers)
    return _binary(value, attributes, kind) if "type" in attributes else _structured(value, kind)


def _structured(value: bytes, kind: str) -> Envelope:
    if kind.startswith(EVENT_CONTENT) and kind not in (EVENT_CONTENT, f"{EVENT_CONTENT}+json"):
        raise InvalidEvent("undecodable", f"content-type is {kind[:80]}; events are JSON ({EVENT_CONTENT}+json)")
    return _decode(_envelopes, value, "envelope")


def _attributes(headers: Mapping[str, bytes]) -> dict[str, str]:
    """The attributes that headers state, by their names without `ce_`, or `ce-` as bridges from HTTP leave it."""
    try:
        return {name[3:]: raw.decode() for name, raw in headers.items() if name.startswith(("ce_", "ce-")) and raw}
    except UnicodeDecodeError as error:
        raise InvalidEvent("undecodable", f"a ce_ header is not UTF-8: {error.reason}") from None


def _content_type(headers: Mapping[str, bytes]) -> str:
    """What a message says that its value is, without parameters; empty: it does not say."""
    stated = headers.get("content-type")
    return "" if not stated else stated.decode(errors="replace").partition(";")[0].strip().lower()


def _binary(value: bytes, attributes: Mapping[str, str], kind: str) -> Envelope:
    if kind and "json" not in kind:
        raise InvalidEvent("undecodable", f"content-type is {kind[:80]}; an event's data is JSON")
    time = attributes.get("time")
    return Envelope(
        specversion=attributes.get("specversion", "1.0"),
        # Without an id, the content is the identity: a redelivery has the same bytes.
        id=attributes.get("id") or hashlib.sha256(value).hexdigest(),
        source=attributes.get("source", "unknown"),
        type=attributes["type"],
        data=msgspec.Raw(value),
        time=_decode(_times, msgspec.json.encode(time), "ce_time") if time else None,
    )


def _tombstone(topic: str, key: bytes | None, headers: Mapping[str, bytes]) -> Envelope:
    """A deletion, of a message without a value; its content is its key."""
    if key is None or topic != PRODUCT_EVENTS:
        raise InvalidEvent(
            "undecodable",
            "the message has no value; a deletion is a product.deleted event, or, where kafka.tombstones_delete is on,"
            " a product's key without a value",
        )
    attributes = _attributes(headers)
    time = attributes.get("time")
    return Envelope(
        specversion="1.0",
        id=attributes.get("id") or "tombstone",
        source=attributes.get("source", "unknown"),
        type="product.deleted",
        data=msgspec.Raw(msgspec.json.encode({"product_id": key.decode(errors="replace")})),
        time=_decode(_times, msgspec.json.encode(time), "ce_time") if time else None,
    )


def _key_of(topic: str, event: bytes) -> bytes | None:
    try:
        return event_key(decode_event(topic, event, {}, 0).data)
    except (InvalidEvent, OverflowError, ValueError):
        return None


def _json_data(envelope: Envelope) -> msgspec.Raw:
    """An event's data: JSON, JSON in base64, or JSON in a string."""
    if isinstance(envelope.data, msgspec.Raw):
        if not bytes(envelope.data).lstrip().startswith(b'"'):
            return envelope.data
        return msgspec.Raw(_decode(_texts, envelope.data, "data").encode())
    if envelope.data_base64 is None:
        raise InvalidEvent("invalid", "envelope: it has neither `data` nor `data_base64`")
    data = decode_base64(envelope.data_base64)
    if data is None:
        raise InvalidEvent("undecodable", "data_base64 is no base64")
    return msgspec.Raw(data)


def _decode_data(decoder: msgspec.json.Decoder[Any], value: msgspec.Raw) -> Any:
    """An event's data, whose base64 may be as people write it; what is none costs the picture, not the product."""
    try:
        return _decode(decoder, value, "data")
    except InvalidEvent as fault:
        # As msgspec says it, which takes the strict kind alone; that is read fastest.
        if "Invalid base64" not in str(fault):
            raise
    try:
        return msgspec.convert(with_plain_base64(_decode(_objects, value, "data")), decoder.type)
    except msgspec.ValidationError as error:
        raise InvalidEvent("invalid", f"data: {_readable(str(error))}") from None


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
