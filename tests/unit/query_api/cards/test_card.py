"""Cards: what their columns say is what each payload says."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from indexer.hit_payload import HitPayload, encode_hit_payload
from query_api.cards.card import CardColumns, CodeBook, make_card
from query_api.cards.payload_values import category_paths

words = st.sampled_from(["a", "b", "c"])
categories = st.lists(words, max_size=4).map("/".join)
payloads = st.builds(
    HitPayload,
    category=st.none() | categories,
    brand=st.none() | words,
    price=st.none() | st.floats(0, 1e6),
    rating=st.none() | st.floats(0, 5),
    created_at_ms=st.none() | st.integers(0, 2**42),
    group_id=st.none() | words,
    in_stock=st.none() | st.booleans(),
    lang=st.none() | words,
    currency=st.none() | words,
    tags=st.lists(words, max_size=3),
    attributes=st.dictionaries(words, words | st.lists(words, max_size=3), max_size=3),
    suggested=st.dictionaries(
        st.sampled_from(["category", "brand", "attributes.a"]), st.lists(categories, max_size=2), max_size=2
    ),
)


def card_columns(shown: list[HitPayload]) -> CardColumns:
    """The cards of payloads."""
    book = CodeBook()
    return CardColumns([make_card(encode_hit_payload(payload), book) for payload in shown], book)


@given(st.lists(payloads, max_size=12))
def test_columns_say_what_each_payload_says(shown: list[HitPayload]) -> None:
    columns = card_columns(shown)
    for name in ("price", "rating", "created_at_ms"):
        stored = [None if math.isnan(number) else number for number in columns.numbers[name].tolist()]
        assert stored == [getattr(payload, name) for payload in shown]
    groups = columns.numbers["group"].tolist()
    assert [columns.book.values("group_id").get(code) for code in groups] == [payload.group_id for payload in shown]
    fields = ["category", "brand", "in_stock", "lang", "currency", "tags", "attributes.a", "attributes.unheard"]
    counted = columns.value_counts(fields)
    for field in fields:
        assert counted[field] == Counter(value for payload in shown for value in set(_values(payload, field))), field


def _values(payload: HitPayload, field: str) -> list[Any]:
    if field == "category":
        named = [payload.category, *payload.suggested.get(field, ())]
        return [path for category in named for path in category_paths(category)]
    attribute = field.startswith("attributes.")
    value = payload.attributes.get(field.removeprefix("attributes.")) if attribute else getattr(payload, field)
    stated = value if isinstance(value, list) else [] if value is None else [value]
    return [*payload.suggested.get(field, ()), *stated]
