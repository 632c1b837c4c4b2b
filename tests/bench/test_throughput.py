"""Products a second: against a bare loop that decodes and encodes, and against the plain ways to do all the work.

About 12 minutes. `BENCH_CATALOGUE`, `BENCH_EVENTS`, `BENCH_RUNS` and `BENCH_IDLE_S` make it smaller. With
`BENCH_CAPACITY=278`, the products/s of the slowest as an earlier run had them, `-k half_load` measures nothing else.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence

import pytest

from streams.events.schema import PRODUCT_EVENTS
from tests.bench.catalogue import Catalogue, Outgoing
from tests.bench.conftest import EVENTS
from tests.bench.contenders import DEADLINE_S, WARM_UP, Baseline, Contender, Ours, OursWithRoom
from tests.bench.cores import ACCELERATED, Cores
from tests.bench.report import RUNS, Ratio, Target, percentiles, publish_report, table
from tests.bench.shop import GROUP, Shop, Worker

STEADY_S = 15.0
WARM_UP_S = 6.0
CAPACITY = os.environ.get("BENCH_CAPACITY", "")
IDLE_S = float(os.environ.get("BENCH_IDLE_S", "30"))
QUIET_MS_PER_S = 150.0
"""A stack that takes less of the processor has done what it does once: the recogniser of speech is loaded, say."""
SETTLING_S = 180.0
"""How long that may take."""
EFFICIENCY = 0.90 if ACCELERATED else 0.95
ENCODER = "indexing worker, encoder process"


def test_the_pipeline_is_nearly_as_fast_as_its_encoder(
    speeds: Mapping[str, Sequence[float]], capacities: Mapping[str, float]
):
    shares = {name: _share(rates, speeds["encode"]) for name, rates in speeds.items()}
    rows = [(name, capacities[name], str(figure)) for name, figure in shares.items()]
    targets = [
        Target("products/s of the bare loop", shares[Ours.name].median, EFFICIENCY),
        Target("products/s of the bare loop, decoders on either core", shares[OursWithRoom.name].median, EFFICIENCY),
    ]
    targets += [
        Target(f"products/s of {name}", _share(speeds["vitrine"], speeds[name]).median, 1.1)
        for name in ("loop", "take")
    ]
    columns = ["what", "products/s", "of the bare loop [least, greatest]"]
    ratios = {"pipeline": shares["vitrine"].median}
    publish_report("pipeline-efficiency", columns, rows, targets, rounds=RUNS, events=EVENTS, ratios=ratios)


def test_it_keeps_up_with_the_plain_ways_at_half_load(
    request: pytest.FixtureRequest, shop: Shop, catalogue: Catalogue, confined: Cores
):
    ours = Ours(shop, confined)
    contenders = [ours, Baseline(shop, confined, "loop"), Baseline(shop, confined, "take")]
    capacities = _known_capacities(contenders) or request.getfixturevalue("capacities")
    rate = min(capacities[contender.name] for contender in contenders) / 2
    with shop.query_worker():
        latencies = {contender.name: percentiles(_at(rate, contender, catalogue)) for contender in contenders}
    rows = [(name, capacities[name], *figure.values()) for name, figure in latencies.items()]
    print(f"\nvitrine at {rate:.0f}/s", table(["stage", "mean ms", "events in it"], ours.stages), sep="\n")
    targets = [
        Target("p50 ms at half load", latencies["vitrine"]["p50_ms"], 100.0, at_most=True),
        Target("p99 ms at half load", latencies["vitrine"]["p99_ms"], 250.0, at_most=True),
    ]
    columns = ["who", "products/s", "p50 ms at half load", "p99 ms at half load"]
    publish_report("baselines", columns, rows, targets, half_load_products_per_s=round(rate, 1))


def test_what_a_product_costs_and_what_nothing_costs(shop: Shop, catalogue: Catalogue, confined: Cores):
    asyncio.run(shop.broker.skip_to_end(GROUP, PRODUCT_EVENTS))
    with shop.worker(confined.encoder) as indexing, shop.query_process() as query:
        workers = {"indexing worker": indexing, "query worker": query}
        _work_off(shop, catalogue.restatements(WARM_UP))
        _settle(shop, workers)
        before = _cpu_seconds(shop, workers)
        _work_off(shop, catalogue.restatements(EVENTS))
        product_ms = {name: 1000 * one / EVENTS for name, one in _spent(before, shop, workers).items()}
        _settle(shop, workers)
        before = _cpu_seconds(shop, workers)
        time.sleep(IDLE_S)
        idle_ms = {name: 1000 * one / IDLE_S for name, one in _spent(before, shop, workers).items()}
    beside = sum(product_ms.values()) - product_ms.get(ENCODER, 0.0)
    idle = sum(idle_ms.values())
    rows = [(name, product_ms[name], idle_ms.get(name, 0.0)) for name in sorted(product_ms)]
    rows += [("all but the encoder", beside, idle - idle_ms.get(ENCODER, 0.0)), ("all", sum(product_ms.values()), idle)]
    targets = [
        Target("CPU ms a product beside the encoder", beside, 1.5, at_most=True),
        Target("CPU ms a second of the idle stack", idle, 30.0, at_most=True),
    ]
    publish_report("cpu", ["process", "CPU ms a product", "CPU ms a second, idle"], rows, targets, events=EVENTS)


def _known_capacities(contenders: Sequence[Contender]) -> dict[str, float]:
    """Those of an earlier run, where they are given."""
    return {contender.name: float(CAPACITY) for contender in contenders} if CAPACITY else {}


def _share(speeds: Sequence[float], others: Sequence[float]) -> Ratio:
    return Ratio.of([one / other for one, other in zip(speeds, others, strict=True)])


def _at(rate: float, contender: Contender, catalogue: Catalogue) -> list[float]:
    warm_up = int(rate * WARM_UP_S)
    messages = catalogue.restatements(warm_up + int(rate * STEADY_S))
    return contender.latencies_ms(messages[:warm_up], messages[warm_up:], rate)


def _work_off(shop: Shop, messages: Sequence[Outgoing]) -> None:
    asyncio.run(shop.broker.publish(messages))
    asyncio.run(shop.broker.until_committed(GROUP, PRODUCT_EVENTS, DEADLINE_S))


def _settle(shop: Shop, workers: Mapping[str, Worker]) -> None:
    """Wait until nothing is done any more that is done once, after a start or after the last event."""

    def is_quiet() -> bool:
        if workers["indexing worker"].total("vitrine_watched_rows"):
            # Rows written in a worker's first minute are read again, meanwhile and after it.
            return False
        before = _cpu_seconds(shop, workers)
        time.sleep(2)
        # A process that ended meanwhile takes its time with it.
        return sum(max(0.0, one) for one in _spent(before, shop, workers).values()) / 2 < QUIET_MS_PER_S / 1000

    deadline = time.monotonic() + SETTLING_S
    # What goes on for longer is a part of what is measured.
    while time.monotonic() < deadline and not is_quiet():
        time.sleep(0.5)


def _cpu_seconds(shop: Shop, workers: Mapping[str, Worker]) -> dict[str, float]:
    """CPU time so far of all that runs, by /proc; children of a worker by what they do."""
    spent = shop.server_seconds()
    for name, worker in workers.items():
        spent |= {f"{name}, {role}": seconds for role, seconds in worker.cpu_seconds().items()}
    return spent


def _spent(before: Mapping[str, float], shop: Shop, workers: Mapping[str, Worker]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in _cpu_seconds(shop, workers).items()}
