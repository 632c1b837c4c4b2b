"""The one who asks, a process of its own: `python -m tests.bench.query.generator`, an `Order` in, an `Outcome` out."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import uvloop

from tests.bench.http_load import LoadReport, get, load, load_steadily

DEADLINE_S = 600.0


class Order(msgspec.Struct, frozen=True):
    """What to ask: paths, in turn and again from the first, over so many connections for so long."""

    url: str
    paths: Sequence[str]
    headers: str = ""
    """Of each request, each ended by CRLF."""
    connections: int = 8
    seconds: float = 3.0
    rate: float | None = None
    """Requests a second; None: each connection asks again as soon as it has its answer."""
    marks: Sequence[str] = ()
    first: int = 0
    """Which path to begin with."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of it."""

    rate: float
    """Answers a second that are 200; the others count in `statuses` alone."""
    p50_ms: float
    p99_ms: float
    answers: int
    statuses: Mapping[int, int]
    marked: Mapping[str, int]
    busy: float
    """CPU seconds a second of the one who asks: near 1, it was they who were slow."""

    @property
    def refused(self) -> float:
        """The share of answers that were not 200."""
        return 1 - self.answers / max(1, sum(self.statuses.values()))


def ask(order: Order) -> Outcome:
    """Have a process ask, on the cores that this one may use."""
    argv = [sys.executable, "-m", "tests.bench.query.generator"]
    done = subprocess.run(
        argv, input=msgspec.json.encode(order), stdout=subprocess.PIPE, timeout=DEADLINE_S, check=True
    )
    return msgspec.json.decode(done.stdout, type=Outcome)


async def _load(order: Order) -> LoadReport:
    requests = [get(order.url, path, order.headers) for path in order.paths]
    report = LoadReport([mark.encode() for mark in order.marks])

    def next_request(number: int) -> bytes:
        return requests[(order.first + number) % len(requests)]

    if order.rate is None:
        return await load(order.url, next_request, order.connections, order.seconds, report)
    return await load_steadily(order.url, next_request, order.connections, order.seconds, order.rate, report)


def main() -> None:
    """Ask what stdin says, tell on stdout."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    gc.freeze()
    gc.disable()
    cpu_s = time.process_time()
    report = uvloop.run(_load(order))
    assert report.answered_s, f"nothing but refusals: {report.statuses}"
    p50_s, p99_s = np.percentile(report.answered_s, (50, 99))
    outcome = Outcome(
        len(report.answered_s) / report.seconds,
        float(p50_s) * 1000,
        float(p99_s) * 1000,
        len(report.answered_s),
        report.statuses,
        {mark.decode(): count for mark, count in report.marked.items()},
        (time.process_time() - cpu_s) / report.seconds,
    )
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
