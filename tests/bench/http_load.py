"""A load of HTTP requests over connections that are kept open, at the least cost for the one who asks."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"

NextRequest = Callable[[int], bytes]
"""The bytes of a request, by its number."""


@dataclass
class LoadReport:
    """What came of a load."""

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many percent of the answers stayed below."""
        return float(np.percentile(self.latencies_s, percent)) * 1000


class _Client(asyncio.Protocol):
    """One connection: the next request goes out once the answer to the last one is complete."""

    def __init__(self, next_request: NextRequest, numbers: Callable[[], int | None], report: LoadReport) -> None:
        self._next_request, self._numbers, self._report = next_request, numbers, report
        self._received, self._wanted = bytearray(), 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

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
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the server hung up"))

    def _ask(self) -> None:
        number = self._numbers()
        if number is None:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._asked_s = time.perf_counter()
        self._transport.write(self._next_request(number))

    def _answered(self) -> None:
        self._report.latencies_s.append(time.perf_counter() - self._asked_s)
        status = int(self._received[9:12])
        self._report.statuses[status] = self._report.statuses.get(status, 0) + 1
        self._received.clear()
        self._wanted = 0
        self._ask()


async def load(url: str, next_request: NextRequest, connections: int, seconds: float) -> LoadReport:
    """Ask over so many connections at once, each again and again, for so long."""
    parts = urlsplit(url)
    report, started_s, count = LoadReport(), time.perf_counter(), 0

    def numbers() -> int | None:
        nonlocal count
        count += 1
        return count if time.perf_counter() - started_s < seconds else None

    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(next_request, numbers, report), parts.hostname, parts.port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.ended for client in clients))
    report.seconds = time.perf_counter() - started_s
    return report


def get(url: str, path: str, headers: str = "") -> bytes:
    """A GET request. `headers`: further ones, each ended by CRLF."""
    return f"GET {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n{headers}\r\n".encode()
