"""A query worker of several processes on one port: killed, stopped, and asked how it is."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.local.processes import free_port
from tests.servers import Servers

PROCESSES = 2
DEADLINE_S = 180.0


class Worker:
    """A query worker, by its parent process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.log = process, log
        self.url = f"http://127.0.0.1:{port}"

    def members(self) -> list[psutil.Process]:
        """The processes that answer."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if child.status() != psutil.STATUS_ZOMBIE and "--member" in child.cmdline()]

    def readiness(self) -> int:
        """The status of `/readyz`; 0: no answer."""
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=3).status_code
        except httpx.HTTPError:
            return 0

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Look again and again until something is so."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what}: {self.log.read_text()[-3000:]}"
            time.sleep(0.05)


@contextmanager
def started(servers: Servers, directory: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
    env = clean | {
        "VITRINE_DATA_DIR": str(directory),
        "VITRINE_KAFKA_BOOTSTRAP_SERVERS": servers.kafka,
        "VITRINE_REDIS_URL": servers.redis,
        "VITRINE_MILVUS_URI": servers.milvus,
        "VITRINE_ENCODER_NAME": "hash",
        "VITRINE_QUERY_PORT": str(port),
        "VITRINE_QUERY_PROCESSES": str(PROCESSES),
    }
    with (directory / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vitrine", "worker", "query"], env=env, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def ready(servers: Servers, directory: Path) -> Iterator[Worker]:
    port = free_port()
    with started(servers, directory, port) as process:
        worker = Worker(process, port, directory / "worker.log")
        worker.until("ready", lambda: worker.readiness() == 200)
        yield worker


@pytest.fixture(scope="module")
def worker(local_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """For tests that leave it as it was."""
    with ready(local_servers, tmp_path_factory.mktemp("worker")) as worker:
        yield worker


@pytest.fixture
def own_worker(local_servers: Servers, tmp_path: Path) -> Iterator[Worker]:
    with ready(local_servers, tmp_path) as worker:
        yield worker


async def test_a_killed_process_comes_back_and_fails_nobody_else(worker: Worker) -> None:
    killed, other = worker.members()
    async with connected(worker, other) as survivors:
        load = [
            asyncio.create_task(searches(client, lambda: len(worker.members()) == PROCESSES)) for client in survivors
        ]
        killed.kill()
        killed.wait(30)
        # A request that fails raises here.
        assert all(count > 0 for count in await asyncio.gather(*load))
    worker.until("ready again", lambda: worker.readiness() == 200)
    assert other in worker.members() and killed not in worker.members()


def test_metrics_are_of_all_processes_each_its_own_series(worker: Worker) -> None:
    page = httpx.get(f"{worker.url}/metrics", trust_env=False).text
    resident = dict(re.findall(r'^process_resident_memory_bytes\{process="(\d)"\} (\S+)$', page, re.MULTILINE))
    assert set(resident) == {str(number) for number in range(PROCESSES)}
    assert page.count("# TYPE process_resident_memory_bytes") == 1


def test_a_worker_whose_processes_are_not_all_there_is_not_ready(worker: Worker) -> None:
    stopped, _ = worker.members()
    stopped.suspend()
    try:
        # Whom of them the kernel asks is not for us to say: one of them answers, that it is not ready.
        worker.until("not ready", lambda: worker.readiness() == 503)
    finally:
        stopped.resume()
    worker.until("ready again", lambda: worker.readiness() == 200)


def test_told_to_stop_all_finish_and_leave(own_worker: Worker) -> None:
    members = own_worker.members()
    own_worker.process.terminate()
    assert own_worker.process.wait(30) == 0
    assert not any(member.is_running() for member in members)


def test_processes_go_with_their_parent_however_it_ends(own_worker: Worker) -> None:
    members = own_worker.members()
    os.kill(own_worker.process.pid, signal.SIGKILL)
    own_worker.process.wait()
    own_worker.until("gone", lambda: not any(member.is_running() for member in members))


def test_a_port_of_another_worker_is_not_shared(worker: Worker, local_servers: Servers, tmp_path: Path) -> None:
    directory = tmp_path / "second"
    directory.mkdir()
    with started(local_servers, directory, httpx.URL(worker.url).port or 0) as second:
        assert second.wait(60) == 1
    assert "cannot be had" in (directory / "worker.log").read_text()


@asynccontextmanager
async def connected(worker: Worker, member: psutil.Process) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Clients whose connections are all of one process; each has one, and keeps it."""
    clients: list[httpx.AsyncClient] = []
    spare: list[httpx.AsyncClient] = []
    try:
        while len(clients) < 4:
            limits = httpx.Limits(max_connections=1, keepalive_expiry=None)
            client = httpx.AsyncClient(base_url=worker.url, trust_env=False, limits=limits, timeout=30)
            before = ports(member)
            await client.get("/healthz")
            (clients if ports(member) - before else spare).append(client)
        yield clients
    finally:
        await asyncio.gather(*(client.aclose() for client in (*clients, *spare)))


def ports(member: psutil.Process) -> set[int]:
    """Of the clients that a process is connected to."""
    connections = member.net_connections("tcp")
    return {
        connection.raddr.port
        for connection in connections
        if connection.status == psutil.CONN_ESTABLISHED and connection.raddr
    }


async def searches(client: httpx.AsyncClient, is_enough: Callable[[], bool]) -> int:
    """Search again and again; how often. Raises for an answer that is none."""
    count = 0
    while count == 0 or not is_enough():
        (await client.get("/v1/search", params={"q": "mug"})).raise_for_status()
        count += 1
    return count
