"""Clicks a second through to Redis, against a Faust agent that does nothing with them."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shoppers.restore_lease import RedisRestoreLease
from streams.config import KafkaConfig
from streams.events.schema import USER_EVENTS
from streams.kafka.lag import LagProbe
from tests.bench.catalogue import clicked
from tests.bench.contenders import DEADLINE_S, baseline
from tests.bench.cores import Cores, move_tree
from tests.bench.report import RUNS, Target, publish_report
from tests.bench.shop import GROUP, Shop

CLICKS, WARM_UP = 60_000, 10_000
POLL_S = 0.02


def test_clicks_cost_little_more_than_faust(shop: Shop, confined: Cores):
    names = {"empty Faust agent": ("bench-empty", _empty), "vitrine": (GROUP, _ours)}
    runs: dict[str, list[float]] = {name: [] for name in names}
    # A worker that finds an empty Redis reads the topic a second time beside the live events, to restore it.
    with shop.worker():
        asyncio.run(_until_whole(shop))
    for _ in range(RUNS):
        for name, (group, running) in names.items():
            asyncio.run(shop.broker.skip_to_end(group, USER_EVENTS))
            asyncio.run(shop.broker.publish(clicked(number) for number in range(CLICKS)))
            with running(shop, confined):
                runs[name].append(asyncio.run(_speed(shop, group)))
    medians = {name: statistics.median(speeds) for name, speeds in runs.items()}
    target = Target("events/s of the empty agent", medians["vitrine"] / medians["empty Faust agent"], 0.5)
    publish_report("clicks", ["what", "events/s"], list(medians.items()), [target], ratios={"clicks": target.value})


@contextmanager
def _ours(shop: Shop, cores: Cores) -> Iterator[None]:
    with shop.worker() as worker:
        move_tree(worker.process, cores.encoder)
        yield


def _empty(shop: Shop, cores: Cores) -> AbstractContextManager[object]:
    return baseline(shop, "empty", cores, VITRINE_INDEXING_GROUP="bench-empty")


async def _until_whole(shop: Shop) -> None:
    redis = connect_redis(RedisConfig(shop.redis))
    lease = RedisRestoreLease(redis, 1.0, 1.0)
    async with asyncio.timeout(DEADLINE_S):
        while await lease.is_needed():
            await asyncio.sleep(POLL_S)
    await redis.aclose()


async def _speed(shop: Shop, group: str) -> float:
    """Events/s between two commits: the first after the warm-up, and the last."""
    began: tuple[float, int] | None = None
    async with asyncio.timeout(DEADLINE_S), LagProbe(KafkaConfig(shop.broker.servers), group) as probe:
        while left := sum(partition.messages for partition in await probe.lag(USER_EVENTS)):
            if began is None and left <= CLICKS - WARM_UP:
                began = time.perf_counter(), left
            await asyncio.sleep(POLL_S)
    assert began is not None, "it was done before it could be watched"
    return began[1] / (time.perf_counter() - began[0])
