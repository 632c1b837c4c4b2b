"""Clients that hold a server up: idle, half a head, slow bodies, bytes one by one, answers that nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.fuzz.watching import own_resident_mb
from tests.fuzz.wire import BrokenAnswer, Connection

SECONDS = 45.0
IDLE, HALF_HEADS, SLOW_BODIES, NOT_READING, BY_BYTES = 150, 150, 60, 150, 4
BODY_BYTES = 11 * 2**20
ATTACKERS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
"""Addresses to call from: all of 127.0.0.0/8 is this machine."""
GOOD = "127.0.0.1"
SEARCH_EVERY_S = 0.1


@dataclass
class SiegeOutcome:
    """How those fared who just wanted to search meanwhile."""

    clients: int = 0
    served: int = 0
    refused: int = 0
    worst_search_s: float = 0.0
    peak_mb: float = 0.0


async def siege(url: str, media_path: str, pid: int) -> SiegeOutcome:
    """Hold a worker up for `SECONDS` from other addresses, and search from `GOOD` meanwhile."""
    outcome = SiegeOutcome()
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    until = time.monotonic() + SECONDS
    attacks: list[tuple[int, Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]]] = [
        (IDLE, _idle),
        (HALF_HEADS, _half_head),
        (SLOW_BODIES, _slow_body),
        (NOT_READING, lambda reader, writer: _not_reading(writer, media_path)),
        (BY_BYTES, _byte_by_byte),
    ]

    async def attacker(attack: Callable[..., Awaitable[None]], number: int) -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                local = (ATTACKERS[number % len(ATTACKERS)], 0)
                reader, writer = await asyncio.open_connection(host, port, local_addr=local)
                try:
                    outcome.clients += 1
                    async with asyncio.timeout(max(0.1, until - time.monotonic())):
                        await attack(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(1.0)

    async with asyncio.TaskGroup() as group:
        for count, attack in attacks:
            for number in range(count):
                group.create_task(attacker(attack, number))
        group.create_task(_search(url, until, pid, outcome))
    return outcome


async def _search(url: str, until: float, pid: int, outcome: SiegeOutcome) -> None:
    connection, number = Connection(url, 30.0, GOOD), 0
    while time.monotonic() < until:
        number += 1
        request = f"GET /v1/search?q=red+dress+{number % 50} HTTP/1.1\r\nHost: {connection.authority}\r\n\r\n".encode()
        began = time.monotonic()
        try:
            answer = await connection.send(request)
        except BrokenAnswer:
            answer = None
        outcome.worst_search_s = max(outcome.worst_search_s, time.monotonic() - began)
        if answer and answer.status == 200:
            outcome.served += 1
        else:
            outcome.refused += 1
        outcome.peak_mb = max(outcome.peak_mb, own_resident_mb(pid))
        await asyncio.sleep(SEARCH_EVERY_S)
    await connection.close()


async def _idle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(1)


async def _half_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /v1/search?q=dress HTTP/1.1\r\nHost: local")
    while not reader.at_eof():
        writer.write(b"h")
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), 2.0)


async def _slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (
        f"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {BODY_BYTES}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + b" " * (BODY_BYTES - 1_000))
    await writer.drain()
    while not reader.at_eof():
        writer.write(b" ")
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)


async def _not_reading(writer: asyncio.StreamWriter, media_path: str) -> None:
    request = f"GET {media_path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while not writer.transport.is_closing():
        writer.write(request * 50)
        await asyncio.wait_for(writer.drain(), SECONDS)
        await asyncio.sleep(0.5)


async def _byte_by_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    for _ in range(2_000_000):
        writer.write(b"1\r\n \r\n" * 100)
        await writer.drain()
        if reader.at_eof():
            return
