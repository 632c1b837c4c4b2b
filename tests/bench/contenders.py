"""Those that are compared: our worker and the plain ways to do the same, each driven and measured alike."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.events.schema import INDEX_CHANGES, PRODUCT_EVENTS
from tests.bench.catalogue import PRODUCTS, Outgoing
from tests.bench.cores import ACCELERATED, Cores, confined_to, move_tree
from tests.bench.shop import GROUP, Shop, Worker, stop
from tests.bench.stages import Stage, stages

DEADLINE_S = 300.0
WARM_UP = 1_000
"""Events of a backlog that go before what is measured."""
TAIL = 512
"""And those that come after it."""
PRICE_WARM_UP = min(2_000, PRODUCTS)
BASELINE = (sys.executable, "-m", "tests.bench.baselines")

Durable = Callable[[], dict[str, float]]
"""When each event that was published since became durable, Unix ms."""


class Contender(ABC):
    """Something that indexes product events."""

    name: str
    group: str

    def __init__(self, shop: Shop, cores: Cores) -> None:
        self.shop = shop
        self.cores = cores

    @abstractmethod
    def running(self) -> AbstractContextManager[Durable]:
        """Run it meanwhile."""

    def speed(self, messages: Sequence[Outgoing], warm_up: int) -> float:
        """Events/s of a backlog, from when the first `warm_up` of them are durable to when almost all are."""
        broker = self.shop.broker
        asyncio.run(broker.skip_to_end(self.group, PRODUCT_EVENTS))
        asyncio.run(broker.publish(messages))
        with self.running() as durable:
            self.until_done()
            times = durable()
        return rate_after(times, [message.event_id for message in messages], warm_up)

    def latencies_ms(self, warm_up: Sequence[Outgoing], messages: Sequence[Outgoing], rate: float) -> list[float]:
        """From publishing to durable, of each event of a steady stream."""
        broker = self.shop.broker
        asyncio.run(broker.skip_to_end(self.group, PRODUCT_EVENTS))
        with self.running() as durable:
            # At the same rate: the broker too takes seconds to be quick at one message after another.
            asyncio.run(broker.publish_steadily(warm_up, rate, {}))
            self.until_done()
            published: dict[str, float] = {}
            with self.measured():
                asyncio.run(broker.publish_steadily(messages, rate, published))
                self.until_done()
            times = durable()
        return [times[event_id] - at for event_id, at in published.items()]

    @contextmanager
    def measured(self) -> Iterator[None]:
        """What is measured of it runs meanwhile."""
        yield

    def until_done(self) -> None:
        """Wait until it has committed all there is."""
        asyncio.run(self.shop.broker.until_committed(self.group, PRODUCT_EVENTS, DEADLINE_S))


class Ours(Contender):
    """The indexing worker: its encoder on one core, all else on the other."""

    name = "vitrine"
    group = GROUP
    worker: Worker
    stages: Sequence[Stage] = ()
    """Of the latest `latencies_ms`."""

    @contextmanager
    def running(self) -> Iterator[Durable]:
        since = asyncio.run(self.shop.broker.ends(INDEX_CHANGES))
        with self.shop.worker(self.cores.encoder) as worker:
            self.worker = worker
            yield lambda: asyncio.run(self.shop.broker.durable_times(since))

    @contextmanager
    def measured(self) -> Iterator[None]:
        before, began = self.worker.metrics(), time.monotonic()
        yield
        after = self.worker.metrics()
        spent = {name: value - before.get(name, 0.0) for name, value in after.items()}
        self.stages = stages(spent, time.monotonic() - began)


class OursWithRoom(Ours):
    """The same, but decoders run on whichever core has room: on the encoder's, as in the bare loop, or on the other."""

    name = "vitrine, decoders on either core"

    @contextmanager
    def running(self) -> Iterator[Durable]:
        since = asyncio.run(self.shop.broker.ends(INDEX_CHANGES))
        with self.shop.worker(self.cores.encoder) as worker:
            worker.give_decoders({self.cores.encoder, self.cores.other})
            yield lambda: asyncio.run(self.shop.broker.durable_times(since))


OURS = {one.name: one for one in (Ours, OursWithRoom)}
"""By name."""


class Baseline(Contender):
    """One of the plain ways: one process, encoder and all, on the encoder's core."""

    def __init__(self, shop: Shop, cores: Cores, name: str) -> None:
        super().__init__(shop, cores)
        self.name = name
        self.group = f"bench-{name}"

    @contextmanager
    def running(self) -> Iterator[Durable]:
        log = self.shop.data_dir / f"{self.name}.durable"
        log.unlink(missing_ok=True)
        with baseline(self.shop, self.name, self.cores, "--log", str(log), VITRINE_INDEXING_GROUP=self.group):
            yield lambda: _logged(log)


@contextmanager
def baseline(shop: Shop, name: str, cores: Cores, *options: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A baseline's process, on the encoder's core."""
    errors = shop.data_dir / f"{name}.log"
    with errors.open("ab") as log, confined_to(cores.encoder):
        process = subprocess.Popen([*BASELINE, name, *options], env=shop.env | settings, stdout=log, stderr=log)
    try:
        yield process
        assert process.poll() is None, errors.read_text()[-2000:]
    finally:
        stop(process)


def run_baseline(shop: Shop, name: str, cores: Cores, *options: str) -> str:
    """What a baseline that ends by itself printed."""
    with confined_to(cores.encoder):
        process = subprocess.Popen([*BASELINE, name, *options], env=shop.env, stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    return output.decode()


def encoding_speed(shop: Shop, cores: Cores, count: int) -> float:
    """Products/s of a bare loop: decoding and encoding on a CPU's core, encoding alone on an accelerator."""
    options = ["--alone"] if ACCELERATED else []
    return json.loads(run_baseline(shop, "encode", cores, "--count", str(count), *options))


@dataclass(frozen=True, slots=True)
class PriceRun:
    """A backlog of price changes, worked off."""

    rows_per_s: float
    encoded: float
    """How many inputs went through the encoder."""


def measure_speeds(shop: Shop, cores: Cores, names: Sequence[str], events: int, rounds: int) -> dict[str, list[float]]:
    """Products/s of contenders and of `encode`, the bare encoding loop, a figure a round; what goes first changes.

    A query worker follows what is indexed: the whole product runs.
    """
    runs: dict[str, list[float]] = {name: [] for name in names}
    with shop.confined(cores), shop.query_worker():
        for number in range(rounds):
            first = number % len(names)
            for name in [*names[first:], *names[:first]]:
                runs[name].append(_measure_speed(shop, cores, name, events))
    return runs


def _measure_speed(shop: Shop, cores: Cores, name: str, events: int) -> float:
    if name == "encode":
        return encoding_speed(shop, cores, events)
    contender = OURS[name](shop, cores) if name in OURS else Baseline(shop, cores, name)
    return contender.speed(shop.catalogue.restatements(WARM_UP + events + TAIL), WARM_UP)


def reprice(shop: Shop, cores: Cores) -> PriceRun:
    """Change the prices of the whole catalogue, with the encoder's core for all of the worker."""
    broker, messages = shop.broker, shop.catalogue.repricings(PRICE_WARM_UP + PRODUCTS + TAIL)
    since = asyncio.run(broker.ends(INDEX_CHANGES))
    asyncio.run(broker.skip_to_end(GROUP, PRODUCT_EVENTS))
    asyncio.run(broker.publish(messages))
    with shop.worker() as worker:
        move_tree(worker.process, cores.encoder)
        asyncio.run(broker.until_committed(GROUP, PRODUCT_EVENTS, DEADLINE_S))
        encoded = worker.total("vitrine_encoded_total")
    times = asyncio.run(broker.durable_times(since))
    return PriceRun(rate_after(times, [message.event_id for message in messages], PRICE_WARM_UP), encoded)


def rate_after(times: Mapping[str, float], event_ids: Sequence[str], warm_up: int) -> float:
    """Events/s between two moments: `warm_up` of them are durable, and all but `TAIL`; fails where one never was.

    Stages overlap, and what is under way counts for nothing: so it has to be as much at the end as at the beginning.
    """
    lost = [event_id for event_id in event_ids if event_id not in times]
    assert not lost, f"{len(lost)} events were never durable, {lost[0]} for one"
    moments = sorted(times[event_id] for event_id in event_ids)
    began, ended = moments[warm_up], moments[-TAIL]
    return sum(began < moment <= ended for moment in moments) / (ended - began) * 1000


def _logged(log: Path) -> dict[str, float]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return {event_id: at_ms for at_ms, event_ids in lines for event_id in event_ids}
