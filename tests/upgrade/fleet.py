"""Workers of two versions beside each other on the same Kafka, Milvus and Redis."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis import Redis

from deploy.local.stack import LocalStack
from indexer.redis.shoppers.restore_lease import RESTORED_KEY
from streams.config import KafkaConfig
from streams.kafka.lag import LagProbe
from tests.chaos.comparing import CHANGES, PARTITIONS, Servers
from tests.chaos.load import Outgoing, publish
from tests.milvus3 import free_port
from tests.oracle import PRODUCTS, SHOPPERS
from tests.upgrade.versions import Version

GROUP = "vitrine-indexer"
DEADLINE_S = 120.0
SETTINGS = {
    "VITRINE_ENCODER_NAME": "hash",
    "VITRINE_KAFKA_PARTITIONS": str(PARTITIONS),
    "VITRINE_KAFKA_SESSION_TIMEOUT_S": "6",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process of one version."""

    version: Version
    kind: str
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def is_ready(self) -> bool:
        """Whether it says so itself. Raises when it has ended."""
        assert self.process.poll() is None, f"{self.version.name} {self.kind}: {self.log.read_text()[-3000:]}"
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


class Fleet:
    """Servers that stay, and workers that come and go."""

    def __init__(self, data_dir: Path, local: LocalStack) -> None:
        self._data_dir = data_dir
        self._workers: list[Worker] = []
        self.servers = Servers(local.kafka().url, local.milvus().url, local.redis().url)

    def start(self, version: Version, kind: str = "indexing") -> Worker:
        """Start a worker, and wait until it is ready."""
        worker = self.launch(version, kind)
        self.wait(f"{version.name} {kind} is ready", worker.is_ready)
        return worker

    def launch(self, version: Version, kind: str = "indexing", **settings: str) -> Worker:
        """Start a worker without waiting for it."""
        port, log = free_port(), self._data_dir / f"{version.name}-{kind}-{len(self._workers)}.log"
        section = "QUERY" if kind == "query" else "INDEXING_HEALTH"
        environment = self._environment(version) | {f"VITRINE_{section}_PORT": str(port)} | settings
        with log.open("wb") as output:
            argv = [sys.executable, "-P", "-m", "vitrine", "worker", kind]
            process = subprocess.Popen(argv, cwd=self._data_dir, env=environment, stdout=output, stderr=output)
        worker = Worker(version, kind, f"http://127.0.0.1:{port}", process, log)
        self._workers.append(worker)
        return worker

    def stop(self, worker: Worker) -> None:
        """Ask a worker to leave, as a rolling upgrade does, and wait until it has."""
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(DEADLINE_S) == 0, worker.log.read_text()[-3000:]
        self._workers.remove(worker)

    def replace(self, worker: Worker, by: Version) -> Worker:
        """A worker of another version in the place of one: the new one is there before the other leaves."""
        successor = self.start(by, worker.kind)
        self.stop(worker)
        return successor

    def command(self, version: Version, *args: str) -> str:
        """What a command of a version prints, with both outputs."""
        argv = [sys.executable, "-P", "-m", "vitrine", *args]
        environment = self._environment(version)
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return done.stdout + done.stderr

    def publish(self, *messages: Outgoing) -> None:
        """Publish, and wait until what products are told of is announced as searchable."""
        named = {json.loads(message.value)["id"] for message in messages if message.topic == PRODUCTS and message.value}
        publish(self.servers.kafka, messages)
        self.wait("announcements", lambda: named <= asyncio.run(_announced(self.servers.kafka)))

    def lag(self) -> int:
        """How many events wait."""

        async def ask() -> int:
            async with LagProbe(KafkaConfig(self.servers.kafka), GROUP) as probe:
                return sum(partition.messages for partition in await probe.lag(PRODUCTS, SHOPPERS))

        return asyncio.run(ask())

    def wait_until_indexed(self) -> None:
        """Until every indexing worker is a member of the group and no event waits."""
        self.wait("workers are ready", lambda: all(worker.is_ready() for worker in self._workers))
        self.wait("lag 0", lambda: self.lag() == 0)

    def restore_profiles(self) -> None:
        """What `docs/operations.md` tells to do after the last worker of 0.2.0 has left; waits until it is done."""
        with Redis.from_url(self.servers.redis) as redis:
            redis.delete(RESTORED_KEY)
            self.wait("profiles are restored", lambda: bool(redis.exists(RESTORED_KEY)))

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Look again and again until something is so."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what}"
            time.sleep(0.05)

    def end(self) -> None:
        """Kill what runs."""
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()

    def _environment(self, version: Version) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
        addresses = {
            "VITRINE_KAFKA_BOOTSTRAP_SERVERS": self.servers.kafka,
            "VITRINE_MILVUS_URI": self.servers.milvus,
            "VITRINE_REDIS_URL": self.servers.redis,
            "VITRINE_DATA_DIR": str(self._data_dir),
            "PYTHONPATH": str(version.tree),
        }
        return clean | SETTINGS | addresses


@contextmanager
def open_fleet(data_dir: Path) -> Iterator[Fleet]:
    """Servers on a directory of their own, without any worker."""
    local = LocalStack(data_dir / "servers")
    services = [local.kafka(), local.redis(), local.milvus()]
    asyncio.run(local.start(services, lambda _: None))
    try:
        fleet = Fleet(data_dir, local)
        try:
            yield fleet
        finally:
            fleet.end()
    finally:
        local.stop()


async def _announced(kafka: str) -> set[str]:
    """Ids of all events that index changes name."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    async with consumer:
        places = [TopicPartition(CHANGES, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        named: set[str] = set()
        while any([await consumer.position(place) < ends[place] for place in places]):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                named.update(name for message in messages for name in json.loads(message.value)["event_ids"])
        return named
