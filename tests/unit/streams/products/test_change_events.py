"""Announcing changes while Redis comes and goes."""

from collections.abc import Sequence

from indexer.errors import StoreUnavailable
from indexer.redis.change_log import InMemoryChangeLog
from streams.products.change_events import CacheInvalidator


class Flaky(InMemoryChangeLog):
    """A change log that is away for a while."""

    away = True

    async def append(self, product_ids: Sequence[str]) -> None:
        if self.away:
            raise StoreUnavailable("away")
        await super().append(product_ids)


async def test_changes_that_could_not_be_told_are_told_with_the_next_ones():
    log = Flaky()
    invalidator = CacheInvalidator(log)
    await invalidator.invalidate(["a", "b"])
    log.away = False
    await invalidator.invalidate(["c"])
    assert await log.since(0) == (3, ["a", "b", "c"])
    await invalidator.invalidate([])
    assert await log.position() == 3
