"""The shop that the faults happen to: real servers and workers, Milvus behind a proxy, and ways to break each."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from deploy.local.processes import ProcessRecord
from deploy.local.services import Service
from deploy.local.stack import LocalStack
from streams.config import KafkaConfig
from streams.kafka.lag import LagProbe
from tests.chaos.comparing import PARTITIONS, Offsets, Servers, compare, end_offsets, rows
from tests.chaos.engines import Engine, LiteEngine
from tests.chaos.load import Outgoing, publish
from tests.chaos.proxy import Proxy
from tests.chaos.report import Report
from tests.oracle import PRODUCTS, SHOPPERS
from tests.stack import Stack, start_stack

GROUP = "vitrine-indexer"
SETTINGS = {
    "VITRINE_ENCODER_NAME": "hash",
    "VITRINE_KAFKA_PARTITIONS": str(PARTITIONS),
    "VITRINE_KAFKA_SESSION_TIMEOUT_S": "6",
    "VITRINE_MEDIA_PRIVATE_HOSTS": "localhost",
}
DEADLINE_S = 120.0


class Shop:
    """A running stack whose parts can be broken and mended."""

    def __init__(self, stack: Stack, engine: Engine, proxy: Proxy, redis: str = "") -> None:
        """Args: redis: the URL of one that `vitrine up` did not start; empty: it did."""
        self.stack = stack
        self.proxy = proxy
        self._local = LocalStack(stack.data_dir)
        self.engine = engine
        self.group = GROUP
        """Of the active generation."""
        self.servers = Servers(self._local.kafka().url, engine.url, redis or self._local.redis().url)

    def up(self, workers: int = 3) -> None:
        """`vitrine up`: what has ended runs again."""
        self.stack.cli("up", "--detach", "--port", "0", "--workers", str(workers))

    def workers(self) -> list[ProcessRecord]:
        """The indexing workers that run."""
        return self._local.state().with_prefix("indexing")

    def query_workers(self) -> list[ProcessRecord]:
        """The query workers that run."""
        return self._local.state().with_prefix("query")

    def worker_at(self, client_port: int) -> ProcessRecord:
        """The indexing worker that made a connection from that port."""
        for worker in self.workers():
            if any(
                link.laddr and link.laddr.port == client_port for link in psutil.Process(worker.pid).net_connections()
            ):
                return worker
        raise AssertionError(f"no worker has a connection from port {client_port}")

    def kill(self, record: ProcessRecord, signum: int = signal.SIGKILL) -> None:
        """Send a process a signal, and wait until it is gone."""
        os.kill(record.pid, signum)
        self.wait(f"{record.name} ends", lambda: self._local.state().find(record.name) is None)

    def stop_server(self, name: str) -> None:
        """Kill a server."""
        if name == "milvus":
            self.engine.kill()
            return
        record = self._local.state().find(name)
        assert record is not None, f"{name} does not run"
        self.kill(record)

    def start_server(self, name: str) -> None:
        """Start a server again where it was, on the same data."""
        if name == "milvus":
            self.engine.start()
            # Its port may have been taken meanwhile.
            self.servers = replace(self.servers, milvus=self.engine.url)
            self.proxy.target = urlsplit(self.engine.url).port or 0
            return
        service: Service = {"kafka": self._local.kafka, "redis": self._local.redis}[name]()
        asyncio.run(self._local.start([service], lambda _: None))

    def revive(self) -> None:
        """Start whatever has ended."""
        if not self.engine.is_running:
            self.start_server("milvus")
        self.up(len(self._local.state().with_prefix("indexing")) or 1)

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish at once."""
        publish(self.servers.kafka, messages)

    def lag(self) -> int:
        """How many events wait."""

        async def ask() -> int:
            async with LagProbe(KafkaConfig(self.servers.kafka), self.group) as probe:
                return sum(partition.messages for partition in await probe.lag(PRODUCTS, SHOPPERS))

        return asyncio.run(ask())

    def are_ready(self, workers: int) -> bool:
        """Whether so many indexing workers run, each a member of the group."""
        running = self.workers()
        return len(running) == workers and all(_is_ready(one.url) for one in running)

    def wait(self, what: str, condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
        """Look again and again until something is so."""
        deadline = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {deadline_s:.0f} s: {what}"
            time.sleep(0.1)

    def wait_until_indexed(self, workers: int = 3) -> None:
        """Until every worker is a member and no event waits."""
        self.wait(f"{workers} workers are ready", lambda: self.are_ready(workers))
        self.wait("lag 0", lambda: self.lag() == 0)

    def orphans(self) -> list[int]:
        """Processes of workers that are gone."""
        known = {process.pid for process in self._local.state().processes}
        mine = str(self.stack.data_dir)
        return [
            process.pid
            for process in psutil.process_iter(["ppid"])
            if process.info["ppid"] == 1 and process.pid not in known and _data_dir(process) == mine
        ]


class Scenario:
    """One scenario on the shop: from where the topics end now."""

    def __init__(self, shop: Shop, name: str, prefix: str) -> None:
        self.shop = shop
        self.name = name
        self.prefix = prefix
        self._since: Offsets = asyncio.run(end_offsets(shop.servers.kafka))
        self._began = time.monotonic()

    def title(self, product_id: str) -> str:
        """The title that the index shows of a product; empty when there is no such row."""
        found = {row["product_id"]: row for row in rows(self.shop.servers.milvus, self.prefix)}
        return json.loads(found[product_id]["card"]).get("title", "") if product_id in found else ""

    def check(self, workers: int = 3, *, settles_s: float = 0.0, **expected: Any) -> Report:
        """Wait until all is indexed, compare with the oracle, note the report; fails on any difference.

        Args:
            workers: how many run.
            settles_s: so long may some of it still come although no event waits.
            expected: more of what `compare` takes.
        """
        self.shop.wait_until_indexed(workers)
        report = self._compare(expected)
        deadline = time.monotonic() + settles_s
        while not report.is_clean and time.monotonic() < deadline:
            time.sleep(1)
            report = self._compare(expected)
        report.save()
        assert report.is_clean, report
        self.shop.wait("children of ended workers end", lambda: not self.shop.orphans(), 30)
        return report

    def _compare(self, expected: dict[str, Any]) -> Report:
        report = asyncio.run(compare(self.name, self.shop.servers, self.prefix, self._since, **expected))
        report.seconds = round(time.monotonic() - self._began, 1)
        return report


@contextmanager
def open_shop(
    data_dir: Path, workers: int = 3, settings: Mapping[str, str] = {}, engine: Engine | None = None
) -> Iterator[Shop]:
    """A stack of its own: Kafka, Redis and workers by `vitrine up`, Milvus beside it and behind the proxy.

    Args:
        data_dir: of its own.
        workers: how many index.
        settings: environment variables.
        engine: not started yet; None: Milvus Lite.
    """
    engine = engine or LiteEngine(data_dir / "engine")
    engine.start()
    try:
        with Proxy(urlsplit(engine.url).port or 0) as proxy:
            options = {**SETTINGS, **engine.settings, "VITRINE_MILVUS_URI": proxy.url, **settings}
            stack = start_stack(data_dir / "shop", "--workers", str(workers), **options)
            try:
                yield Shop(stack, engine, proxy, settings.get("VITRINE_REDIS_URL", ""))
            finally:
                stack.cli("down")
    finally:
        if engine.is_running:
            engine.kill()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _data_dir(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("VITRINE_DATA_DIR")
    except psutil.Error:
        return None
