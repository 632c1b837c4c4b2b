"""One shop for all benchmarks: 10,000 products indexed, the shipped encoder, three partitions."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Iterator

import pytest

from tests.bench.catalogue import Catalogue
from tests.bench.contenders import OURS, PriceRun, measure_speeds, reprice
from tests.bench.cores import Cores
from tests.bench.records import compared, measured_ratios, read_records
from tests.bench.report import RUNS
from tests.bench.shop import Shop, open_shop

ENCODER = os.environ.get("BENCH_ENCODER", "mini")
PARTITIONS = 3
EVENTS = int(os.environ.get("BENCH_EVENTS", "4000"))
"""Of a backlog, measured."""
STARTED_S = time.time()


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
def speeds(shop: Shop, cores: Cores) -> dict[str, list[float]]:
    """Products/s of each contender and of the bare encoding loop, a figure a round."""
    return measure_speeds(shop, cores, ("encode", *OURS, "loop", "take"), EVENTS, RUNS)


@pytest.fixture(scope="session")
def capacities(speeds: dict[str, list[float]]) -> dict[str, float]:
    """Median products/s of each contender, and of the bare encoding loop."""
    return {name: statistics.median(rates) for name, rates in speeds.items()}


@pytest.fixture(scope="session")
def price_runs(shop: Shop, cores: Cores) -> list[PriceRun]:
    """Price changes of the whole catalogue, by a worker that has the encoder's core to itself."""
    with shop.confined(cores):
        return [reprice(shop, cores) for _ in range(RUNS)]


def pytest_configure() -> None:
    """Have a benchmark that is told to stop end as after Ctrl-C: with all the servers that it started."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how the ratios that were measured compare with those on record."""
    lines = compared(read_records(), measured_ratios(STARTED_S))
    if lines:
        terminalreporter.section("ratios on record")
        terminalreporter.write_line("\n".join(lines))
