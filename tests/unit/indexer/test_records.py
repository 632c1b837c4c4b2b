"""The last-writer-wins map: any order, duplication or split of events gives the same product."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidRecord
from indexer.records import (
    EventStamp,
    ProductChange,
    ProductState,
    StoredProduct,
    merge_all,
    pack_product,
    unpack_product,
)

NAMES = ("title", "price", "brand", "images")


@st.composite
def changes(draw: st.DrawFn) -> list[ProductChange]:
    """Events of one product, with ties in version and source, and now and then a repeated stamp."""
    stamps = st.builds(EventStamp, st.integers(0, 4), st.sampled_from("ab"), st.sampled_from("xyz"))
    fields = st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(0, 3) | st.lists(st.text(max_size=2)))
    kinds = st.sampled_from([(False, False), (True, False), (True, True)])
    made = []
    for stamp, values, (whole, deletes) in draw(st.lists(st.tuples(stamps, fields, kinds), max_size=8)):
        made.append(ProductChange("p", stamp, {} if deletes else values, whole, deletes))
    return made


def expected_fields(events: list[ProductChange]) -> dict[str, object]:
    """The contract, said plainly: replay in the total order, a whole write clears everything before it."""
    fields: dict[str, object] = {}
    for event in sorted(events, key=lambda change: change.stamp):
        if event.replaces_all_fields:
            fields = {}
        fields |= event.fields
    return {name: value for name, value in fields.items() if value is not None}


@given(changes(), st.integers(0, 2**32))
def test_any_order_and_duplication_gives_the_same_state(events, seed):
    shuffled = random.Random(seed).choices(events, k=len(events)) + events if events else []
    random.Random(seed).shuffle(shuffled)
    assert merge_all(ProductState(), shuffled) == merge_all(ProductState(), events)


@given(changes(), st.integers(0, 8))
def test_a_state_that_was_stored_in_between_goes_on_the_same(events, at):
    stored = unpack_product(pack_product(StoredProduct(merge_all(ProductState(), events[:at])))).state
    assert merge_all(stored, events[at:]) == merge_all(ProductState(), events)


@given(changes().filter(lambda events: len({event.stamp for event in events}) == len(events)))
def test_the_fields_are_those_of_a_replay_in_the_total_order(events):
    assert merge_all(ProductState(), events).fields == expected_fields(events)


def test_a_patch_older_than_a_creation_tells_nothing():
    created = ProductChange("p", EventStamp(2, "s", "b"), {"title": "new"}, replaces_all_fields=True)
    late = ProductChange("p", EventStamp(1, "s", "a"), {"price": 9.0})
    assert merge_all(ProductState(), [created, late]).fields == {"title": "new"}


def test_a_patch_after_a_deletion_brings_back_just_what_it_names():
    events = [
        ProductChange("p", EventStamp(1, "s", "a"), {"title": "old", "price": 1.0}, replaces_all_fields=True),
        ProductChange("p", EventStamp(2, "s", "b"), {}, replaces_all_fields=True, deletes=True),
        ProductChange("p", EventStamp(3, "s", "c"), {"title": "again"}),
    ]
    state = merge_all(ProductState(), events)
    assert state.deleted and state.fields == {"title": "again"} and state.version == 3


def test_a_product_too_large_to_store_is_refused_by_its_size():
    noise = random.Random(0).randbytes(60_000).hex()
    state = merge_all(ProductState(), [ProductChange("p", EventStamp(1, "s", "a"), {"description": noise})])
    with pytest.raises(InvalidRecord, match="bytes compressed"):
        pack_product(StoredProduct(state))
