"""Messages, requests, rows, texts: whatever they are, they are read or refused by name, and at once."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.errors import IndexerError
from indexer.filter_parsing import parse_filters
from indexer.text_analysis.analyzer import document_terms, query_terms, required_terms, surface_forms
from query_api.contract.request_reading import read_fields, read_json
from query_api.errors import QueryError
from query_api.understanding.excluded_terms import split_excluded_terms
from query_api.understanding.price_phrases import parse_price
from query_api.understanding.synonyms import parse_synonyms
from streams.delivery.decoding import Horizon, decode_message
from streams.delivery.messages import Message
from streams.errors import StreamError
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.files.prepared_events import EventClock
from streams.files.product_rows import product_events
from streams.files.rows import RejectedRow, Row
from streams.files.shopper_rows import shopper_events
from tests.fuzz import seeds
from tests.fuzz.budget import PARSED, PROPERTIES, SEED
from tests.fuzz.mutation import HOSTILE_TEXTS, mutate_bytes, mutate_value

MOST_S = 1.0
"""No single input may take longer."""
EXPECTED = (StreamError, IndexerError, QueryError)
"""What says that an input is refused."""
TIME = "2026-11-20T10:00:00Z"


@dataclass(frozen=True)
class Target:
    """A reader of untrusted input, and how an input of it is made."""

    make: Callable[[random.Random], object]
    read: Callable[[object], object]
    expected: tuple[type[Exception], ...] = EXPECTED


_EVENTS = seeds.events(1, TIME)
_EVENT_BYTES = seeds.as_bytes(_EVENTS)
_SEARCHES = seeds.searches()
_FILTERS = [search["filters"] for search in _SEARCHES if "filters" in search]
_SEARCH_BYTES = seeds.as_bytes(_SEARCHES)
_ROW = {
    **seeds.product(1, images="a.jpg,b.jpg", price="1.299,00 €", attributes='{"a": "b"}', tags="x;y"),
    "bullet_points": "['soft', 'warm']",
    "created_at": "2026-01-01 10:00",
}
_CLICK = {"type": "click", "user_id": "u", "product_id": "p", "time": "1700000000", "position": "3"}
_TEXTS = (
    "red dress under 50 €",
    "jacket -cotton from $20 to $30",
    "红色连衣裙 不要 棉",
    "l'oréal c++ 3m 16gb",
    *HOSTILE_TEXTS,
)
_CLOCK = EventClock()


def _message(rng: random.Random) -> Message:
    if rng.random() < 0.5:
        value = mutate_bytes(rng.choice(_EVENT_BYTES), rng, _EVENT_BYTES)
    else:
        value = json.dumps(mutate_value(rng.choice(_EVENTS), rng)).encode()
    headers = {}
    if rng.random() < 0.3:
        event = rng.choice(_EVENTS)
        value = json.dumps(mutate_value(event["data"], rng)).encode()
        headers = {"ce_type": event["type"].encode(), "ce_id": b"1", "ce_time": mutate_bytes(TIME.encode(), rng)}
    topic = rng.choice((PRODUCT_EVENTS, USER_EVENTS))
    return _kafka_message(topic, value, headers)


def _kafka_message(topic: str, value: bytes, headers: dict[str, bytes] | None = None) -> Message:
    return Message(topic, 0, 0, int(time.time() * 1000), b"key", value, headers or {}, lambda: None)


def _text(rng: random.Random) -> str:
    text = rng.choice(_TEXTS)
    return mutate_bytes(text.encode(), rng).decode(errors="replace")[:1_000]


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {"brand": value}


def _row(rng: random.Random) -> list[Row | RejectedRow]:
    return [Row(1, _mapping(mutate_value(rng.choice((_ROW, _CLICK)), rng)), 0.5)]


def _no_media(cell: object) -> object:
    raise ValueError(f"{str(cell)[:50]!r}: there is no such picture")


TARGETS: dict[str, Target] = {
    "events": Target(_message, lambda message: decode_message(message, Horizon(past_s=1e12, future_s=1e12))),
    "requests in JSON": Target(
        lambda rng: (
            mutate_bytes(rng.choice(_SEARCH_BYTES), rng, _SEARCH_BYTES)
            if rng.random() < 0.5
            else json.dumps(mutate_value(rng.choice(_SEARCHES), rng)).encode()
        ),
        read_json,
    ),
    "requests in fields": Target(
        lambda rng: {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in mutate_value(rng.choice(_SEARCHES), rng).items()
        },
        lambda fields: read_fields(fields),
    ),
    "filters": Target(
        lambda rng: {"price": 5, **_mapping(mutate_value(rng.choice(_FILTERS), rng))},
        lambda raw: parse_filters(raw),
    ),
    "product rows": Target(_row, lambda rows: list(product_events(rows, {}, _no_media, _CLOCK))),
    "shopper rows": Target(_row, lambda rows: list(shopper_events(rows, {}, _CLOCK))),
    "query terms": Target(_text, lambda text: (query_terms(text), required_terms(text), surface_forms(text))),
    "document terms": Target(
        lambda rng: {
            "title": _text(rng),
            "description": _text(rng) * 5,
            "attributes": {_text(rng)[:256]: _text(rng)[:256]},
        },
        lambda fields: document_terms(fields),
    ),
    "price phrases": Target(_text, lambda text: parse_price(text)),
    "excluded terms": Target(_text, lambda text: split_excluded_terms(text)),
    "synonyms": Target(_text, lambda text: parse_synonyms(text)),
}


@pytest.fixture(scope="module", autouse=True)
def dictionary() -> None:
    """Chinese words: loading them takes a second or two, which workers do beside their event loop."""
    query_terms("红色")


@pytest.mark.parametrize("name", TARGETS)
def test_it_is_read_or_refused(name: str) -> None:
    target, rng = TARGETS[name], random.Random(f"{SEED} {name}")
    for _ in range(PARSED // len(TARGETS)):
        try:
            made = target.make(rng)
        except (UnicodeEncodeError, AttributeError, ValueError):
            continue
        began = time.thread_time()
        try:
            target.read(made)
        except target.expected as refusal:
            assert len(str(refusal)) < 5_000, f"an error text of {len(str(refusal)):,} characters for {made!r:.300}"
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error!s:.300} for {made!r:.2000}") from error
        took_s = time.thread_time() - began
        assert took_s < MOST_S, f"{took_s:.2f} s for {made!r:.2000}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50) | st.sampled_from(HOSTILE_TEXTS),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=12,
)
PROPERTY = settings(max_examples=PROPERTIES // 3, suppress_health_check=list(HealthCheck), database=None)


def _dictionaries(known: Sequence[str]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(known) | st.text(max_size=20), JSON, max_size=8)


@PROPERTY
@given(st.sampled_from(_EVENTS), _dictionaries([*seeds.product(1), "user_id", "traits", "query"]))
def test_any_data_of_an_event_is_decoded_or_refused(event: dict[str, object], data: dict[str, object]) -> None:
    value = json.dumps({**event, "data": data}).encode()
    for topic in (PRODUCT_EVENTS, USER_EVENTS):
        with contextlib.suppress(StreamError):
            decode_message(_kafka_message(topic, value), Horizon(past_s=1e12))


@PROPERTY
@given(_dictionaries([*seeds.product(1), "sku", "colour", "Preis", "bullet_points"]))
def test_every_row_is_published_or_rejected(cells: dict[str, object]) -> None:
    assert len(list(product_events([Row(7, cells, 1.0)], {}, _no_media, _CLOCK))) == 1
    assert len(list(shopper_events([Row(7, cells, 1.0)], {}, _CLOCK))) == 1


@PROPERTY
@given(_dictionaries([name for search in _SEARCHES for name in search]))
def test_any_request_is_read_or_refused(request: dict[str, object]) -> None:
    with contextlib.suppress(QueryError):
        read_json(json.dumps(request).encode())
