"""Collecting media once in a while, whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from indexer.errors import CollectionRefused, StoreUnavailable
from indexer.media.collection import CollectionReport
from streams import metrics
from vitrine.generations.media import collect_in_turns


class Turns:
    """Every other time it is somebody else's turn."""

    asked = 0

    async def take(self) -> bool:
        self.asked += 1
        return self.asked % 2 == 1


def outcomes() -> dict[str, float]:
    names = ("done", "unavailable", "refused", "failed")
    return {name: metrics.MEDIA_COLLECTIONS.labels(name)._value.get() for name in names}


async def test_nothing_that_goes_wrong_ends_it_and_all_of_it_is_counted() -> None:
    ends = [StoreUnavailable("away"), CollectionRefused("empty"), ZeroDivisionError(), None]
    turns, finished, before = Turns(), asyncio.Event(), outcomes()

    async def collect() -> CollectionReport:
        end = ends.pop(0)
        if end is not None:
            raise end
        finished.set()
        return CollectionReport(kept=3)

    running = asyncio.create_task(collect_in_turns(turns, 0.001, collect))
    async with asyncio.timeout(5):
        await finished.wait()
    assert turns.asked == 7
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert {name: value - before[name] for name, value in outcomes().items()} == dict.fromkeys(before, 1.0)
