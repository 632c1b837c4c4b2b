"""Announcing changes while Redis comes and goes."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from indexer.errors import StoreUnavailable
from indexer.redis.change_log import CHANGES_KEPT, InMemoryChangeLog
from streams.products.change_events import ChangeLogWriter
from tests.unit.streams.pipeline import Bench


class Flaky(InMemoryChangeLog):
    """A change log that is away for a while, and tells when it was written."""

    def __init__(self) -> None:
        super().__init__()
        self.away = True
        self.tries = 0
        self.written = asyncio.Event()

    async def append(self, product_ids: Sequence[str]) -> None:
        self.tries += 1
        if self.away:
            raise StoreUnavailable("away")
        await super().append(product_ids)
        self.written.set()


async def test_changes_that_could_not_be_told_are_told_with_the_next_ones():
    log = Flaky()
    writer = ChangeLogWriter(log, patience_s=0)
    await writer.append(["a", "b"])
    log.away = False
    await writer.append(["c"])
    assert await log.since(0) == (3, ["a", "b", "c"])
    await writer.append([])
    assert await log.position() == 3


async def test_changes_that_could_not_be_told_are_told_without_another_write_once_redis_is_back():
    log = Flaky()
    writer = ChangeLogWriter(log, flush_s=0.001, patience_s=0)
    await writer.append(["a", "b"])
    running = asyncio.create_task(writer.run())
    log.away = False
    async with asyncio.timeout(5):
        await log.written.wait()
    assert await log.since(0) == (2, ["a", "b"])
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_change_that_redis_is_too_busy_to_take_at_once_is_in_the_log_before_it_is_announced():
    class Busy(Flaky):
        async def append(self, product_ids: Sequence[str]) -> None:
            self.away = self.tries < 3
            await super().append(product_ids)

    log = Busy()
    await ChangeLogWriter(log, flush_s=0).append(["a"])
    assert await log.since(0) == (1, ["a"])


async def test_while_redis_is_away_only_the_first_who_finds_it_so_waits_for_it():
    log = Flaky()
    writer = ChangeLogWriter(log, flush_s=0, patience_s=0.01)
    await writer.append(["a"])
    tries, log.tries = log.tries, 0
    await writer.append(["b"])
    assert tries > 1 and log.tries == 1


async def test_what_changes_again_while_it_is_told_is_told_again():
    release = asyncio.Event()

    class Slow(Flaky):
        async def append(self, product_ids: Sequence[str]) -> None:
            if not self.away:
                await release.wait()
            await super().append(product_ids)

    log = Slow()
    log.away = False
    writer = ChangeLogWriter(log, patience_s=0)
    first = asyncio.create_task(writer.append(["a"]))
    await asyncio.sleep(0)
    log.away = True
    await writer.append(["a"])
    log.away = False
    release.set()
    await first
    await writer.append([])
    assert await log.position() == 2


async def test_a_long_outage_takes_bounded_memory_and_still_makes_every_cached_result_stale():
    log = Flaky()
    log.away = False
    await log.append(["old"])
    log.away = True
    writer = ChangeLogWriter(log, patience_s=0)
    for start in range(0, 3 * CHANGES_KEPT, 5_000):
        await writer.append([f"p{number}" for number in range(start, start + 5_000)])
    log.away = False
    await writer.append([])
    assert await log.since(1) is None
    assert await log.position() == 1 + CHANGES_KEPT + 1


async def test_a_change_whose_writer_ended_before_telling_is_told_by_who_gets_its_event_again():
    bench = Bench()
    event = bench.kafka.message({"product_id": "a", "title": "mug", "version": 1})
    await bench.index(event)
    # As if the first worker had been killed between the row and the log.
    bench.changes = InMemoryChangeLog()
    bench.use()
    await bench.index(bench.kafka.raw(event.value))
    assert await bench.changes.since(0) == (1, ["a"])
