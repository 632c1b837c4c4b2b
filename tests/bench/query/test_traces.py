"""What traces cost: processor time a query and a product with them off, on for one in a hundred, on for all; 3 minutes.

Queries are answered by whole workers. Products go through the pipeline alone, with a hash for an encoder, doubles for
servers and batches of 64, each event with a producer's trace: of a real product's time it is a small part.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from msgspec.structs import replace

from tests.bench.cores import Cores
from tests.bench.query.generator import Order, ask
from tests.bench.query.hot_queries import CONNECTIONS, hot_paths
from tests.bench.query.listings import Listings
from tests.bench.query.rounds import ROUNDS, SECONDS
from tests.bench.query.services import open_worker
from tests.bench.report import Ratio, Target, publish_report
from tests.bench.shop import Servers, Worker
from tests.collector import running_collector

SHARES: Mapping[str, str | None] = {"off": None, "1 %": "0.01", "100 %": "1"}
"""Of requests and events that are recorded, by name."""
NO_CACHE = "cache-control: no-cache\r\n"
CostsUs = dict[str, list[float]]
"""Microseconds of the processor for one, by share, round by round."""


def test_traces_cost_little_where_few_are_recorded(servers: Servers, confined: Cores, listings: Listings) -> None:
    with running_collector() as collector, ExitStack() as resources:
        settings = {name: _settings(share, collector.url) for name, share in SHARES.items()}
        workers = {
            name: resources.enter_context(open_worker(servers, confined, **one)) for name, one in settings.items()
        }
        paths = hot_paths(listings)
        costs = {
            "finished answers": _in_turns(lambda name: _query_us(workers[name], Order(workers[name].url, paths))),
            "uncached queries": _in_turns(
                lambda name: _query_us(workers[name], Order(workers[name].url, paths, NO_CACHE))
            ),
            "products": _in_turns(lambda name: _product_us(SHARES[name], collector.url)),
        }
        assert collector.spans
    _publish(costs)


def _settings(share: str | None, url: str) -> dict[str, str]:
    if share is None:
        return {}
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": share}
    # A loop that is asked as fast as it answers makes more spans than a shop's: none is to be dropped.
    return {
        "VITRINE_TRACES_ENABLED": "true",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_BSP_MAX_QUEUE_SIZE": "100000",
    } | sampler


def _in_turns(measure: Callable[[str], float]) -> CostsUs:
    """Measure each share once a round; round 0 warms up and is not kept."""
    names, kept = list(SHARES), {name: list[float]() for name in SHARES}
    for number in range(ROUNDS + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            cost = measure(name)
            if number:
                kept[name].append(cost)
    return kept


def _query_us(worker: Worker, order: Order) -> float:
    before_s = sum(worker.cpu_seconds().values())
    outcome = ask(replace(order, connections=CONNECTIONS, seconds=SECONDS))
    assert not outcome.refused, outcome.statuses
    return 1e6 * (sum(worker.cpu_seconds().values()) - before_s) / outcome.answers


def _product_us(share: str | None, url: str) -> float:
    argv = [sys.executable, "-m", "tests.bench.query.traced_products", *([share, url] if share else [])]
    return float(subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=600).stdout)


def _publish(costs: Mapping[str, CostsUs]) -> None:
    rows, targets = list[Sequence[object]](), list[Target]()
    bounds = {"1 %": 1.15, "100 %": 3.0}
    for what, by_share in costs.items():
        ratios = {
            name: Ratio.of([one / off for one, off in zip(by_share[name], by_share["off"], strict=True)])
            for name in bounds
        }
        medians = [statistics.median(by_share[name]) for name in SHARES]
        rows.append([what, *medians, *map(str, ratios.values())])
        targets += [
            Target(f"{what}, {name} of off", ratios[name].median, bounds[name], at_most=True) for name in bounds
        ]
    columns = ["what", *(f"{name} µs" for name in SHARES), *(f"{name} of off [least, greatest]" for name in bounds)]
    publish_report("traces", columns, rows, targets, rounds=ROUNDS)
