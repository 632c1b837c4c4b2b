"""The parent's side of one child process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.processes.messages import LENGTH, MAX_FRAME_BYTES, encode_frame

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_EXIT_S: Final = 5.0
"""How long a process that is killed, or closed its socket, may take to be gone."""
_READ_AHEAD_BYTES: Final = 1 << 20
_CLOSED: Final = "was closed"


@dataclass(frozen=True)
class WorkerProgram:
    """What a child runs."""

    name: str
    """What messages call it."""
    module: str
    setup_message: Any
    """The first message that it gets."""
    deadline_s: float
    """For each answer, from when its turn comes."""
    start_deadline_s: float
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to this process's own."""


@dataclass(slots=True)
class _Request(Generic[Answer]):
    parse: Callable[[bytes], Answer]
    answer: asyncio.Future[Answer]


class WorkerProcess:
    """A running process that answers requests in the order in which they come; the first fault is its end.

    For one event loop, in a thread that lasts: on Linux the process dies with the thread that started it. `close`
    must be called in the end, and kills it at once.
    """

    def __init__(self, program: WorkerProgram, process: Process, reader: StreamReader, writer: StreamWriter) -> None:
        """Take over a process just started; `start` is the way to get one."""
        self.ready_message = b""
        """The first frame that it sent."""
        self.alive = True
        """Whether it takes requests."""
        self._program = program
        self._process = process
        self._reader = reader
        self._writer = writer
        self._pending: deque[_Request[Any]] = deque()
        self._fault: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, program: WorkerProgram) -> WorkerProcess:
        """Start a process and wait until it is ready. Raises `WorkerProcessUnavailable`."""
        own_socket, worker_socket = socket.socketpair()
        try:
            process = await _spawn(program, worker_socket)
            # The end of `ours` ends the process too, wherever this is left.
            reader, writer = await asyncio.open_unix_connection(sock=own_socket, limit=_READ_AHEAD_BYTES)
        except BaseException:
            own_socket.close()
            raise
        finally:
            worker_socket.close()
        child = cls(program, process, reader, writer)
        try:
            await child._wait_until_ready()
        except BaseException:
            await child.close()
            raise
        return child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def submit(self, request: Any, parse: Callable[[bytes], Answer]) -> asyncio.Future[Answer]:
        """Send a request; `parse` makes its answer of the frame that comes back.

        Returns:
            The answer to come. It fails with `WorkerProcessFailed` when the process dies, is late, or `parse` raises.
            Cancelled or not, the process works the request off.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if not self.alive:
            answer.set_exception(self._failure("has ended"))
            return answer
        self._writer.write(encode_frame(request))
        self._pending.append(_Request(parse, answer))
        if len(self._pending) == 1:
            self._restart_timer()
        return answer

    async def close(self) -> None:
        """Kill it, fail what it still owes, and wait until it is gone."""
        self._end(_CLOSED)
        if self._reading is not None:
            await asyncio.wait([self._reading])
        await self._exit_reason()

    def __str__(self) -> str:
        return f"{self._program.name} (process {self.pid})"

    async def _wait_until_ready(self) -> None:
        limit_s = self._program.start_deadline_s
        self._writer.write(encode_frame(self._program.setup_message))
        try:
            async with asyncio.timeout(limit_s):
                self.ready_message = await self._frame()
        except TimeoutError as error:
            raise WorkerProcessUnavailable(f"the {self} was not ready within {limit_s:g} s") from error
        except (OSError, EOFError, ValueError) as error:
            raise WorkerProcessUnavailable(f"the {self} {await self._exit_reason()} before it was ready") from error
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        """Hand out answers until the process ends, by itself or by our hand; then fail what is left."""
        try:
            while True:
                self._resolve_next(await self._frame())
        except (OSError, EOFError):
            self.alive = False
        except Exception:
            self._end("answered nonsense")
        reason = await self._exit_reason()
        self._end(reason)
        if reason != _CLOSED:
            log.warning("child_ended", extra={"child": str(self), "reason": reason})
        for request in self._pending:
            if not request.answer.done():
                request.answer.set_exception(self._failure(reason))
        self._pending.clear()

    def _resolve_next(self, data: bytes) -> None:
        request = self._pending[0]
        answer = request.parse(data)
        self._pending.popleft()
        self._restart_timer()
        if not request.answer.done():
            request.answer.set_result(answer)

    async def _frame(self) -> bytes:
        (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
        if length > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {length} bytes")
        return await self._reader.readexactly(length)

    def _restart_timer(self) -> None:
        """Start the clock for the request whose turn it is."""
        if self._timer is not None:
            self._timer.cancel()
        if self._pending:
            deadline_s = self._program.deadline_s
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(deadline_s, self._end, f"did not answer within {deadline_s:g} s")

    def _end(self, reason: str) -> None:
        """Kill it and close the socket; the first reason is the one that counts."""
        self.alive = False
        self._fault = self._fault or reason
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._writer.transport.abort()

    def _failure(self, reason: str) -> WorkerProcessFailed:
        return WorkerProcessFailed(f"the {self} {reason}", reason)

    async def _exit_reason(self) -> str:
        """Why it ended, once it has."""
        try:
            async with asyncio.timeout(_EXIT_S):
                status = await self._process.wait()
        except TimeoutError:
            return self._fault or "closed its socket"
        return self._fault or (f"was killed by {_signal_name(-status)}" if status < 0 else f"exited with {status}")


async def _spawn(program: WorkerProgram, worker_socket: socket.socket) -> Process:
    # It imports from where this process does, and not from whatever directory it is started in.
    path = os.pathsep.join(entry or str(os.curdir) for entry in sys.path)
    environment = {**os.environ, **program.environment, "PYTHONPATH": path}
    command = (sys.executable, "-P", "-m", program.module)
    try:
        return await asyncio.create_subprocess_exec(*command, stdin=worker_socket.fileno(), stdout=2, env=environment)
    except OSError as error:
        raise WorkerProcessUnavailable(f"the {program.name} could not be started: {error}") from error


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
