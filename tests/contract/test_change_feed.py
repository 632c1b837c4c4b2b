"""What a query worker keeps of hot queries, over the double of the change log and over a Redis that comes and goes."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.redis import find_redis
from indexer.errors import StoreUnavailable
from indexer.ports.changes import ChangeLog
from indexer.redis.change_log import InMemoryChangeLog, RedisChangeLog
from indexer.redis.client import RedisConfig, connect_redis, redis_call
from query_api.cache.candidate_cache import RedisCandidateCache
from query_api.cache.change_feed import ChangedProduct, ChangeFeed
from query_api.circuit_breaker import CircuitBreaker
from query_api.config import QueryConfig
from tests.shop import Shop
from tests.unit.query_api.search.test_candidate_finder import ask


class Told:
    """What a feed told."""

    def __init__(self) -> None:
        self.changed: list[str] = []
        self.cleared = 0

    def apply(self, changed: Sequence[ChangedProduct]) -> None:
        self.changed += [product.product_id for product in changed]

    def clear(self) -> None:
        self.changed.clear()
        self.cleared += 1


class RestartableRedis:
    """A Redis on a socket, which keeps what it had when it was told to."""

    def __init__(self, directory: Path) -> None:
        self._argv = [find_redis(), "--port", "0", "--unixsocket", "redis.sock", "--save", "", "--dir", str(directory)]
        self._directory = directory
        self.config = RedisConfig(f"unix://{directory / 'redis.sock'}", deadline_s=5)
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._spawn()
        redis = connect_redis(self.config)
        async with asyncio.timeout(10):
            while True:
                try:
                    async with redis_call(1):
                        await redis.ping()
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.01)
        await redis.aclose()

    async def save(self) -> None:
        redis = connect_redis(self.config)
        await redis.save()
        await redis.aclose()

    def _spawn(self) -> None:
        self._process = subprocess.Popen(self._argv, cwd=self._directory, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture
async def restartable(tmp_path: Path) -> AsyncIterator[RestartableRedis]:
    server = RestartableRedis(tmp_path)
    await server.start()
    yield server
    server.kill()


@pytest.fixture(params=["double", "redis"])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[ChangeLog]:
    if request.param == "double":
        yield InMemoryChangeLog()
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    await redis.flushdb()
    log = RedisChangeLog(redis, "feed", 5)
    yield log
    await log.aclose()
    await redis.aclose()


def feed_over(log: ChangeLog) -> tuple[ChangeFeed, Told]:
    shop, told = Shop(), Told()
    feed = ChangeFeed(log, shop.services.store, CircuitBreaker(5), max_changes=8)
    feed.tell(told)
    return feed, told


async def test_whoever_waits_for_the_feed_knows_of_all_changes_before(log: ChangeLog) -> None:
    feed, told = feed_over(log)
    start = await feed.catch_up()
    for at in range(5):
        await log.append([f"p{at}"])
        await asyncio.gather(*(feed.catch_up() for _ in range(5)))
        assert told.changed[-1] == f"p{at}" and len(told.changed) == at + 1
    known = feed.since(start)
    assert known is not None and [product.product_id for product in known] == told.changed


async def test_more_changes_than_are_looked_at_are_a_new_beginning(log: ChangeLog) -> None:
    feed, told = feed_over(log)
    start = await feed.catch_up()
    cleared = told.cleared
    await log.append([f"p{at}" for at in range(9)])
    assert await feed.catch_up() > start
    assert told.cleared == cleared + 1 and not told.changed and feed.since(start) is None


class FailsToHear(Told):
    """Breaks at a change."""

    def apply(self, changed: Sequence[ChangedProduct]) -> None:
        if changed[0].product_id == "odd":
            raise ValueError("odd")
        super().apply(changed)


async def test_a_change_of_which_nobody_could_be_told_is_a_new_beginning(log: ChangeLog) -> None:
    feed, told = feed_over(log)
    failing = FailsToHear()
    feed.tell(failing)
    start = await feed.catch_up()
    cleared = told.cleared
    await log.append(["odd"])
    # It fails nobody's request either.
    assert await feed.catch_up() > start
    assert (told.cleared, failing.cleared) == (cleared + 1, cleared + 1) and feed.since(start) is None
    await log.append(["p"])
    await feed.catch_up()
    assert told.changed == failing.changed == ["p"]


async def test_many_who_come_at_once_share_two_readings(log: ChangeLog) -> None:
    feed, _ = feed_over(log)
    read, readings = log.read, 0

    async def counted(*arguments):  # type: ignore[no-untyped-def]
        nonlocal readings
        readings += 1
        await asyncio.sleep(0)
        return await read(*arguments)

    log.read = counted  # type: ignore[method-assign]
    first = asyncio.create_task(feed.catch_up())
    while not readings:
        await asyncio.sleep(0)
    # These came after that one was sent.
    await asyncio.gather(first, *(feed.catch_up() for _ in range(50)))
    assert readings == 2


@asynccontextmanager
async def worker_of(server: RestartableRedis, first: Shop | None = None) -> AsyncIterator[Shop]:
    redis = connect_redis(server.config)
    shared = {"store": first.services.store} if first else {}
    shop = Shop(
        QueryConfig(redis_deadline_s=5),
        change_log=RedisChangeLog(redis, "memory", 5),
        candidate_cache=RedisCandidateCache(redis, 5),
        **shared,
    )
    yield shop
    await shop.services.change_log.aclose()
    await redis.aclose()
    shop.close()


async def test_what_redis_forgot_in_a_restart_is_not_believed_of_what_it_kept(restartable: RestartableRedis) -> None:
    """A change that was confirmed and lost with the server is in the next answer of workers that had not seen it."""
    async with worker_of(restartable) as one, worker_of(restartable, one) as other:
        await one.put("a", title="mug", price=1.0)
        async with one.client() as first, other.client() as second:
            for client in (first, second):
                await ask(client, {"text": "mug"})
                assert (await ask(client, {"text": "mug"}))["cache"] == "hit"
            await restartable.save()
            await one.put("a", title="mug", price=2.0)
            restartable.kill()
            await restartable.start()
            for client in (first, second):
                for _ in range(3):
                    assert (await ask(client, {"text": "mug"}))["hits"][0]["price"] == 2.0
            # From then on it is as before.
            await one.put("a", title="mug", price=3.0)
            for client in (first, second):
                answers = [await ask(client, {"text": "mug"}) for _ in range(3)]
                assert [answer["hits"][0]["price"] for answer in answers] == [3.0] * 3
                assert answers[-1]["cache"] == "hit" and not answers[-1]["degraded"]
