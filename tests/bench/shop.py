"""The servers that a benchmark runs on, and a worker of theirs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from deploy.local.processes import free_port
from deploy.local.stack import LocalStack
from encoders.loading import load_encoder
from indexer.milvus.connection import MilvusConfig
from streams.config import KafkaConfig
from streams.topics import ensure_topics
from tests.bench.catalogue import Catalogue
from tests.bench.cores import Cores, confined_to, cpu_seconds, decoders_of, encoder_of, move
from tests.bench.kafka import Broker
from tests.bench.prefill import prefill

GROUP = "vitrine-indexer"
WORKER = (sys.executable, "-m", "vitrine", "worker", "indexing")
QUERY_WORKER = (*WORKER[:-1], "query")
READY_S = 120.0
STOP_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Kafka, Redis and Milvus Lite, and the encoder of workers that run on them."""

    data_dir: Path
    broker: Broker
    redis: str
    milvus: str
    encoder: str
    server_pids: Mapping[str, int]

    @property
    def milvus_config(self) -> MilvusConfig:
        """How the benchmark itself reaches Milvus."""
        database = str(LocalStack(self.data_dir).milvus().database)
        return MilvusConfig(self.milvus, deadline_s=30, lite_database=database)

    @property
    def env(self) -> dict[str, str]:
        """What a process needs to find the servers: nothing else of `VITRINE_*`."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
        return clean | {
            "VITRINE_DATA_DIR": str(self.data_dir),
            "VITRINE_KAFKA_BOOTSTRAP_SERVERS": self.broker.servers,
            "VITRINE_KAFKA_PARTITIONS": str(self.broker.partitions),
            "VITRINE_REDIS_URL": self.redis,
            "VITRINE_MILVUS_URI": self.milvus,
            "VITRINE_MILVUS_LITE_DATABASE": self.milvus_config.lite_database,
            "VITRINE_ENCODER_NAME": self.encoder,
            "OMP_NUM_THREADS": "1",
        }

    def confined(self, cores: Cores) -> AbstractContextManager[None]:
        """Servers, this process and what it starts meanwhile on the core that is not the encoder's."""
        return confined_to(cores.other, self.server_pids.values())

    @contextmanager
    def worker(
        self, encoder_core: int | None = None, command: Sequence[str] = WORKER, **settings: str
    ) -> Iterator[Worker]:
        """An indexing worker, ready; its encoder on a core of its own if one is given."""
        port = free_port()
        with self.process(command, port, {**settings, "VITRINE_INDEXING_HEALTH_PORT": str(port)}) as worker:
            worker.give_encoder(encoder_core)
            yield worker

    @contextmanager
    def query_worker(self, **settings: str) -> Iterator[str]:
        """A query worker, ready; yields its URL."""
        with self.query_process(**settings) as worker:
            yield worker.url

    @contextmanager
    def query_process(self, command: Sequence[str] = QUERY_WORKER, **settings: str) -> Iterator[Worker]:
        """A query worker, ready."""
        port = free_port()
        with self.process(command, port, {**settings, "VITRINE_QUERY_PORT": str(port)}) as worker:
            yield worker

    def server_seconds(self) -> dict[str, float]:
        """CPU time so far of each server."""
        return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in self.server_pids.items()}

    @contextmanager
    def process(self, command: Sequence[str], port: int, settings: Mapping[str, str]) -> Iterator[Worker]:
        """A process that says at a port whether it is ready."""
        path = self.data_dir / f"worker-{port}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(command, env={**self.env, **settings}, stdout=log, stderr=log)
            try:
                worker = Worker(psutil.Process(process.pid), f"http://127.0.0.1:{port}", path)
                worker.wait_until_ready()
                yield worker
            finally:
                stop(process)


@dataclass(frozen=True, kw_only=True)
class Shop(Servers):
    """The servers with the catalogue indexed."""

    catalogue: Catalogue


@dataclass(frozen=True)
class Worker:
    """A worker that runs."""

    process: psutil.Process
    url: str
    log: Path

    def wait_until_ready(self) -> None:
        """Until it says so: an indexing worker has joined its group then."""
        deadline = time.monotonic() + READY_S
        while not self._is_ready():
            assert self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE, self.log.read_text()
            assert time.monotonic() < deadline, f"not ready within {READY_S:.0f} s: {self.log.read_text()[-2000:]}"
            time.sleep(0.05)

    def give_encoder(self, core: int | None) -> None:
        """Move its encoder to a core."""
        encoder = encoder_of(self.process)
        if core is not None and encoder is not None:
            move(encoder, {core})

    def give_decoders(self, cores: Collection[int]) -> None:
        """Let the processes that decode its pictures run on some cores."""
        for decoder in decoders_of(self.process):
            move(decoder, cores)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time so far of the worker and its children, by role."""
        return cpu_seconds(self.process)

    def metrics(self) -> dict[str, float]:
        """Its counters and gauges, by name with labels as Prometheus writes them."""
        lines = httpx.get(f"{self.url}/metrics", trust_env=False).text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def total(self, name: str) -> float:
        """A metric summed over its labels."""
        return sum(value for key, value in self.metrics().items() if key.partition("{")[0] == name)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def open_servers(data_dir: Path, encoder: str, partitions: int = 6) -> Iterator[Servers]:
    """Start the servers, with the topics."""
    stack = LocalStack(data_dir)
    services = [stack.kafka(), stack.redis(), stack.milvus()]
    try:
        state = asyncio.run(stack.start(services, lambda _: None))
        kafka, redis, milvus = (service.url for service in services)
        asyncio.run(ensure_topics(KafkaConfig(kafka, partitions)))
        yield Servers(
            data_dir=data_dir,
            broker=Broker(kafka, partitions),
            redis=redis,
            milvus=milvus,
            encoder=encoder,
            server_pids={process.name: process.pid for process in state.processes},
        )
    finally:
        stack.stop()


@contextmanager
def open_shop(data_dir: Path, catalogue: Catalogue, encoder: str, partitions: int = 6) -> Iterator[Shop]:
    """Start the servers and index the catalogue: its rows as a worker would write them, but for random vectors."""
    with open_servers(data_dir, encoder, partitions) as servers:
        asyncio.run(prefill(servers.milvus_config, load_encoder(encoder).spec, catalogue))
        yield Shop(**vars(servers), catalogue=catalogue)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process: politely, and for good if it does not."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
