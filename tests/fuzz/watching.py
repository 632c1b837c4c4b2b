"""What is watched while hostile inputs come: answers of /healthz from a process of its own, and memory."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event as StopSignal

import psutil

PERIOD_S = 0.05
TIMEOUT_S = 30.0


@dataclass
class HealthRecord:
    """How long each answer of /healthz took, milliseconds; `failures` were no 200."""

    latencies_ms: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def worst_ms(self) -> float:
        """The longest."""
        return max(self.latencies_ms, default=0.0)

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the answers stayed below."""
        ordered = sorted(self.latencies_ms) or [0.0]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def watched_health(url: str) -> Iterator[HealthRecord]:
    """Ask for `URL/healthz` 20 times a second from another process; the record is filled in at the end."""
    context = multiprocessing.get_context("spawn")
    stop, record = context.Event(), HealthRecord()
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_watch, args=(url, stop, sending), daemon=True)
    process.start()
    try:
        yield record
    finally:
        stop.set()
        record.latencies_ms, record.failures = receiving.recv()
        process.join(TIMEOUT_S)


def _watch(url: str, stop: StopSignal, sending: multiprocessing.connection.Connection) -> None:
    latencies_ms: list[float] = []
    failures = 0
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while not stop.wait(PERIOD_S):
        began = time.perf_counter()
        try:
            with opener.open(f"{url}/healthz", timeout=TIMEOUT_S) as answer:
                failures += answer.status != 200
        except (urllib.error.URLError, OSError):
            failures += 1
        latencies_ms.append((time.perf_counter() - began) * 1000)
    sending.send((latencies_ms, failures))


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its children, MB."""
    process = psutil.Process(pid)
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def own_resident_mb(pid: int) -> float:
    """Resident memory of a process without its children, MB."""
    return psutil.Process(pid).memory_info().rss / 2**20
