"""A small HTTP/1.1 client that sends any bytes, and reads answers strictly."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

MOST_ANSWER_BYTES = 64 * 2**20


class BrokenAnswer(Exception):
    """An answer that is no HTTP/1.1, or none within the deadline."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes


class Connection:
    """A connection that is kept open while the server lets it."""

    def __init__(self, url: str, deadline_s: float, source: str = "127.0.0.1") -> None:
        """Args: deadline_s: the longest that an answer may take; source: the address to call from."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._deadline_s = deadline_s
        self._source = source
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def authority(self) -> str:
        """What belongs into a `Host` header."""
        return f"{self._host}:{self._port}"

    async def send(self, request: bytes, method: str = "") -> Answer | None:
        """Send bytes and read an answer; None: the server hung up without one.

        Raises:
            BrokenAnswer: what came is no answer, or nothing came in time.
        """
        reader, writer = await self._open()
        try:
            async with asyncio.timeout(self._deadline_s):
                writer.write(request)
                await writer.drain()
                answer = await _read(reader, method)
        except TimeoutError:
            await self.close()
            raise BrokenAnswer(f"no answer within {self._deadline_s} s") from None
        except (ConnectionError, asyncio.IncompleteReadError):
            await self.close()
            return None
        if answer is None or answer.headers.get("connection") == "close":
            await self.close()
        return answer

    async def close(self) -> None:
        """Hang up."""
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[0].at_eof() or self._streams[1].is_closing():
            self._streams = await asyncio.open_connection(
                self._host, self._port, local_addr=(self._source, 0), limit=2**20
            )
        return self._streams


async def _read(reader: asyncio.StreamReader, method: str) -> Answer | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if version != "HTTP/1.1" or not rest[:3].isdigit():
        raise BrokenAnswer(f"the first line is {lines[0]!r:.100}")
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    status = int(rest[:3])
    if status == 100:
        return await _read(reader, method)
    return Answer(status, headers, await _body(reader, status, headers, method))


async def _body(reader: asyncio.StreamReader, status: int, headers: dict[str, str], method: str) -> bytes:
    if method == "HEAD" or status in (204, 304):
        return b""
    if headers.get("transfer-encoding") == "chunked":
        chunks = bytearray()
        while size := int(await reader.readuntil(b"\r\n"), 16):
            chunks += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
        return bytes(chunks)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read(MOST_ANSWER_BYTES)
