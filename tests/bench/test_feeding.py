"""How many products a second a core of everything but the encoder feeds into it: what a GPU would wait for.

Workers, decoders, servers and a query worker share one core; the encoder service has another, and a model that takes
the time of a GPU of 10,000 products/s, and no processor. What 16 cores feed follows: 16 / (CPU a product).
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from deploy.local.processes import free_port
from encoders.inference.synthetic import PRODUCTS_PER_S
from streams.events.schema import INDEX_CHANGES, PRODUCT_EVENTS
from tests.bench.catalogue import Catalogue
from tests.bench.contenders import rate_after
from tests.bench.cores import Cores, confined_to, move_tree, role
from tests.bench.report import Target, publish_report
from tests.bench.shop import GROUP, WORKER, Servers, Worker, open_servers

WORKERS = int(os.environ.get("BENCH_FEEDING_WORKERS", "2"))
EVENTS = int(os.environ.get("BENCH_FEEDING_EVENTS", "6000"))
WARM_UP = 1_000
DEADLINE_S = 600.0
MACHINE_CORES = 16
GOAL = 5_000
"""Products/s into one GPU of a machine of so many cores."""
SERVICE = (*WORKER[:-1], "encoder")


class Feeding:
    """Workers, the encoder service and a query worker, on servers."""

    def __init__(self, servers: Servers, workers: list[Worker], service: Worker, query: Worker) -> None:
        self.servers, self.service = servers, service
        self._parts = {"indexing": workers, "query worker": [query]}

    def work_off(self, catalogue: Catalogue, count: int) -> float:
        """Index so many products, stated anew; returns products/s, from the first that is durable to the last."""
        broker, messages = self.servers.broker, catalogue.restatements(count)
        since = asyncio.run(broker.ends(INDEX_CHANGES))
        asyncio.run(broker.publish(messages))
        asyncio.run(broker.until_committed(GROUP, PRODUCT_EVENTS, DEADLINE_S))
        return rate_after(asyncio.run(broker.durable_times(since)), [message.event_id for message in messages], 0)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time so far, by what it is spent on."""
        spent: defaultdict[str, float] = defaultdict(float)
        for name, seconds in self.servers.server_seconds().items():
            spent[f"{name}, a server"] = seconds
        for part, workers in self._parts.items():
            for worker in workers:
                for name, seconds in worker.cpu_seconds().items():
                    spent[f"{part}: {name}"] += seconds
        for process in (self.service.process, *self.service.process.children()):
            name = role(process) if process != self.service.process else "supervisor"
            spent[f"encoder service: {name}"] += sum(process.cpu_times()[:2])
        return dict(spent)


@contextmanager
def feeding(data_dir: Path, cores: Cores) -> Iterator[Feeding]:
    with ExitStack() as running:
        running.enter_context(confined_to(cores.other))
        servers = running.enter_context(open_servers(data_dir, "synthetic", partitions=3 * WORKERS))
        port = free_port()
        socket = f"unix:{data_dir / 'encoder'}"
        own = {"VITRINE_ENCODER_SERVICE": socket, "VITRINE_ENCODER_HEALTH_PORT": str(port)}
        service = running.enter_context(servers.process(SERVICE, port, own))
        move_tree(service.process, cores.encoder)
        workers = [running.enter_context(servers.worker(VITRINE_ENCODER_SERVICE=socket)) for _ in range(WORKERS)]
        # Words for speech are learned once a catalogue, not with each product.
        quiet = {"VITRINE_ENCODER_SERVICE": socket, "VITRINE_SPEECH_AHEAD": "false"}
        yield Feeding(servers, workers, service, running.enter_context(servers.query_process(**quiet)))


def test_a_gpu_does_not_wait_for_sixteen_cores(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue, cores: Cores
) -> None:
    with feeding(tmp_path_factory.mktemp("f"), cores) as fed:
        fed.work_off(catalogue, WARM_UP)
        before = fed.cpu_seconds()
        measured = fed.work_off(catalogue, EVENTS)
        after = fed.cpu_seconds()
    costs = {name: (after[name] - before.get(name, 0.0)) / EVENTS * 1e6 for name in after}
    _publish(costs, measured)


def _publish(costs: Mapping[str, float], measured: float) -> None:
    """The table by process, and the arithmetic."""
    whole = sum(costs.values())
    service = sum(cost for name, cost in costs.items() if name.startswith("encoder service"))
    indexing = sum(cost for name, cost in costs.items() if name.startswith("indexing"))
    loop = costs["indexing: event loop"]
    figures = {
        "a core of all but the encoder service": 1e6 / (whole - service),
        "measured on such a core": measured,
        f"{MACHINE_CORES} cores with all on them": MACHINE_CORES * 1e6 / whole,
        f"{MACHINE_CORES} cores with workers and the service": MACHINE_CORES * 1e6 / (indexing + service),
        "one worker's event loop": 1e6 / loop,
        "the encoder service's processor": 1e6 / service,
    }
    facts = {"workers": WORKERS, "events": EVENTS, "encoder_products_per_s": PRODUCTS_PER_S}
    rows = sorted(costs.items(), key=lambda one: -one[1])
    publish_report("feeding-cpu", ["process", "µs of CPU a product"], [*rows, ("all", whole)], [], **facts)
    goal = f"{MACHINE_CORES} cores with workers and the service"
    target = Target(f"products/s, {goal}", figures[goal], GOAL)
    publish_report("feeding", ["what", "products/s"], [*figures.items()], [target], **facts)
    print(f"{MACHINE_CORES} / ({indexing:.0f} + {service:.0f} µs) = {figures[goal]:,.0f} products/s")
    print(f"workers for {GOAL:,} products/s by their event loops: {GOAL * loop / 1e6:.1f}")
