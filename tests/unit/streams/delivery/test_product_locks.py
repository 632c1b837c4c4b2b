"""Product locks: a product has one holder at a time, and no two holders wait for each other."""

from __future__ import annotations

import asyncio

import pytest

from streams.delivery.product_locks import ProductLocks


async def test_a_product_is_held_once_and_others_are_free():
    locks, entered = ProductLocks(), asyncio.Event()

    async def hold_both() -> None:
        async with locks.hold({"p", "q"}):
            entered.set()

    async with locks.hold({"p"}):
        waiting = asyncio.create_task(hold_both())
        async with locks.hold({"q", "r"}):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not entered.is_set()
    await waiting
    assert entered.is_set()


async def test_sets_that_overlap_all_ways_are_held_one_after_the_other():
    locks, held = ProductLocks(), set[str]()

    async def hold(*product_ids: str) -> None:
        async with locks.hold({*product_ids}):
            assert not held & {*product_ids}
            held.update(product_ids)
            await asyncio.sleep(0)
            held.difference_update(product_ids)

    sets = [("p", "q"), ("q", "r"), ("r", "p"), ("p",), ("q",), ("p", "q", "r")]
    async with asyncio.timeout(5):
        await asyncio.gather(*(hold(*product_ids) for product_ids in sets * 5))


async def test_a_holder_that_fails_releases_its_products():
    locks = ProductLocks()
    with pytest.raises(ValueError, match="fault"):
        async with locks.hold({"p"}):
            raise ValueError("fault")
    async with asyncio.timeout(5), locks.hold({"p"}):
        pass
