"""Each part of real workers frozen, one after the other: which verdict comes within the bounds, and that it goes again.

A server that is away makes a worker not ready, never not alive. A process of the worker's own that hangs is not ready,
and is ended; a worker that hangs itself does not answer its probe, which is what a probe's timeout is for.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest

from deploy.local.processes import free_port
from streams.config import KafkaConfig
from streams.events.schema import PRODUCT_EVENTS, Event, Product
from streams.kafka.producer import EventPublisher
from tests.stack import Stack, start_stack

SLOW_S, STUCK_S = 2.0, 20.0
CALL_S = 12.0
"""The longest that a client of a frozen server waits before it says so, and looks again once it is back."""
PROBE_TIMEOUT_S = 2.0
ANSWER_S = 0.25


@dataclass(frozen=True)
class Verdict:
    """What a worker answers to its two probes."""

    alive: int
    ready: int
    why: str
    slowest_s: float


class Probe:
    """Asks one worker, as kubelet would."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=PROBE_TIMEOUT_S, trust_env=False)

    def ask(self) -> Verdict:
        alive, ready = self._get("/healthz"), self._get("/readyz")
        why = "; ".join(
            str(answer.json().get("detail")) for answer in (alive, ready) if answer and answer.status_code != 200
        )
        reasons = [reason["part"] for answer in (alive, ready) if answer for reason in answer.json().get("reasons", [])]
        took_s = max(answer.elapsed.total_seconds() if answer else PROBE_TIMEOUT_S for answer in (alive, ready))
        status = [answer.status_code if answer else 0 for answer in (alive, ready)]
        return Verdict(*status, f"{why} {reasons}", took_s)

    def until(self, alive: int, ready: int, part: str = "", within_s: float = 30.0) -> Verdict:
        """Ask again and again until it says so."""
        deadline = time.monotonic() + within_s
        while True:
            verdict = self.ask()
            if (verdict.alive, verdict.ready) == (alive, ready) and part in verdict.why:
                return verdict
            assert time.monotonic() < deadline, f"not {alive}, {ready}, {part!r} within {within_s} s: {verdict}"
            time.sleep(0.1)

    def stays_alive(self, for_s: float) -> None:
        """Ask for so long; it must be alive all the time."""
        deadline = time.monotonic() + for_s
        while time.monotonic() < deadline:
            verdict = self.ask()
            assert verdict.alive == 200, verdict
            time.sleep(0.2)

    def _get(self, path: str) -> httpx.Response | None:
        try:
            return self._http.get(path)
        except httpx.HTTPError:
            return None


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose parts may be frozen."""
    bounds = {"VITRINE_LIVENESS_SLOW_S": SLOW_S, "VITRINE_LIVENESS_STUCK_S": STUCK_S}
    settings = {"VITRINE_ENCODER_NAME": "hash"} | {name: str(value) for name, value in bounds.items()}
    stack = start_stack(tmp_path_factory.mktemp("liveness"), **settings)
    yield stack
    stack.cli("down")


@pytest.fixture(scope="module")
def status(own_stack: Stack) -> dict[str, Any]:
    return own_stack.status()


@pytest.fixture
def indexing(status: dict[str, Any]) -> Probe:
    probe = Probe(status["indexing_workers"][0]["url"])
    probe.until(200, 200)
    return probe


@pytest.fixture
def query(status: dict[str, Any]) -> Probe:
    probe = Probe(status["query_workers"][0]["url"])
    probe.until(200, 200)
    return probe


def publish(status: dict[str, Any], product_id: str) -> None:
    """At once: what hangs is found out and ended some time after it was frozen, on a busy machine too."""
    product = Product(product_id, title=f"Kettle {product_id}")
    event = Event(product_id, "test", "product.created", int(time.time() * 1000), product)

    async def send() -> None:
        async with EventPublisher(KafkaConfig(status["kafka"]["bootstrap_servers"])) as publisher:
            await publisher.publish(PRODUCT_EVENTS, event)

    asyncio.run(send())


def child_of(pid: int, module: str) -> int:
    (child, *_) = [one for one in psutil.Process(pid).children() if module in one.cmdline()]
    return child.pid


def test_milvus_frozen_with_events_waiting_is_no_reason_to_restart(own_stack, status, indexing, query):
    with frozen(status["milvus"]["pid"]):
        publish(status, "while-milvus-hangs")
        assert query.until(200, 503, "milvus").slowest_s < PROBE_TIMEOUT_S
        indexing.until(200, 503, "milvus")
        indexing.stays_alive(STUCK_S + CALL_S)
    query.until(200, 200)
    indexing.until(200, 200)
    own_stack.wait_until_indexed()


def test_redis_frozen_leaves_the_query_worker_ready(status, indexing, query):
    with frozen(status["redis"]["pid"]):
        indexing.until(200, 503, "redis")
        assert query.ask().ready == 200
        degraded = httpx.get(f"{status['query_workers'][0]['url']}/readyz", trust_env=False).json()["degraded"]
        assert degraded == ["redis"]
    indexing.until(200, 200)


def test_kafka_frozen_is_no_reason_to_restart(status, indexing, query):
    with frozen(status["kafka"]["pid"]):
        indexing.until(200, 503, "kafka")
        indexing.stays_alive(STUCK_S + CALL_S)
        assert query.ask().ready == 200
    indexing.until(200, 200, within_s=60)
    query.until(200, 200)


def test_an_encoder_process_that_hangs_in_a_batch_makes_the_worker_not_ready(own_stack, status, indexing):
    encoder = child_of(status["indexing_workers"][0]["pid"], "encoders.workers.encoder")
    with frozen(encoder):
        publish(status, "while-the-encoder-hangs")
        indexing.until(200, 503, "encoder")
    indexing.until(200, 200)
    own_stack.wait_until_indexed()


def test_an_encoder_process_that_is_killed_comes_back(own_stack, status, indexing):
    encoder = child_of(status["indexing_workers"][0]["pid"], "encoders.workers.encoder")
    os.kill(encoder, signal.SIGKILL)
    publish(status, "after-the-encoder-died")
    own_stack.wait_until_indexed()
    indexing.until(200, 200)
    assert child_of(status["indexing_workers"][0]["pid"], "encoders.workers.encoder") != encoder


@pytest.mark.parametrize("kind", ["indexing_workers", "query_workers"])
def test_a_worker_that_is_frozen_fails_its_probe_and_is_well_at_once_when_it_goes_on(status, kind):
    worker = status[kind][0]
    probe = Probe(worker["url"])
    with frozen(worker["pid"]):
        assert probe.until(0, 0).slowest_s == PROBE_TIMEOUT_S
        time.sleep(SLOW_S)
    # Time in which nothing could run is not held against the parts of the worker.
    assert probe.until(200, 200, within_s=10).alive == 200


def test_a_worker_that_starts_while_milvus_is_away_waits_for_it_alive(own_stack, status):
    port = free_port()
    servers = {
        "VITRINE_KAFKA_BOOTSTRAP_SERVERS": status["kafka"]["bootstrap_servers"],
        "VITRINE_REDIS_URL": status["redis"]["url"],
        "VITRINE_MILVUS_URI": f"http://127.0.0.1:{free_port()}",
        "VITRINE_INDEXING_HEALTH_PORT": str(port),
    }
    command = [sys.executable, "-m", "vitrine", "worker", "indexing"]
    worker = subprocess.Popen(command, env=own_stack.env | servers, stderr=subprocess.DEVNULL)
    try:
        Probe(f"http://127.0.0.1:{port}").until(200, 503, "milvus", within_s=60)
    finally:
        worker.kill()
        worker.wait()


def test_the_status_says_which_worker_is_not_well(own_stack, status, indexing):
    with frozen(status["redis"]["pid"]):
        indexing.until(200, 503, "redis")
        assert any(problem.startswith("indexing-0 is not ready: redis") for problem in own_stack.status()["problems"])
    indexing.until(200, 200)


def test_probes_are_answered_in_time_when_all_is_well(indexing, query):
    for probe in (indexing, query):
        assert sorted(probe.ask().slowest_s for _ in range(20))[10] < ANSWER_S
