"""The oracle itself, on examples small enough to be checked by eye."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import PRODUCTS, SHOPPERS, Arrival, Click, ExpectedIndex, ExpectedProduct, fold

NOW_MS = 1_795_000_000_000
DAY_MS = 86_400_000


def event(id: str, type: str = "product.created", time: str | None = None, **data: Any) -> dict[str, Any]:
    named = {"specversion": "1.0", "id": id, "source": "shop", "type": type, "data": data}
    return named | ({"time": time} if time else {})


def index_of(*events: dict[str, Any], topic: str = PRODUCTS) -> ExpectedIndex:
    return fold([Arrival.of(event, NOW_MS, topic) for event in events])


def product(*events: dict[str, Any]) -> ExpectedProduct:
    return index_of(*events).products["p"]


def test_a_patch_sets_the_fields_that_it_names_and_null_clears():
    patched = product(
        event("1", product_id="p", version=1, title="Kettle", brand="Ada", price=3),
        event("2", "product.updated", product_id="p", version=2, price=4, brand=None),
    )
    assert patched == ExpectedProduct({"title": "Kettle", "price": 4}, deleted=False, searchable=True, version=2)


def test_an_old_patch_that_comes_late_sets_just_what_nobody_set_after_it():
    events = [
        event("3", "product.updated", product_id="p", version=3, title="New"),
        event("2", "product.updated", product_id="p", version=2, title="Old", brand="Ada"),
    ]
    assert product(*events).fields == {"title": "New", "brand": "Ada"}


def test_a_creation_sets_every_field():
    events = [
        event("1", "product.updated", product_id="p", version=1, brand="Ada"),
        event("2", product_id="p", version=2, title="Kettle"),
    ]
    assert product(*events).fields == {"title": "Kettle"}


def test_a_deletion_erases_what_was_set_before_it_in_the_order_and_nothing_after():
    deleted = [
        event("1", product_id="p", version=1, title="Kettle"),
        event("2", "product.deleted", product_id="p", version=2),
    ]
    assert product(*deleted) == ExpectedProduct({}, deleted=True, searchable=False, version=2)
    priced = event("3", "product.updated", product_id="p", version=3, price=1)
    assert product(*deleted, priced) == ExpectedProduct({"price": 1}, deleted=True, searchable=False, version=3)
    titled = event("4", "product.updated", product_id="p", version=4, title="Back")
    assert product(titled, *deleted, priced) == ExpectedProduct({"price": 1, "title": "Back"}, False, True, 4)


def test_equal_versions_are_ordered_by_source_then_id():
    later = event("1", product_id="p", version=1, title="Of z") | {"source": "z"}
    earlier = event("2", product_id="p", version=1, title="Of a") | {"source": "a"}
    assert product(later, earlier).fields == {"title": "Of z"}
    by_id = [event(one, product_id="p", version=1, title=one) for one in "ba"]
    assert product(*by_id).fields == {"title": "b"}


def test_without_a_version_the_time_in_milliseconds_is_the_version():
    at = "2026-11-18T11:06:39.123Z"
    assert product(event("1", product_id="p", title="Kettle", time=at)).version == 1_794_999_999_123
    assert product(event("1", product_id="p", title="Kettle")).version == NOW_MS


def test_a_product_with_a_picture_alone_is_searchable_when_the_picture_is_good():
    log = [Arrival.of(event("1", product_id="p", images=[{"data": "AAAA"}]), NOW_MS)]
    assert fold(log).products["p"].searchable
    assert not fold(log, is_good=lambda _: False).products["p"].searchable


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "undecodable"),
        (b"\xff", "undecodable"),
        (b"{", "undecodable"),
        (json.dumps(event("1", product_id="p")).encode("utf-16"), "undecodable"),
        (b"[]", "invalid"),
        (b"{}", "invalid"),
        (json.dumps(event("1", product_id="a b")).encode(), "invalid"),
        (json.dumps(event("1", product_id="p", colour="red")).encode(), "invalid"),
        (json.dumps(event("1", product_id="p", title="x" * 1_001)).encode(), "invalid"),
        (json.dumps(event("1", product_id="p", images=[{}])).encode(), "invalid"),
        (json.dumps(event("1", product_id="p", images=[{"data": 5}])).encode(), "invalid"),
        (json.dumps(event("1", "user.clicked", user_id="u", product_id="p")).encode(), "wrong_topic"),
        (json.dumps(event("1", product_id="p", time="2026-10-01T00:00:00Z")).encode(), "too_old"),
        (json.dumps(event("1", product_id="p", time="2026-11-18T18:00:00Z")).encode(), "from_future"),
    ],
)
def test_what_is_no_event_is_refused_with_its_reason(value, reason):
    refused = fold([Arrival(PRODUCTS, value, NOW_MS)])
    assert refused.dead_letters == {reason: 1} and refused.refused == {0: reason}
    assert refused.products == {}


def test_the_bare_data_with_headers_is_an_event_too():
    headers = {"ce_type": b"product.updated", "ce_source": b"shop", "ce_id": b"1"}
    log = [Arrival(PRODUCTS, b'{"product_id": "p", "version": 7, "title": "Kettle"}', NOW_MS, headers)]
    assert fold(log).products["p"] == ExpectedProduct({"title": "Kettle"}, False, True, 7)


def test_a_repeated_click_counts_once_and_the_latest_trait_counts():
    clicked = event("c", "user.clicked", user_id="u", product_id="p")
    older = event("t1", "user.profiled", user_id="u", traits={"age": "9", "likes": "tea"}, time="2026-11-18T10:00:00Z")
    newer = event("t2", "user.profiled", user_id="u", traits={"likes": None}, time="2026-11-18T10:00:01Z")
    index = index_of(clicked, newer, clicked, older, topic=SHOPPERS)
    assert index.clicks == {"u": {"c": Click("user.clicked", "p", NOW_MS)}} and index.traits == {"u": {"age": "9"}}


EVENTS = st.builds(
    event,
    id=st.sampled_from("abcd"),
    type=st.sampled_from(["product.created", "product.updated", "product.deleted"]),
    product_id=st.sampled_from("pq"),
    version=st.integers(0, 3),
)


@given(st.lists(EVENTS, max_size=6, unique_by=lambda one: one["id"]), st.randoms())
def test_neither_order_nor_repetition_changes_what_is_expected(events, random):
    shuffled = events + random.sample(events, len(events) // 2)
    random.shuffle(shuffled)
    assert index_of(*shuffled).products == index_of(*events).products
