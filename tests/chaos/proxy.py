"""A TCP proxy of the harness: it passes bytes on, late if told to, or keeps them until it is told otherwise."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

CHUNK = 2**16
GRACE_S = 1.0
Matches = Callable[[bytes], bool]


@dataclass(eq=False)
class Catch:
    """A request that is waited for, and what is kept back from it on: itself, or its connection's answers."""

    matches: Matches
    answers: bool
    caught: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    client_port: int = 0
    """Of the connection that it came by."""


class Proxy:
    """Stands between the workers and a server, in a thread of its own; a context manager.

    Args:
        port: of the server, on the loopback interface.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        """The server's; it may change while connections come."""
        self._delay_s = 0.0
        self._catch: Catch | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Proxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Where to connect instead."""
        return f"http://127.0.0.1:{self.port}"

    def delay(self, seconds: float) -> None:
        """Have every request arrive so much later from now on."""
        self._delay_s = seconds

    def catch(self, matches: Matches, *, answers: bool = False) -> Catch:
        """Keep the first matching request, and all after it on its connection; or let it pass and keep the answers."""
        self._catch = Catch(matches, answers)
        return self._catch

    def release(self) -> None:
        """Pass on what was kept, in order, and all that comes."""
        if self._catch:
            self._loop.call_soon_threadsafe(self._catch.released.set)
            self._catch = None

    async def _open(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        """Cut every connection."""
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        connection = _Connection(writer.get_extra_info("peername")[1])
        there = asyncio.create_task(self._pass_requests(connection, reader, server_writer))
        back = asyncio.create_task(_pass_answers(connection, server_reader, writer))
        await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
        if not there.done() and not connection.holds_requests:
            # What a client sent before it went away still arrives, as it does on a network.
            await asyncio.wait([there], timeout=GRACE_S)
        elif not there.done():
            await there
        back.cancel()
        there.cancel()
        for end in (writer, server_writer):
            end.close()

    async def _pass_requests(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Each piece at its time: later ones do not wait for a delay of their own on top."""
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        sender = asyncio.create_task(self._send_late(connection, late, writer))
        with suppress(OSError):
            while piece := await reader.read(CHUNK):
                await late.put((self._loop.time() + self._delay_s, piece))
        await late.put((0.0, b""))
        await sender

    async def _send_late(
        self, connection: _Connection, late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while (due := await late.get())[1]:
                await asyncio.sleep(due[0] - self._loop.time())
                self._look(connection, due[1])
                if connection.catch and not connection.catch.answers:
                    await connection.catch.released.wait()
                writer.write(due[1])
                await writer.drain()

    def _look(self, connection: _Connection, piece: bytes) -> None:
        wanted = self._catch
        if wanted and not wanted.caught.is_set() and wanted.matches(piece):
            wanted.client_port = connection.client_port
            connection.catch = wanted
            wanted.caught.set()


@dataclass(eq=False)
class _Connection:
    """One client's connection, and what holds it back."""

    client_port: int
    catch: Catch | None = None

    @property
    def holds_requests(self) -> bool:
        return self.catch is not None and not self.catch.answers and not self.catch.released.is_set()


async def _pass_answers(connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(CHUNK):
            if connection.catch and connection.catch.answers:
                await connection.catch.released.wait()
            writer.write(piece)
            await writer.drain()
