"""Late writes: a request that lands after newer rows were written does not stay."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from unittest.mock import AsyncMock

from encoders.port import HashEncoder
from encoders.spec import fuse_parts
from indexer.in_memory_store import InMemoryProductStore
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from streams.products.write_reconciler import WriteReconciler
from tests.unit.streams.pipeline import Bench


async def price(bench: Bench) -> float:
    return (await bench.store.read(["p"]))["p"][0].state.fields["price"]


def noted_writes(bench: Bench) -> list[Sequence[IndexRow]]:
    """The rows of each write from now on."""
    written: list[Sequence[IndexRow]] = []
    write = bench.store.write

    async def write_and_note(rows: Sequence[IndexRow], until: float = math.inf) -> None:
        written.append(rows)
        await write(rows, until)

    bench.store.write = write_and_note
    return written


async def bench_with_a_late_write(*, expected: bool) -> Bench:
    """A product whose first row lands again after the second was written."""
    bench = Bench()
    if expected:
        bench.pipeline.reconciler.open_window()
    written = noted_writes(bench)
    await bench.index(bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle", "price": 1.0}))
    await bench.index(bench.kafka.message({"product_id": "p", "version": 2, "price": 2.0}, "product.updated"))
    await bench.store.write(written[0])
    assert await price(bench) == 1.0
    return bench


async def test_what_a_late_write_set_back_is_written_again():
    bench = await bench_with_a_late_write(expected=True)
    await bench.pipeline.reconciler.reconcile()
    assert await price(bench) == 2.0
    assert await bench.changes.since(0) == (3, ["p"])


async def test_nothing_newer_is_undone():
    bench = Bench()
    written = noted_writes(bench)
    bench.pipeline.reconciler.open_window()
    await bench.index(bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle", "price": 1.0}))
    await bench.index(bench.kafka.message({"product_id": "p", "version": 2, "price": 2.0}, "product.updated"))
    bench.pipeline.reconciler.record_written(written[0], {"p": 0})
    await bench.pipeline.reconciler.reconcile()
    assert await price(bench) == 2.0


async def test_what_was_not_to_be_read_in_the_middle_of_a_late_write_is_not_lost():
    bench = Bench()
    bench.pipeline.reconciler.open_window()
    await bench.index(bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle", "price": 1.0}))
    read_rows, bench.store.read_rows = bench.store.read_rows, AsyncMock(return_value={})
    await bench.index(bench.kafka.message({"product_id": "p", "version": 2, "price": 2.0}, "product.updated"))
    bench.store.read_rows = read_rows
    assert await bench.titles("kettle") == []
    await bench.pipeline.reconciler.reconcile()
    assert await bench.titles("kettle") == ["p"] and await price(bench) == 2.0


async def test_when_nothing_late_is_expected_nothing_is_remembered():
    bench = await bench_with_a_late_write(expected=False)
    await bench.pipeline.reconciler.reconcile()
    assert await price(bench) == 1.0


async def test_rows_of_partitions_that_are_gone_are_left_to_their_owner():
    bench = await bench_with_a_late_write(expected=True)
    bench.pipeline.reconciler.pause()
    await bench.pipeline.reconciler.reconcile()
    bench.pipeline.reconciler.resume({1, 2})
    await bench.pipeline.reconciler.reconcile()
    assert await price(bench) == 1.0


async def test_rows_of_partitions_that_come_straight_back_are_still_watched():
    bench = await bench_with_a_late_write(expected=True)
    bench.pipeline.reconciler.pause()
    bench.pipeline.reconciler.resume({0, 1})
    await bench.pipeline.reconciler.reconcile()
    assert await price(bench) == 2.0


async def test_a_deletion_that_was_undone_is_done_again():
    bench = Bench()
    bench.pipeline.reconciler.open_window()
    await bench.index(bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle"}))
    stored, vector = (await bench.store.read(["p"]))["p"]
    await bench.index(bench.kafka.message({"product_id": "p", "version": 2}, "product.deleted"))
    await bench.store.write([build_row("p", stored, vector)])
    await bench.pipeline.reconciler.reconcile()
    assert (await bench.store.read(["p"]))["p"][0].state.deleted
    assert await bench.titles("kettle") == []


class Watch:
    """A reconciler, the time that it goes by, and what it reads and repairs."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.store = InMemoryProductStore(HashEncoder().spec)
        self.repaired: list[str] = []
        self.reconciler = WriteReconciler(self.store, self._repair, window_s=60, clock=lambda: self.now_s)

    async def _repair(self, changes: Sequence[ProductChange], check_owned: Callable[[], None]) -> None:
        self.repaired += [change.product_id for change in changes]

    def note(self, product_id: str) -> None:
        """Note a row that is not there."""
        change = ProductChange(product_id, EventStamp(1, "test", "event"), {"title": "Kettle"})
        stored = StoredProduct(ProductState().merge(change))
        vector = fuse_parts(HashEncoder().spec, None, None)
        self.reconciler.record_written([build_row(product_id, stored, vector)], {product_id: 0})

    async def checked_at(self, seconds: Iterable[int]) -> list[int]:
        """In which of these seconds it checked."""
        times: list[int] = []
        for second in seconds:
            self.now_s = float(second)
            if self.reconciler.is_due():
                await self.reconciler.check()
                times.append(second)
        return times


async def test_what_is_watched_is_read_again_the_seldomer_the_longer_ago_a_write_was_lost():
    watch = Watch()
    watch.reconciler.open_window()
    watch.note("p")
    assert await watch.checked_at(range(100)) == [4, 8, 16, 32, 60]
    assert watch.repaired == ["p"] * 5


async def test_what_is_written_in_a_window_that_opens_while_rows_are_read_is_watched():
    watch = Watch()
    watch.reconciler.open_window()
    watch.note("p")
    await watch.checked_at(range(60))
    read = watch.store.read

    async def read_while_a_write_is_lost(product_ids: Sequence[str]):
        watch.store.read = read
        watch.reconciler.open_window()
        watch.note("q")
        return await read(product_ids)

    watch.store.read = read_while_a_write_is_lost
    assert await watch.checked_at([60, 64]) == [60, 64]
    assert watch.repaired[-2:] == ["p", "q"]
