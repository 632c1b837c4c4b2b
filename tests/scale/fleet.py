"""Indexing workers, each on a machine of its own, started again when they end, as an orchestrator does."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streams.config import KafkaConfig
from streams.errors import KafkaUnavailable
from streams.kafka.lag import LagProbe, PartitionLag
from tests.chaos.comparing import PARTITIONS, Servers
from tests.oracle import PRODUCTS, SHOPPERS
from tests.paths import ROOT
from tests.scale.network import Machine

GROUP = "vitrine-indexer"
DEADLINE_S = 240.0
LOOK_EVERY_S = 0.5


class Fleet:
    """Workers on machines; whoever ends is started again."""

    def __init__(self, directory: Path, servers: Servers, machines: Sequence[Machine]) -> None:
        self.servers = servers
        self.restarts = 0
        self._directory = directory
        self._ends = threading.Event()
        self._processes = {machine.name: self._start(machine) for machine in machines}
        self._watch = threading.Thread(target=self._restart_what_ends, args=(machines,), daemon=True)
        self._watch.start()

    def standing(self) -> list[PartitionLag] | None:
        """Where the group is on each partition; None: Kafka does not tell."""

        async def ask() -> list[PartitionLag]:
            async with LagProbe(KafkaConfig(self.servers.kafka), GROUP) as probe:
                return await probe.lag(PRODUCTS, SHOPPERS)

        try:
            return asyncio.run(ask())
        except KafkaUnavailable:
            return None

    def seconds_until(self, waiting: int) -> float:
        """Wait until no more than so many events wait; returns for how long that took."""
        began = time.monotonic()
        while (now := self.standing()) is None or sum(one.messages for one in now) > waiting:
            assert time.monotonic() - began < DEADLINE_S, f"{now} after {DEADLINE_S:.0f} s"
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def end(self) -> None:
        """Kill them."""
        self._ends.set()
        self._watch.join()
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _start(self, machine: Machine) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
        settings = {
            "VITRINE_ENCODER_NAME": "hash",
            "VITRINE_KAFKA_BOOTSTRAP_SERVERS": self.servers.kafka,
            "VITRINE_KAFKA_PARTITIONS": str(PARTITIONS),
            "VITRINE_KAFKA_REPLICATION_FACTOR": "3",
            "VITRINE_KAFKA_SESSION_TIMEOUT_S": "6",
            "VITRINE_MILVUS_URI": self.servers.milvus,
            "VITRINE_REDIS_URL": self.servers.redis,
            "VITRINE_DATA_DIR": str(self._directory),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }
        argv = machine.argv([sys.executable, "-P", "-m", "vitrine", "worker", "indexing"])
        with (self._directory / f"{machine.name}.log").open("ab") as log:
            return subprocess.Popen(argv, cwd=self._directory, env=clean | settings, stdout=log, stderr=log)

    def _restart_what_ends(self, machines: Sequence[Machine]) -> None:
        while not self._ends.wait(LOOK_EVERY_S):
            for machine in machines:
                if self._processes[machine.name].poll() is not None:
                    self.restarts += 1
                    self._processes[machine.name] = self._start(machine)


class Pauses:
    """How long events of some partition waited and none was done with, at most; watched from a thread.

    While Kafka does not tell, nothing counts as done.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._done: dict[tuple[str, int], tuple[int, float]] = {}
        self.longest_s = 0.0

    def __enter__(self) -> Pauses:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ends.wait(LOOK_EVERY_S):
            for one in self._fleet.standing() or ():
                self._note(one, time.monotonic())

    def _note(self, one: PartitionLag, now: float) -> None:
        place = (one.topic, one.partition)
        before, since = self._done.get(place, (-1, now))
        self.longest_s = max(self.longest_s, now - since)
        if one.next_offset != before or not one.messages:
            self._done[place] = (one.next_offset, now)


@contextmanager
def open_fleet(directory: Path, servers: Servers, machines: Sequence[Machine]) -> Iterator[Fleet]:
    """Workers, which end at the end."""
    directory.mkdir()
    fleet = Fleet(directory, servers, machines)
    try:
        yield fleet
    finally:
        fleet.end()
