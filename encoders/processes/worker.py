"""One worker process, seen from the main process: started, asked, watched, killed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.processes.environment import Inheritance, worker_environment
from encoders.processes.messages import LENGTH, MAX_FRAME_BYTES, encode_frame

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_EXIT_S: Final = 5.0
"""How long a process that was killed, or that closed its socket, may take until it is gone, in seconds."""
_READ_AHEAD_BYTES: Final = 1 << 20
_CLOSED: Final = "was closed"
_told_unconfined: set[str] = set()
"""Names of programs of which the log says already that they run with fewer fences."""
IDLE_CHECK_S: Final = 10.0
"""An idle process is asked so often whether it still answers: that it hangs must not first show when it is needed."""
IDLE_DEADLINE_S: Final = 15.0
"""The longest that an idle process may take to say so."""


@dataclass(frozen=True)
class WorkerProgram:
    """What a worker process runs."""

    name: str
    """What errors and logs call it."""
    module: str
    setup_message: Any
    """The first message that it gets, which msgspec can encode."""
    deadline_s: float
    """The longest that an answer may take after the one before it, in seconds."""
    start_deadline_s: float
    inheritance: Inheritance = "decoder"
    """Which environment variables of this process it gets."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment variables of its own."""
    descriptors: tuple[int, ...] = ()
    """Open files of this process that it gets, under the same numbers."""


@dataclass(slots=True)
class _Request(Generic[Answer]):
    parse: Callable[[bytes], Answer]
    answer: asyncio.Future[Answer]
    deadline_s: float


class WorkerProcess:
    """A running process that answers requests in their order. Any fault ends it; it is never used again afterwards.

    Belongs to one event loop. Start it in a thread that lasts: on Linux the process dies with the thread that started
    it. `close` must be called in the end, and kills it at once.
    """

    def __init__(self, program: WorkerProgram, process: Process, reader: StreamReader, writer: StreamWriter) -> None:
        """Take over a process just started; `start` is the way to get one."""
        self.ready_message = b""
        """The first frame that it sent: it is ready, or why not."""
        self.alive = True
        """Whether it takes requests."""
        self._program = program
        self._process = process
        self._reader = reader
        self._writer = writer
        self._pending: deque[_Request[Any]] = deque()
        self._fault: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, program: WorkerProgram) -> WorkerProcess:
        """Start a process and wait until it is ready. Raises `WorkerProcessUnavailable`."""
        own_socket, worker_socket = socket.socketpair()
        try:
            process = await _spawn(program, worker_socket)
            # When this end of the socket is closed, the process ends as well: nothing is left behind by an error here.
            reader, writer = await asyncio.open_unix_connection(sock=own_socket, limit=_READ_AHEAD_BYTES)
        except BaseException:
            own_socket.close()
            raise
        finally:
            worker_socket.close()
        worker = cls(program, process, reader, writer)
        try:
            await worker._wait_until_ready()
        except BaseException:
            await worker.close()
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def note_unconfined(self, missing: Sequence[str]) -> None:
        """Say once for each program that it runs with fewer fences than it could. Args: missing: why, in words."""
        if missing and self._program.name not in _told_unconfined:
            _told_unconfined.add(self._program.name)
            log.warning("worker_not_confined", extra={"worker": self._program.name, "missing": "; ".join(missing)})

    def silent_s(self) -> float:
        """For how long the request that is computed now has been without an answer, in seconds; 0 while idle."""
        return asyncio.get_running_loop().time() - self._asked_at if self._asked_at is not None else 0.0

    def submit(self, request: Any, parse: Callable[[bytes], Answer]) -> asyncio.Future[Answer]:
        """Send a request.

        Args:
            request: what msgspec can encode.
            parse: makes the result of the frame that comes back.

        Returns:
            A future of the result. It fails with `WorkerProcessFailed` when the process dies, is late, or `parse`
            raises. Cancelling it does not keep the process from computing the answer.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if not self.alive:
            answer.set_exception(self._failure("has ended"))
            return answer
        self._send(encode_frame(request), _Request(parse, answer, self._program.deadline_s))
        return answer

    def _send(self, frame: bytearray, request: _Request[Any]) -> None:
        self._writer.write(frame)
        self._pending.append(request)
        if len(self._pending) == 1:
            self._restart_timer()

    def _check_idle(self) -> None:
        """Ask whether it still answers."""
        if not self.alive:
            return
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        # Whatever becomes of it is seen by whoever reads: nobody waits for this answer.
        answer.add_done_callback(lambda done: done.exception())
        self._send(bytearray(LENGTH.size), _Request(bytes, answer, IDLE_DEADLINE_S))

    async def close(self) -> None:
        """Kill the process, fail all requests without an answer, and wait until it is gone."""
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
        self._restart_timer()

    async def _read(self) -> None:
        """Pass answers on until the process ends; then fail the requests without one."""
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
        """Start the deadline of the request that is computed now, or, with none, the wait for the next check."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        if self._pending:
            self._asked_at, deadline_s = loop.time(), self._pending[0].deadline_s
            self._timer = loop.call_later(deadline_s, self._end, f"did not answer within {deadline_s:g} s")
        else:
            self._asked_at, self._timer = None, loop.call_later(IDLE_CHECK_S, self._check_idle)

    def _end(self, reason: str) -> None:
        """Kill the process and close the socket; the first reason given is the one that is kept."""
        self.alive = False
        self._fault = self._fault or reason
        self._asked_at = None
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._writer.transport.abort()

    def _failure(self, reason: str) -> WorkerProcessFailed:
        return WorkerProcessFailed(f"the {self} {reason}", reason)

    async def _exit_reason(self) -> str:
        """Wait until the process has ended, and say why."""
        try:
            async with asyncio.timeout(_EXIT_S):
                status = await self._process.wait()
        except TimeoutError:
            return self._fault or "closed its socket"
        return self._fault or (f"was killed by {_signal_name(-status)}" if status < 0 else f"exited with {status}")


async def _spawn(program: WorkerProgram, worker_socket: socket.socket) -> Process:
    environment = worker_environment(program.inheritance, program.environment)
    command = (sys.executable, "-P", "-m", program.module)
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=worker_socket.fileno(), stdout=2, env=environment, pass_fds=program.descriptors
        )
    except OSError as error:
        raise WorkerProcessUnavailable(f"the {program.name} could not be started: {error}") from error


def _signal_name(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
