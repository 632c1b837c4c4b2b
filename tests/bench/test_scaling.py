"""Two and three workers beside each other: no event is handled twice, and none costs much more than with one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from streams.events.schema import PRODUCT_EVENTS
from tests.bench.catalogue import Outgoing
from tests.bench.contenders import DEADLINE_S
from tests.bench.report import RUNS, Target, median_of, publish_report
from tests.bench.shop import GROUP, Shop, Worker

WARM_UP, EVENTS = 600, 2_400
WORKERS = (1, 2, 3)
HANDLED = f'vitrine_events_total{{topic="{PRODUCT_EVENTS}"}}'


def test_more_workers_waste_nothing(shop: Shop):
    runs: dict[int, list[dict[str, float]]] = {number: [] for number in WORKERS}
    for _ in range(RUNS):
        for number in WORKERS:
            runs[number].append(_measure(shop, number))
    medians = {number: median_of(some) for number, some in runs.items()}
    targets = [
        Target(f"events handled twice by {n}", figure["twice"], 0.0, at_most=True) for n, figure in medians.items()
    ]
    alone = medians[1]["per_busy_core"]
    targets += [Target(f"{n} workers' products/s a core", medians[n]["per_busy_core"] / alone, 0.9) for n in (2, 3)]
    columns = ["workers", "products a CPU second", "handled twice", "share of the idlest"]
    publish_report("scaling", columns, [(number, *figure.values()) for number, figure in medians.items()], targets)
    assert not any(one["twice"] for run in runs.values() for one in run)


def _measure(shop: Shop, number: int) -> dict[str, float]:
    """Work a backlog off with so many workers, after all have joined and warmed up."""
    asyncio.run(shop.broker.skip_to_end(GROUP, PRODUCT_EVENTS))
    with _workers(shop, number) as workers:
        _work_off(shop, shop.catalogue.restatements(WARM_UP))
        spent_s = -_cpu_seconds(workers)
        before = [worker.metrics()[HANDLED] for worker in workers]
        _work_off(shop, shop.catalogue.restatements(EVENTS))
        spent_s += _cpu_seconds(workers)
        handled = [one.metrics()[HANDLED] - earlier for one, earlier in zip(workers, before, strict=True)]
    return {"per_busy_core": EVENTS / spent_s, "twice": sum(handled) - EVENTS, "idlest": min(handled) / EVENTS}


def _work_off(shop: Shop, messages: list[Outgoing]) -> None:
    asyncio.run(shop.broker.publish(messages))
    asyncio.run(shop.broker.until_committed(GROUP, PRODUCT_EVENTS, DEADLINE_S))


def _cpu_seconds(workers: list[Worker]) -> float:
    return sum(sum(worker.cpu_seconds().values()) for worker in workers)


@contextlib.contextmanager
def _workers(shop: Shop, number: int) -> Iterator[list[Worker]]:
    """So many workers, all of them ready once the last has joined."""
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(shop.worker()) for _ in range(number)]
        for worker in workers:
            worker.wait_until_ready()
        yield workers
