"""A Kafka of three brokers, each on a machine of its own, and beside it one Redis and one Milvus Lite."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local.kafka import EmbeddedKafka
from deploy.local.redis import find_redis
from deploy.local.services import Service
from tests.chaos.comparing import Servers
from tests.milvus3 import free_port, wait_until_open
from tests.scale.network import HOST, Machine

PORT, CONTROLLER_PORT = 9092, 9093
READY_S = 120.0


class Broker(EmbeddedKafka):
    """One of several brokers, all of them controllers: an event is acknowledged when two of three have it."""

    def __init__(self, directory: Path, number: int, machines: Sequence[Machine]) -> None:
        super().__init__(directory, PORT, CONTROLLER_PORT)
        self._number = number
        self._machines = machines
        self.url = f"{machines[number].address}:{PORT}"

    def _properties(self) -> dict[str, object]:
        address = self._machines[self._number].address
        voters = (f"{number}@{one.address}:{CONTROLLER_PORT}" for number, one in enumerate(self._machines, 1))
        several = {
            "node.id": self._number + 1,
            "controller.quorum.voters": ",".join(voters),
            "listeners": f"PLAINTEXT://{address}:{PORT},CONTROLLER://{address}:{CONTROLLER_PORT}",
            "advertised.listeners": f"PLAINTEXT://{address}:{PORT}",
            "offsets.topic.replication.factor": 3,
            "min.insync.replicas": 2,
            # As in production: it is by these that the others see that one is away.
            "metadata.max.idle.interval.ms": 500,
            "broker.session.timeout.ms": 9_000,
        }
        return super()._properties() | several


@contextmanager
def open_servers(directory: Path, machines: Sequence[Machine]) -> Iterator[Servers]:
    """All of them, ready."""
    with ExitStack() as stack:
        brokers = [Broker(directory / f"kafka-{number}", number, machines) for number in range(len(machines))]
        for broker, machine in zip(brokers, machines, strict=True):
            broker.prepare(print)
            argv = machine.argv(broker.argv)
            stack.enter_context(running(argv, broker.env, broker.cwd, directory / f"{machine.name}.log"))
        redis = stack.enter_context(_redis(directory / "redis"))
        milvus = stack.enter_context(_milvus(directory / "milvus"))
        for broker in brokers:
            asyncio.run(_until_ready(broker))
        yield Servers(",".join(one.url for one in brokers), milvus, redis)


@contextmanager
def running(
    argv: Sequence[str], environment: Mapping[str, str], cwd: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is killed at the end."""
    with log.open("ab") as output:
        process = subprocess.Popen(argv, env=dict(environment), cwd=cwd, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _redis(directory: Path) -> Iterator[str]:
    directory.mkdir()
    port = free_port()
    argv = [find_redis(), "--bind", HOST, "127.0.0.1", "--port", str(port), "--protected-mode", "no", "--save", ""]
    with running(argv, os.environ, directory, directory / "log") as process:
        wait_until_open(process, port, directory / "log")
        yield f"redis://{HOST}:{port}/0"


@contextmanager
def _milvus(directory: Path) -> Iterator[str]:
    directory.mkdir()
    package = importlib.util.find_spec("milvus_lite")
    assert package is not None and package.origin is not None, "Milvus Lite is not installed"
    library, port = Path(package.origin).parent / "lib", free_port()
    argv = [str(library / "milvus"), str(directory / "scale.db"), f"0.0.0.0:{port}", "ERROR"]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "TMPDIR": str(directory)}
    with running(argv, environment, directory, directory / "log") as process:
        wait_until_open(process, port, directory / "log")
        yield f"http://{HOST}:{port}"


async def _until_ready(service: Service) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            try:
                await service.check()
                return
            except Exception:
                await asyncio.sleep(0.2)
