"""A long run of events with photos: memory stays flat, and the index is in the end what the events say.

`SOAK_EVENTS` and `SOAK_ENCODER` change how long it is and what encodes. Writes `build/reports/soak-memory.json`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from encoders.loading import load_encoder
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.store import open_active_store
from indexer.rows import is_searchable
from streams.config import KafkaConfig
from streams.events.schema import DEAD_LETTER, PRODUCT_EVENTS
from streams.kafka.lag import LagProbe
from tests.bench.catalogue import Catalogue, Outgoing, product_id
from tests.bench.kafka import Broker
from tests.bench.report import Target, publish_report
from tests.bench.shop import GROUP, Shop, Worker, open_shop
from tests.soak.memory import Sample, chart, growth_mb, resident_mb
from tests.soak.stream import Expected, shop_life

EVENTS = int(os.environ.get("SOAK_EVENTS", "200000"))
WARM_UP = EVENTS // 10
ENCODER = os.environ.get("SOAK_ENCODER", "mini")
CHUNK, MOST_WAITING = 500, 4_000
"""Published at once, and waiting at most: always more than a worker takes, and never the whole run on disk ahead."""
SAMPLE_S = 2.0
POLL_S = 0.1
STALLED_S = 120.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path, Catalogue(), ENCODER) as shop:
        yield shop


def test_memory_stays_flat_and_nothing_is_lost(shop: Shop):
    expected = Expected()
    life = shop_life(shop.catalogue, EVENTS, expected)
    asyncio.run(shop.broker.skip_to_end(GROUP, PRODUCT_EVENTS))
    letters = asyncio.run(shop.broker.ends(DEAD_LETTER))
    began = time.monotonic()
    with shop.worker() as worker:
        samples = asyncio.run(_run(shop.broker, worker, life))
    took_s = time.monotonic() - began
    differences = asyncio.run(_differences(shop, expected))
    dead = len(asyncio.run(shop.broker.read(DEAD_LETTER, letters)))
    _report(samples, took_s, differences, dead)
    assert not differences and not dead
    steady = _steady(samples)
    assert all(growth_mb(steady, name) <= _allowed_mb(steady, name) for name in steady[-1].resident_mb)


async def _run(broker: Broker, worker: Worker, life: Iterator[Outgoing]) -> list[Sample]:
    """Publish as the worker keeps up, until all is done; samples of its memory meanwhile."""
    samples: list[Sample] = []
    async with LagProbe(KafkaConfig(broker.servers), GROUP) as probe:
        published, waiting, progressed_at, next_sample = 0, 0, time.monotonic(), 0.0
        while published < EVENTS or waiting:
            if waiting < MOST_WAITING:
                published += await broker.publish(itertools.islice(life, CHUNK))
            before = published - waiting
            waiting = sum(partition.messages for partition in await probe.lag(PRODUCT_EVENTS))
            now = time.monotonic()
            progressed_at = now if published - waiting > before else progressed_at
            assert now - progressed_at < STALLED_S, f"nothing was done for {STALLED_S:.0f} s: {worker.log}"
            if now >= next_sample:
                samples.append(Sample(published - waiting, resident_mb(worker.process)))
                next_sample = now + SAMPLE_S
            await asyncio.sleep(POLL_S)
    return samples


async def _differences(shop: Shop, expected: Expected) -> list[str]:
    """Products that are not in the index as the events say."""
    spec = load_encoder(ENCODER).spec
    store = await open_active_store(MilvusConfig(shop.milvus, deadline_s=30), spec, create=False)
    names = {product_id(number)["product_id"]: number for number in expected.versions}
    try:
        stored = await store.read(list(names))
        searchable = (await store.count()).searchable
    finally:
        await store.close()
    wrong = [
        name
        for name, number in names.items()
        if name not in stored
        or stored[name][0].state.version != expected.versions[number]
        or is_searchable(stored[name][0]) != (number in expected.searchable)
    ]
    return wrong + ([f"{searchable} searchable"] if searchable != len(expected.searchable) else [])


def _steady(samples: list[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.events >= WARM_UP]


def _allowed_mb(samples: list[Sample], name: str) -> float:
    """What is within the noise: a twentieth of the process, or 20 MB."""
    return max(20.0, 0.05 * samples[0].resident_mb[name])


def _report(samples: list[Sample], took_s: float, differences: list[str], dead: int) -> None:
    steady = _steady(samples)
    names = list(samples[-1].resident_mb)
    rows: list[tuple[Any, ...]] = [
        (name, steady[0].resident_mb[name], steady[-1].resident_mb[name], growth_mb(steady, name)) for name in names
    ]
    targets = [Target(f"{n}, growth in MB", growth_mb(steady, n), _allowed_mb(steady, n), at_most=True) for n in names]
    targets += [
        Target("products that differ", float(len(differences)), 0.0, at_most=True),
        Target("dead letters", float(dead), 0.0, at_most=True),
    ]
    columns = ["process", "MB after warm-up", "MB at the end", "growth by slope, MB"]
    facts = {
        "events": EVENTS,
        "encoder": ENCODER,
        "seconds": round(took_s),
        "samples": [asdict(sample) for sample in samples],
    }
    publish_report("soak-memory", columns, rows, targets, **facts)
    print(*(chart(samples, name) for name in names), sep="\n")
