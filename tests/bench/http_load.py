"""A load of HTTP requests over connections that are kept open, at the least cost for the one who asks."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import numpy as np

TICK_S = 0.001
"""How often requests of an open load are sent: those that became due meanwhile go together."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"

NextRequest = Callable[[int], bytes]
"""The bytes of a request, by its number."""


@dataclass
class LoadReport:
    """What came of a load."""

    marks: Sequence[bytes] = ()
    """What is looked for in answers, heads included."""
    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    """Of each answer, whatever its status."""
    answered_s: list[float] = field(default_factory=list)
    """Of each answer with status 200."""
    statuses: Counter[int] = field(default_factory=Counter)
    marked: Counter[bytes] = field(default_factory=Counter)
    """How many answers had a mark in them."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many percent of the answers stayed below."""
        return float(np.percentile(self.latencies_s, percent)) * 1000

    def add(self, number: int, asked_s: float, answer: bytearray) -> None:
        """Count the answer to a request that was asked, or due, at a time of `time.perf_counter`."""
        took_s, status = time.perf_counter() - asked_s, int(answer[9:12])
        self.latencies_s.append(took_s)
        self.statuses[status] += 1
        if status == 200:
            self.answered_s.append(took_s)
        for mark in self.marks:
            self.marked[mark] += mark in answer


class _Connection(asyncio.Protocol):
    """Asks one request at a time; tells who uses it when it is free."""

    def __init__(self, report: LoadReport, is_free: Callable[[_Connection], None]) -> None:
        self._report, self._is_free = report, is_free
        self._received, self._wanted = bytearray(), 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ask(self, number: int, request: bytes, due_s: float) -> None:
        """Send a request, whose latency counts from when it was due."""
        self._number, self._due_s = number, due_s
        self._transport.write(request)

    def end(self) -> None:
        """Hang up."""
        self.ended.set_result(None)
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._is_free(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._wanted:
            end = self._received.find(_HEAD_END)
            if end < 0:
                return
            length = _LENGTH.search(self._received, 0, end + 2)
            assert length, f"an answer without Content-Length: {bytes(self._received[:end])!r}"
            self._wanted = end + len(_HEAD_END) + int(length[1])
        if len(self._received) >= self._wanted:
            self._report.add(self._number, self._due_s, self._received)
            self._received.clear()
            self._wanted = 0
            self._is_free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server hung up"))


async def load(
    url: str, next_request: NextRequest, connections: int, seconds: float, report: LoadReport | None = None
) -> LoadReport:
    """Ask over so many connections at once, each again and again, for so long; returns the report, or a new one."""
    report, started_s, count = report or LoadReport(), time.perf_counter(), 0

    def ask_on(connection: _Connection) -> None:
        nonlocal count
        now_s = time.perf_counter()
        if now_s - started_s >= seconds:
            return connection.end()
        count += 1
        return connection.ask(count, next_request(count), now_s)

    opened = await _connect(url, connections, report, ask_on)
    await asyncio.gather(*(one.ended for one in opened))
    report.seconds = time.perf_counter() - started_s
    return report


async def load_steadily(
    url: str,
    next_request: NextRequest,
    connections: int,
    seconds: float,
    rate: float,
    report: LoadReport | None = None,
) -> LoadReport:
    """Ask so many requests a second at random moments, whether or not earlier ones are answered.

    One that finds no connection free waits for one, and its latency includes that; of the free ones it takes the one
    that has been so for longest, as another client would.
    """
    report, free, waiting, count = report or LoadReport(), deque[_Connection](), deque[float](), 0
    chance = random.Random(1)

    def ask_on(connection: _Connection) -> None:
        nonlocal count
        if not waiting:
            return free.append(connection)
        count += 1
        return connection.ask(count, next_request(count), waiting.popleft())

    opened = await _connect(url, connections, report, ask_on)
    started_s = next_due_s = time.perf_counter()
    while (now_s := time.perf_counter()) < started_s + seconds:
        while next_due_s <= now_s:
            waiting.append(now_s)
            next_due_s += chance.expovariate(rate)
            if free:
                ask_on(free.popleft())
        await asyncio.sleep(TICK_S)
    while waiting or len(free) < connections:
        await asyncio.sleep(TICK_S)
    report.seconds = time.perf_counter() - started_s
    for one in opened:
        one.end()
    return report


async def _connect(
    url: str, connections: int, report: LoadReport, is_free: Callable[[_Connection], None]
) -> list[_Connection]:
    parts, loop = urlsplit(url), asyncio.get_running_loop()
    return [
        (await loop.create_connection(lambda: _Connection(report, is_free), parts.hostname or "", parts.port or 80))[1]
        for _ in range(connections)
    ]


def get(url: str, path: str, headers: str = "") -> bytes:
    """A GET request. `headers`: further ones, each ended by CRLF."""
    return f"GET {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n{headers}\r\n".encode()
