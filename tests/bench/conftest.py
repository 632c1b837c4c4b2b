"""One shop for all benchmarks: 10,000 products indexed, the shipped encoder, three partitions."""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from streams.events import INDEX_CHANGES, PRODUCT_EVENTS
from tests.bench.catalogue import PRODUCTS, Catalogue
from tests.bench.contenders import DEADLINE_S, Baseline, Ours, encoding_speed, rate_after
from tests.bench.cores import Cores, confined_to, move, move_tree
from tests.bench.report import RUNS
from tests.bench.shop import GROUP, Shop, open_shop

ENCODER = os.environ.get("BENCH_ENCODER", "mini")
PARTITIONS = 3
EVENTS, WARM_UP = 4_000, 1_000
"""Of a backlog: what is measured, and what goes before it."""
PRICE_WARM_UP = 2_000


@dataclass(frozen=True, slots=True)
class PriceRun:
    """A backlog of price changes, worked off."""

    rows_per_s: float
    encoded: float
    """How many inputs went through the encoder."""


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """What is published."""
    return Catalogue()


@pytest.fixture(scope="session")
def cores() -> Cores:
    """The two cores that are used."""
    return Cores.choose()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, cores: Cores) -> Iterator[Shop]:
    """The servers, on the core that is not the encoder's."""
    with open_shop(tmp_path_factory.mktemp("bench"), catalogue, ENCODER, PARTITIONS) as shop:
        for pid in shop.server_pids.values():
            move(psutil.Process(pid), cores.other)
        yield shop


@pytest.fixture
def confined(cores: Cores) -> Iterator[Cores]:
    """This process, and what it starts, beside the servers."""
    with confined_to(cores.other):
        yield cores


@pytest.fixture(scope="session")
def capacities(shop: Shop, cores: Cores) -> dict[str, float]:
    """Median products/s of each contender, and of the bare encoding loop; measured in turns."""
    contenders = [Ours(shop, cores), Baseline(shop, cores, "loop"), Baseline(shop, cores, "take")]
    runs: dict[str, list[float]] = {"encode": [], **{one.name: [] for one in contenders}}
    with confined_to(cores.other):
        for _ in range(RUNS):
            runs["encode"].append(encoding_speed(shop, cores, EVENTS))
            for one in contenders:
                runs[one.name].append(one.speed(shop.catalogue.restatements(WARM_UP + EVENTS), WARM_UP))
    return {name: statistics.median(speeds) for name, speeds in runs.items()}


@pytest.fixture(scope="session")
def price_runs(shop: Shop, cores: Cores) -> list[PriceRun]:
    """Price changes of the whole catalogue, by a worker that has the encoder's core to itself."""
    with confined_to(cores.other):
        return [_reprice(shop, cores) for _ in range(RUNS)]


def _reprice(shop: Shop, cores: Cores) -> PriceRun:
    messages = shop.catalogue.repricings(PRICE_WARM_UP + PRODUCTS)
    since = asyncio.run(shop.broker.ends(INDEX_CHANGES))
    asyncio.run(shop.broker.skip_to_end(GROUP, PRODUCT_EVENTS))
    asyncio.run(shop.broker.publish(messages))
    with shop.worker() as worker:
        move_tree(worker.process, cores.encoder)
        asyncio.run(shop.broker.until_committed(GROUP, PRODUCT_EVENTS, DEADLINE_S))
        encoded = worker.total("vitrine_encoded_total")
    times = asyncio.run(shop.broker.durable_times(since))
    return PriceRun(rate_after(times, [one.event_id for one in messages], PRICE_WARM_UP), encoded)
