"""What each kind of work takes, fitted to eight mixtures, and whether `vitrine capacity` foretells two others from it.

Processor time by /proc. Kinds of work are not measured one by one: a cached search costs more beside changes, and an
event less in a fuller batch. Writes `build/reports/capacity.toml`, in the shape of `vitrine/capacity/measured.toml`,
which it becomes on a quiet machine.
Source: Box, Hunter and Hunter, 2005, "Statistics for Experimenters": a fraction of a factorial design, 2^(5-2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
from scipy.optimize import nnls

from tests.bench.catalogue import PRODUCTS, Outgoing, clicked
from tests.bench.query.generator import Order, ask
from tests.bench.report import REPORTS, SIZES, Target, commit, machine, publish_report
from tests.bench.shop import GROUP, Shop, Worker
from vitrine.capacity.demand import Demand
from vitrine.capacity.measured import KINDS, PARTS, from_file, shipped
from vitrine.capacity.sizing import busy_cores

SECONDS = float(SIZES.get("BENCH_CAPACITY_SECONDS", "20"))
LEVELS = {"content": (20, 80), "change": (60, 240), "click": (200, 800), "cached_search": (50, 300), "search": (2, 10)}
"""So many a second of each kind, few or many."""
DESIGN = [(a ^ c, b, c, a ^ b ^ c, a) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
"""Which mixtures are measured: few (0) or many (1) of each kind, in the order of `LEVELS`."""
MIXTURES = {
    "many prices": Demand(
        products=PRODUCTS, events_per_s=220, content_share=0.12, clicks_per_s=300, queries_per_s=150, cached_share=0.97
    ),
    "many pictures": Demand(
        products=PRODUCTS, events_per_s=150, content_share=0.43, clicks_per_s=650, queries_per_s=83, cached_share=0.9
    ),
}
NEEDED = ("worker", "decoding", "encoder", "kafka", "milvus")
"""Who works for each product."""
PATHS = tuple(f"/v1/search?q={word}" for word in ("kettle", "hoodie", "lamp", "mug", "jeans", "basket", "rug", "scarf"))
NO_CACHE = "cache-control: no-cache\r\n"
HEADING = "# Processor time in seconds that each kind of work takes, by who spends it; by tests/bench/test_capacity.py."


class Meter:
    """Processor time of a shop's processes, by part."""

    def __init__(self, shop: Shop, indexing: Worker, query: Worker) -> None:
        self._shop, self._indexing, self._query = shop, indexing, query

    async def busy(self, seconds: float, **rates: float) -> dict[str, float]:
        """Processor seconds a second under a load that lasts so long, until all of it is done."""
        before = self._spent()
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(seconds))
            self._load(group, seconds, rates)
        for topic in ("catalog.product-events", "shop.user-events"):
            await self._shop.broker.until_committed(GROUP, topic, 120)
        after = self._spent()
        return {part: (after[part] - before[part]) / seconds for part in PARTS}

    def _load(self, group: asyncio.TaskGroup, seconds: float, rates: Mapping[str, float]) -> None:
        def count(kind: str) -> int:
            return round(rates.get(kind, 0) * seconds)

        catalogue, stamp = self._shop.catalogue, time.time_ns() // 1000
        messages: dict[str, list[Outgoing]] = {
            "content": [catalogue.whole(n, stamp) for n in range(count("content"))],
            "change": [catalogue.repriced(PRODUCTS - 1 - n % PRODUCTS, stamp + n) for n in range(count("change"))],
            "click": [clicked(n) for n in range(count("click"))],
        }
        for kind, some in messages.items():
            if some:
                group.create_task(self._shop.broker.publish_steadily(some, rates[kind], {}))
        for kind, headers in (("cached_search", ""), ("search", NO_CACHE)):
            if count(kind):
                order = Order(self._query.url, PATHS, headers, connections=4, seconds=seconds, rate=rates[kind])
                group.create_task(asyncio.to_thread(ask, order))

    def _spent(self) -> dict[str, float]:
        worker, servers = self._indexing.cpu_seconds(), self._shop.server_seconds()
        # Decoders that are not needed any more end, and what they took is their parent's to tell.
        worker["ended"] = sum(self._indexing.process.cpu_times()[2:4])
        spent = {"worker": worker.pop("event loop"), "encoder": worker.pop("encoder process", 0.0)}
        query = [self._query.process, *self._query.process.children(recursive=True)]
        spent |= {"decoding": sum(worker.values()), "query": sum(sum(one.cpu_times()[:2]) for one in query)}
        return spent | {name: servers[name] for name in ("kafka", "redis", "milvus")}


def test_mixtures_take_what_capacity_foretells(shop: Shop):
    asyncio.run(_measure(shop))


async def _measure(shop: Shop) -> None:
    async with AsyncExitStack() as stack:
        indexing, query = stack.enter_context(shop.worker()), stack.enter_context(shop.query_process())
        meter = Meter(shop, indexing, query)
        mixtures = [_rates(levels) for levels in DESIGN]
        await meter.busy(SECONDS, **mixtures[-1])
        half = len(mixtures) // 2
        fitted = [await meter.busy(SECONDS, **one) for one in mixtures[:half]]
        # Between the others: what costs the more the longer it runs is in both.
        taken = {name: await meter.busy(SECONDS, **one.rates()) for name, one in MIXTURES.items()}
        fitted += [await meter.busy(SECONDS, **one) for one in mixtures[half:]]
        _write(_fitted(mixtures, fitted))
    measured = from_file(REPORTS / "capacity.toml")
    rows: list[tuple[Any, ...]] = []
    targets: list[Target] = []
    for name, demand in MIXTURES.items():
        foretold, found = busy_cores(demand, measured), taken[name]
        rows += [(name, part, foretold[part], found[part]) for part in PARTS]
        off = abs(sum(foretold.values()) / sum(found.values()) - 1)
        rows.append((name, "all", sum(foretold.values()), sum(found.values())))
        targets.append(Target(f"{name}: foretold, off by", off, 0.15, at_most=True))
    publish_report("capacity", ["load", "part", "cores, foretold", "cores, found"], rows, targets)
    free = [part for part in NEEDED if not measured.seconds["content"][part]]
    assert not free, f"no table to go by: a product is said to take nothing of {free}, and an idle stack what it takes"


def _rates(levels: Sequence[int]) -> dict[str, float]:
    return {kind: float(LEVELS[kind][level]) for kind, level in zip(LEVELS, levels, strict=True)}


def _fitted(
    mixtures: Sequence[Mapping[str, float]], taken: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Seconds by kind and part, none below zero; what is there without any work is `idle`."""
    rates = np.array([[one.get(kind, 1.0) for kind in KINDS] for one in mixtures])
    fits = {part: nnls(rates, np.array([one[part] for one in taken]))[0] for part in PARTS}
    return {kind: {part: float(fits[part][number]) for part in PARTS} for number, kind in enumerate(KINDS)}


def _write(seconds: Mapping[str, Mapping[str, float]]) -> None:
    defaults, on = shipped(), machine()
    lines = [HEADING, f'where = "{on["cores"]} cores, {on["processor"]}, Milvus Lite 2.5, mini; commit {commit()}"']
    lines += [f"products = {PRODUCTS}", f"graph_search_seconds = {defaults.graph_search_seconds}"]
    lines += [f"device_seconds = {defaults.device_seconds}", f"assumed = {list(defaults.assumed)}"]
    for kind, parts in seconds.items():
        lines += ["", f"[seconds.{kind}]", *(f"{part} = {one:.3g}" for part, one in parts.items())]
    storage = {name: getattr(defaults.storage, name) for name in defaults.storage.__struct_fields__}
    lines += ["", "[storage]", *(f"{name} = {value:g}" for name, value in storage.items()), ""]
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / "capacity.toml").write_text("\n".join(lines).replace("'", '"'))
