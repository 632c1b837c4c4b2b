"""CloudEvents as SDKs and bridges write them: one event whichever mode, header and encoding it comes in."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from streams.delivery.batched_messages import unbatched
from streams.delivery.decoding import Horizon, decode_message
from streams.delivery.messages import Message, PrefixAcknowledger
from streams.errors import InvalidEvent
from streams.events.cloudevents import MAX_BATCHED_EVENTS, decode_event
from streams.events.schema import MAX_MESSAGE_BYTES, PRODUCT_EVENTS, USER_EVENTS, DeletedProduct, Event, Product

DATA = {"product_id": "p", "title": "Kettle", "price": 5.0}
ATTRIBUTES = {"specversion": "1.0", "id": "e1", "source": "shop/pim", "type": "product.created"}
TIME = "2026-11-20T10:00:00Z"
STRUCTURED = ATTRIBUTES | {"time": TIME, "data": DATA}
BINARY = {f"ce_{name}": value.encode() for name, value in (ATTRIBUTES | {"time": TIME}).items()}
NOW = 1_800_000_000.0


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def in_base64(data: bytes) -> dict[str, Any]:
    return ATTRIBUTES | {"time": TIME, "data_base64": base64.b64encode(data).decode()}


def decoded(value: bytes | None, headers: dict[str, bytes] | None = None, **options: Any) -> Event:
    return decode_event(PRODUCT_EVENTS, value, headers or {}, 1_795_000_000_000, **options)


def message(value: bytes | None, timestamp_ms: int = int(NOW * 1000), **fields: Any) -> Message:
    given = {"topic": PRODUCT_EVENTS, "key": b"p", "headers": {}} | fields
    return Message(partition=0, offset=0, timestamp_ms=timestamp_ms, value=value, ack=lambda: None, **given)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (dumps(STRUCTURED), {}),
        (dumps(STRUCTURED), {"content-type": b"application/cloudevents+json; charset=UTF-8"}),
        (dumps(STRUCTURED), {"content-type": b"Application/CloudEvents+JSON"}),
        (dumps(STRUCTURED), {"content-type": b"application/cloudevents+json", **BINARY, "ce_type": b"product.deleted"}),
        (dumps(STRUCTURED), {"content-type": b"application/json"}),
        (dumps(STRUCTURED | {"datacontenttype": "application/json", "traceparent": "00-4b", "partitionkey": "p"}), {}),
        (dumps(STRUCTURED | {"sampledrate": 30, "dataschema": None, "subject": None}), {}),
        (dumps(in_base64(dumps(DATA))), {"content-type": b"application/cloudevents+json"}),
        (dumps(ATTRIBUTES | {"time": TIME, "data": json.dumps(DATA)}), {}),
        (dumps(DATA), BINARY),
        (dumps(DATA), {"content-type": b"application/json; charset=utf-8", **BINARY, "ce_traceparent": b"00-4b"}),
        (dumps(DATA), {name.replace("ce_", "ce-"): value for name, value in BINARY.items()}),
        (dumps(DATA), {**BINARY, "ce_subject": b"", "content-type": b""}),
    ],
    ids=range(13),
)
def test_one_event_comes_of_every_way_to_write_it(value: bytes, headers: dict[str, bytes]) -> None:
    event = decoded(value, headers)
    assert (event.id, event.source, event.type) == ("e1", "shop/pim", "product.created")
    assert event.data == Product("p", title="Kettle", price=5.0)
    assert event.time_ms == decoded(dumps(STRUCTURED)).time_ms


@pytest.mark.parametrize(
    ("value", "headers", "why"),
    [
        (b"\0\0\0\0\x07" + dumps(STRUCTURED), {}, "frame of a schema registry (magic byte 0, schema 7)"),
        (b"\0\0\0\0\x01\x0ek04-3\x10Avro spoon", {}, "frame of a schema registry (magic byte 0, schema 1)"),
        (b"\0\0\0\x01\x00" + dumps(DATA), BINARY, "frame of a schema registry (magic byte 0, schema 256)"),
        (b"\x0ek04-3", {"content-type": b"application/avro", **BINARY}, "content-type is application/avro"),
        (b"<a/>", {"content-type": b"application/cloudevents+xml"}, "content-type is application/cloudevents+xml"),
        (
            dumps(STRUCTURED),
            {"content-type": b"application/cloudevents-batch+json"},
            "is a JSON array of events, at most 100,000",
        ),
        (dumps(ATTRIBUTES), {}, "neither `data` nor `data_base64`"),
        (dumps(ATTRIBUTES | {"data_base64": "?"}), {}, "data_base64 is no base64"),
        (dumps(in_base64(b"\xff\xd8")), {}, "data is not JSON"),
        (None, {}, "the message has no value"),
        (b"", {}, "envelope is not JSON"),
    ],
    ids=range(11),
)
def test_what_is_no_event_says_why(value: bytes | None, headers: dict[str, bytes], why: str) -> None:
    with pytest.raises(InvalidEvent) as raised:
        decoded(value, headers)
    assert why in str(raised.value)


def test_a_null_value_deletes_the_product_of_its_key_where_that_is_on() -> None:
    tombstone = message(None)
    event = decode_message(tombstone, Horizon(), lambda: NOW)
    assert (event.type, event.data, event.time_ms) == ("product.deleted", DeletedProduct("p"), int(NOW * 1000))
    assert decode_message(tombstone, Horizon(), lambda: NOW + 9) == event
    with pytest.raises(InvalidEvent, match=r"kafka\.tombstones_delete"):
        decode_message(tombstone, Horizon(), lambda: NOW, tombstones_delete=False)
    faults: list[tuple[dict[str, Any], str]] = [
        ({"key": None}, "no value"),
        ({"key": b"a b"}, "product_id"),
        ({"topic": USER_EVENTS}, "no value"),
    ]
    for bad, why in faults:
        with pytest.raises(InvalidEvent, match=why):
            decode_message(message(None, **bad), Horizon(), lambda: NOW)
    stated = message(None, headers={"ce_id": b"t7", "ce_source": b"erp", "ce_type": b"product.deleted"})
    event = decode_message(stated, Horizon(), lambda: NOW)
    assert (event.id, event.source) == ("t7", "erp")


@pytest.mark.parametrize("timestamp_ms", [0, -1])
def test_a_kafka_timestamp_that_is_none_is_no_time(timestamp_ms: int) -> None:
    timeless = message(dumps(ATTRIBUTES | {"data": DATA}), timestamp_ms)
    with pytest.raises(InvalidEvent, match=r"has no time.* timestamp is (0|-1).* state `time` or `version`"):
        decode_message(timeless, Horizon(), lambda: NOW)
    with pytest.raises(InvalidEvent, match="has no time"):
        decode_message(message(None, timestamp_ms), Horizon(), lambda: NOW)
    versioned = message(dumps(ATTRIBUTES | {"data": DATA | {"version": 7}}), timestamp_ms)
    assert decode_message(versioned, Horizon(), lambda: NOW).time_ms == int(NOW * 1000)
    timed = message(dumps(STRUCTURED), timestamp_ms)
    assert decode_message(timed, Horizon(past_s=1e9), lambda: NOW) == decoded(dumps(STRUCTURED))
    acknowledger = PrefixAcknowledger()
    for one in (timeless, message(b"{}", 5)):
        acknowledger.receive(one)
    assert acknowledger.oldest_ms((PRODUCT_EVENTS, 0)) == 5


BATCH = {"content-type": b"application/cloudevents-batch+json; charset=utf-8", "traceparent": b"00-4b"}


def test_a_batch_is_parted_into_messages_of_its_events_each_with_its_own_key() -> None:
    second = ATTRIBUTES | {"id": "e2", "data": {"product_id": "q", "price": 1.10}}
    third = in_base64(dumps(DATA | {"product_id": "r"}))
    batch = message(dumps([STRUCTURED, second, third, {"broken": 1}, 5]), key=None, headers=BATCH)
    parts = unbatched(batch)
    assert parts is not None
    assert [part.key for part in parts] == [b"p", b"q", b"r", None, None]
    assert {part.topic for part in parts} == {PRODUCT_EVENTS}
    assert parts[0].headers == {"content-type": b"application/cloudevents+json", "traceparent": b"00-4b"}
    assert json.loads(parts[1].value or b"")["data"] == second["data"]
    events = [decoded(part.value, dict(part.headers)) for part in parts[:3]]
    assert [event.id for event in events] == ["e1", "e2", "e1"]
    assert events[1].time_ms == int(NOW * 1000)
    for part in parts[3:]:
        with pytest.raises(InvalidEvent):
            decoded(part.value, dict(part.headers))
    again = message(parts[1].value, int(time.time() * 1000), headers=dict(parts[1].headers))
    assert unbatched(again) is None


def test_a_batch_that_comes_again_as_its_worker_died_makes_the_same_events() -> None:
    batch = message(dumps([STRUCTURED, ATTRIBUTES | {"id": "e2", "data": DATA}]), headers=BATCH)
    first, second = unbatched(batch), unbatched(batch)
    assert first is not None and first == second
    assert len({decoded(part.value, dict(part.headers)).id for part in [*first, *second]}) == 2


def test_what_is_no_batch_stays_as_it_is() -> None:
    assert unbatched(message(dumps(STRUCTURED))) is None
    assert unbatched(message(None, headers=BATCH)) is None
    assert unbatched(message(b"{", headers=BATCH)) is None
    assert unbatched(message(b"[]", headers=BATCH)) == []


def test_a_batch_that_would_be_too_many_messages_or_one_that_no_topic_takes_is_refused_whole() -> None:
    many = message(b"[" + b"0," * MAX_BATCHED_EVENTS + b"0]", headers=BATCH)
    large = message(dumps([ATTRIBUTES | {"data": "x" * MAX_MESSAGE_BYTES}]), headers=BATCH)
    for one in (many, large):
        assert unbatched(one) is None
        with pytest.raises(InvalidEvent, match="at most 100,000"):
            decoded(one.value, BATCH)


def test_an_event_of_a_batch_whose_time_is_null_is_as_old_as_the_batch() -> None:
    parts = unbatched(message(dumps([ATTRIBUTES | {"data": DATA, "time": None}]), headers=BATCH))
    assert parts is not None
    assert decoded(parts[0].value, dict(parts[0].headers)).time_ms == int(NOW * 1000)
