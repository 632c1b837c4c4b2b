"""Ten times more searches than a worker can answer, for a minute: what it answers, how late, and what stays of it.

Searches bypass the cache, so that it is Milvus and the encoder that are short. The load is open: as many come as would,
whatever becomes of them. Some 2 minutes; `BENCH_OVERLOAD_SECONDS` makes it shorter.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import uvloop

from tests.bench.cores import Cores
from tests.bench.http_load import LoadReport, get, load, load_steadily
from tests.bench.query.listings import Listings
from tests.bench.query.services import open_worker
from tests.bench.report import Target, publish_report
from tests.bench.shop import Servers, Worker

SECONDS = float(os.environ.get("BENCH_OVERLOAD_SECONDS", "60"))
CAPACITY_S, QUIET_S = 10.0, 10.0
FACTOR = 10
QUIET_SHARE = 0.5
"""Of the capacity."""
CONNECTIONS, CALM_CONNECTIONS = 512, 8
QUIET_CONNECTIONS = 32
"""Few enough that each is used before the server takes it for one that says nothing."""
RECOVERY_S = 15
SETTLED = 1.5
"""A second whose p99 is at most so many times the quiet one is as before."""
SAMPLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A time under one load."""

    name: str
    asked: float
    """Requests a second."""
    report: LoadReport

    @property
    def answered(self) -> float:
        """Answers with status 200 a second."""
        return len(self.report.answered_s) / self.report.seconds

    def percentile_ms(self, percent: float) -> float:
        """Of answers with status 200."""
        return float(np.percentile(self.report.answered_s or [np.nan], percent)) * 1000

    @property
    def row(self) -> list[object]:
        """Of the table."""
        return [self.name, self.asked, self.answered, self.percentile_ms(50), self.percentile_ms(99), self.others]

    @property
    def others(self) -> str:
        """Answers of other statuses."""
        counts = ((status, count) for status, count in sorted(self.report.statuses.items()) if status != 200)
        return ", ".join(f"{status}: {count}" for status, count in counts) or "none"


def test_ten_times_too_much_takes_little_from_what_is_answered(servers: Servers, confined: Cores, listings: Listings):
    paths = [f"/v1/search?q={quote(query)}" for query in listings.queries(4_000, seed=1)]
    with open_worker(servers, confined) as worker:
        requests = [get(worker.url, path, "cache-control: no-cache\r\n") for path in paths]
        phases, recovered_s, grown = uvloop.run(_phases(worker, lambda number: requests[number % len(requests)]))
    _publish(phases, recovered_s, grown)


async def _phases(worker: Worker, request: Callable[[int], bytes]) -> tuple[list[Phase], float, float]:
    """Capacity, quiet and overload; how many seconds later all was as before; memory after it over that before it."""
    warm = await load(worker.url, request, CALM_CONNECTIONS, CAPACITY_S / 2)
    capacity = Phase("capacity", warm.rate, await load(worker.url, request, CALM_CONNECTIONS, CAPACITY_S))
    rate = QUIET_SHARE * capacity.answered
    quiet = Phase("quiet", rate, await load_steadily(worker.url, request, QUIET_CONNECTIONS, QUIET_S, rate))
    # Connections and buffers are there by now: what comes on top is of the overload.
    with Memory(worker) as memory:
        asked = FACTOR * capacity.answered
        loaded = Phase("overload", asked, await load_steadily(worker.url, request, CONNECTIONS, SECONDS, asked))
    recovered_s = float("inf")
    for second in range(1, RECOVERY_S + 1):
        after = Phase("after", rate, await load_steadily(worker.url, request, QUIET_CONNECTIONS, 1.0, rate))
        if after.others == "none" and after.percentile_ms(99) <= SETTLED * quiet.percentile_ms(99):
            recovered_s = float(second)
            break
    return [capacity, quiet, loaded], recovered_s, memory.growth


class Memory:
    """How much more memory a worker takes in the second half of a time than at the end of its first quarter, as a
    share."""

    def __init__(self, worker: Worker) -> None:
        self._process = worker.process
        self._bytes: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def growth(self) -> float:
        """1: it stays as it is."""
        return max(self._bytes[len(self._bytes) // 2 :]) / self._bytes[len(self._bytes) // 4]

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_S) or not self._bytes:
            self._bytes.append(self._process.memory_info().rss)


def _publish(phases: Sequence[Phase], recovered_s: float, grown: float) -> None:
    capacity, quiet, loaded = phases
    goodput = loaded.answered / capacity.answered
    lateness = loaded.percentile_ms(99) / quiet.percentile_ms(99)
    targets = [
        Target("answered of capacity", goodput, 0.8),
        Target("p99 of what is answered, of the quiet one", lateness, 3.0, at_most=True),
        Target("memory in the second half, of that in the first", grown, 1.05, at_most=True),
        Target("seconds until all is as before", recovered_s, 5.0, at_most=True),
    ]
    columns = ["load", "asked/s", "answered/s", "p50 ms", "p99 ms", "others"]
    facts = {"seconds": SECONDS, "factor": FACTOR, "quiet_share": QUIET_SHARE, "connections": CONNECTIONS}
    publish_report("overload", columns, [phase.row for phase in phases], targets, **facts)
    assert set(loaded.report.statuses) <= {200, 503}
