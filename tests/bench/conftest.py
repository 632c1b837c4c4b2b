"""One shop for all benchmarks: 10,000 products indexed, the shipped encoder, three partitions."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator

import pytest

from tests.bench.catalogue import Catalogue
from tests.bench.contenders import Baseline, Ours, PriceRun, encoding_speed, reprice
from tests.bench.cores import Cores
from tests.bench.report import RUNS
from tests.bench.shop import Shop, open_shop

ENCODER = os.environ.get("BENCH_ENCODER", "mini")
PARTITIONS = 3
EVENTS, WARM_UP = 4_000, 1_000
"""Of a backlog: what is measured, and what goes before it."""


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """What is published."""
    return Catalogue()


@pytest.fixture(scope="session")
def cores() -> Cores:
    """The two cores that are used."""
    return Cores.choose()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Iterator[Shop]:
    """The servers."""
    with open_shop(tmp_path_factory.mktemp("bench"), catalogue, ENCODER, PARTITIONS) as shop:
        yield shop


@pytest.fixture
def confined(shop: Shop, cores: Cores) -> Iterator[Cores]:
    """The encoder's core kept free of all else."""
    with shop.confined(cores):
        yield cores


@pytest.fixture(scope="session")
def capacities(shop: Shop, cores: Cores) -> dict[str, float]:
    """Median products/s of each contender, and of the bare encoding loop; measured in turns."""
    contenders = [Ours(shop, cores), Baseline(shop, cores, "loop"), Baseline(shop, cores, "take")]
    runs: dict[str, list[float]] = {"encode": [], **{one.name: [] for one in contenders}}
    with shop.confined(cores):
        for _ in range(RUNS):
            runs["encode"].append(encoding_speed(shop, cores, EVENTS))
            for one in contenders:
                runs[one.name].append(one.speed(shop.catalogue.restatements(WARM_UP + EVENTS), WARM_UP))
    return {name: statistics.median(speeds) for name, speeds in runs.items()}


@pytest.fixture(scope="session")
def price_runs(shop: Shop, cores: Cores) -> list[PriceRun]:
    """Price changes of the whole catalogue, by a worker that has the encoder's core to itself."""
    with shop.confined(cores):
        return [reprice(shop, cores) for _ in range(RUNS)]
