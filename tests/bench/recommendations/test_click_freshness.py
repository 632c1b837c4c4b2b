"""How soon a click changes what its shopper is recommended, while a whole shop clicks: through Kafka, asked over HTTP.

A probe is a shopper nobody knows, who clicks one product. Their recommendations are asked again and again until they
are ranked for them: until their click is known, they are what is popular, without scores of their own. Meanwhile it is
looked every second how many clicks wait: where that grows, the worker does not keep up. CPU time is that of the
indexing worker and the servers, per click.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import time
import uuid
from collections import deque
from collections.abc import Iterator

import httpx

from streams.config import KafkaConfig
from streams.events.schema import USER_EVENTS
from streams.kafka.lag import LagProbe
from tests.bench.catalogue import PRODUCTS, Outgoing, clicked
from tests.bench.contenders import DEADLINE_S
from tests.bench.report import Target, percentiles, publish_report
from tests.bench.shop import GROUP, Shop, Worker

CLICKS_PER_S = float(os.environ.get("BENCH_CLICKS_PER_S", "2000"))
PROBES = int(os.environ.get("BENCH_PROBES", "300"))
WARM_UP_PROBES = 10
PROBE_EVERY_S, ASK_EVERY_S, LOOK_EVERY_S = 0.2, 0.02, 1.0
BURST_S = 0.01
"""Clicks that are due within so long are published together: one by one, publishing would cost more than they do."""


def test_a_click_is_in_the_ranking_soon(shop: Shop):
    asyncio.run(shop.broker.skip_to_end(GROUP, USER_EVENTS))
    with shop.worker() as worker, shop.query_worker() as url:
        took_ms, spent, waiting = asyncio.run(_measured(shop, worker, url))
    latency = percentiles(took_ms)
    third = len(waiting) // 3
    rows = [
        (CLICKS_PER_S, *latency.values(), *(statistics.median(part) for part in (waiting[:third], waiting[-third:])))
    ]
    target = Target("p99 ms", latency["p99_ms"], 500.0, at_most=True)
    columns = ["clicks/s", "p50 ms", "p99 ms", "clicks that wait in the first third", "in the last third"]
    publish_report("click-freshness", columns, rows, [target])
    publish_report("click-cpu", ["process", "CPU µs a click"], list(spent.items()), [])


async def _measured(shop: Shop, worker: Worker, url: str) -> tuple[list[float], dict[str, float], list[int]]:
    """How long each probe took, ms; CPU µs a click by process; and how many clicks wait, every second."""
    clicks, waiting = Clicks(), list[int]()
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=DEADLINE_S) as http,
        LagProbe(KafkaConfig(shop.broker.servers), GROUP) as lag,
        asyncio.TaskGroup() as group,
    ):
        publishing = group.create_task(shop.broker.publish_without_end(clicks, CLICKS_PER_S, BURST_S))
        await _probes(clicks, http, WARM_UP_PROBES)
        looking = group.create_task(_look(lag, waiting))
        before, first = worker.cpu_seconds() | shop.server_seconds(), clicks.count
        took_ms = await _probes(clicks, http, PROBES)
        after, count = worker.cpu_seconds() | shop.server_seconds(), clicks.count - first
        looking.cancel()
        publishing.cancel()
    return took_ms, {role: (after[role] - before.get(role, 0.0)) / count * 1e6 for role in after}, waiting


async def _look(lag: LagProbe, waiting: list[int]) -> None:
    """Note how many clicks are not recorded, until cancelled."""
    while True:
        waiting.append(sum(partition.messages for partition in await lag.lag(USER_EVENTS)))
        await asyncio.sleep(LOOK_EVERY_S)


class Clicks(Iterator[Outgoing]):
    """The shop's clicks without end, and those of probes among them, as soon as they are there."""

    def __init__(self) -> None:
        self.count = 0
        self._numbers = itertools.count()
        self._probes: deque[Outgoing] = deque()

    def add(self, probe: Outgoing) -> None:
        """Have this one published next."""
        self._probes.append(probe)

    def __next__(self) -> Outgoing:
        self.count += 1
        return self._probes.popleft() if self._probes else clicked(next(self._numbers))


async def _probes(clicks: Clicks, http: httpx.AsyncClient, count: int) -> list[float]:
    """How long each of so many took, one after another, ms."""
    took_ms: list[float] = []
    for number in range(count):
        due = time.perf_counter() + PROBE_EVERY_S
        took_ms.append(await _probe(clicks, http, number % PRODUCTS))
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return took_ms


async def _probe(clicks: Clicks, http: httpx.AsyncClient, number: int) -> float:
    """From publishing a stranger's click to the first recommendations that are ranked by it, ms."""
    shopper, began = f"probe-{uuid.uuid4()}", time.perf_counter()
    clicks.add(clicked(number, shopper))
    async with asyncio.timeout(DEADLINE_S):
        while True:
            asked = time.perf_counter()
            answer = await http.get(f"/v1/users/{shopper}/recommendations")
            hits = answer.raise_for_status().json()["hits"]
            if any(hit["score"] > 0 for hit in hits):
                return 1000 * (time.perf_counter() - began)
            await asyncio.sleep(max(0.0, asked + ASK_EVERY_S - time.perf_counter()))
