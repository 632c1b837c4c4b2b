"""Bisecting: items at fault are found, and the others processed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.bisecting import bisect
from streams.errors import PartitionsLost


class Processing:
    """Fails on batches with an item at fault, before it processes any of them."""

    def __init__(self, faulty: set[int]) -> None:
        self._faulty = faulty
        self.processed: list[int] = []
        self.calls = 0

    async def __call__(self, items: Sequence[int]) -> None:
        self.calls += 1
        if self._faulty & set(items):
            raise ValueError("faulty")
        self.processed += items


@given(st.integers(0, 20), st.sets(st.integers(0, 20)))
async def test_just_the_items_at_fault_fail_and_the_others_are_processed_once_in_their_order(count, faulty):
    process, items = Processing(faulty), list(range(count))
    failed = await bisect(items, process)
    assert [item for item, _ in failed] == [item for item in items if item in faulty]
    assert process.processed == [item for item in items if item not in faulty]


async def test_a_batch_that_succeeds_is_processed_by_one_call_and_none_by_no_call():
    process = Processing(set())
    assert await bisect([1, 2, 3], process) == [] and process.calls == 1
    assert await bisect([], process) == [] and process.calls == 1


async def test_no_item_is_at_fault_when_partitions_are_lost():
    calls = 0

    async def lose(_items: Sequence[int]) -> None:
        nonlocal calls
        calls += 1
        raise PartitionsLost("gone")

    with pytest.raises(PartitionsLost):
        await bisect([1, 2, 3], lose)
    assert calls == 1
