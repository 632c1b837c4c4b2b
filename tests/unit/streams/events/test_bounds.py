"""Events whose strings and lists are too long, or no text at all: refused, in few words."""

from __future__ import annotations

import msgspec
import pytest

from indexer.errors import InvalidRecord
from indexer.filters import filter_terms
from streams.errors import MAX_MESSAGE, InvalidEvent
from streams.events.cloudevents import decode_event
from streams.events.schema import MAX_VALUES, PRODUCT_EVENTS

HEAD = b'{"specversion": "1.0", "id": "e", "source": "s", "type": "product.created", "data": '


@pytest.mark.parametrize(
    "value",
    [
        HEAD + b'{"product_id": "p\\n"}}',
        HEAD + b'{"product_id": "p", "' + b"x" * 10**6 + b'": 1}}',
        HEAD + b'{"product_id": "p", "title": "\xff"}}',
        HEAD + b'{"product_id": "p", "title": "\\ud800"}}',
        HEAD + b'"{\xff}"}',
        HEAD + b'"\\ud800"}',
        HEAD + b'{"product_id": "p", "attributes": {"' + "\ufdfa".encode() * 300 + b'": "x"}}}',
        HEAD + b'{"product_id": "p", "attributes": {"a": ' + msgspec.json.encode(["x"] * (MAX_VALUES + 1)) + b"}}}",
        HEAD + b"[" * 950 + b"]" * 950 + b"}",
        b'{"specversion": "' + b"1" * 10**6 + b'", "id": "e", "source": "s", "type": "t", "data": {}}',
        b'{"specversion": "1.0", "id": "e", "source": "s", "type": "' + b"t" * 10**6 + b'", "data": {}}',
        b'{"specversion": "1.0", "id": "\xff", "source": "s", "type": "t", "data": {}}',
    ],
    ids=range(12),
)
def test_a_hostile_event_is_invalid_in_few_words(value: bytes) -> None:
    with pytest.raises(InvalidEvent) as raised:
        decode_event(PRODUCT_EVENTS, value, {}, 0)
    assert len(str(raised.value)) <= MAX_MESSAGE


def test_terms_are_made_up_to_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    from indexer import filters

    made: list[tuple[str, str]] = []
    make = filters._make_term
    monkeypatch.setattr(filters, "_short_term", lambda pair: made.append(pair) or make(pair))
    attributes = {f"a{at}": [f"{at}-{value}" for value in range(1_000)] for at in range(64)}
    with pytest.raises(InvalidRecord, match="over 1024"):
        filter_terms({"attributes": attributes})
    assert len(made) == filters.MAX_TERMS + 1
