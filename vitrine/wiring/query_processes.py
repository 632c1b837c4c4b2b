"""Several processes of a query worker on one port: started, watched, started again, and stopped by their parent.

The kernel spreads connections over them (`SO_REUSEPORT`): the parent holds the port without listening, so that it stays
theirs, and takes no part in answering. A process that ends, or says for long that it is stuck, is replaced; connections
of the others do not notice. When the parent ends, however it does, they do: each reads a pipe whose other end it has.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from encoders.inference.runtime import usable_cores
from query_api.http.server.process_group import ProcessGroup
from query_api.http.server.server import DRAIN_S
from vitrine.errors import VitrineError
from vitrine.settings import Settings, as_environment

log = logging.getLogger(__name__)

WATCH_S = 1.0
"""How often processes are looked at."""
START_WATCH_S = 0.1
STUCK_S = 30.0
"""A process that has answered once, and has for so long not said that it is alive, is ended."""
FIRST_BACKOFF_S, MAX_BACKOFF_S = 0.5, 30.0
"""How long after its end a process is started again: each time twice as long, until one has lived `SETTLED_S`."""
SETTLED_S = 60.0
STOP_S = DRAIN_S + 5.0
"""How long processes have to finish requests, and to close what they have open."""


async def run_query_processes(settings: Settings) -> None:
    """Keep `query.processes` of them running until SIGTERM or SIGINT: then all finish what they are answering.

    Raises:
        VitrineError: the port is taken, or one ended before it had ever answered.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with ExitStack() as resources:
        settings = resources.enter_context(reserve_ports(settings))
        directory = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="vitrine-query-")))
        group = ProcessGroup(directory, settings.query.processes)
        processes = [_Process(group, number, process_environment(settings)) for number in range(group.count)]
        try:
            watching = asyncio.ensure_future(_keep_running(processes))
            waiting = asyncio.ensure_future(stopping.wait())
            await asyncio.wait({watching, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        finally:
            await asyncio.gather(*(process.stop() for process in processes))
    log.info("worker_stopped")


def leave_with_parent() -> None:
    """Stop this process once the parent that started it is gone: the parent's end of standard input closes then."""

    def wait_for_end() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        # An event loop that hangs takes no signal.
        time.sleep(STOP_S)
        os._exit(1)

    threading.Thread(target=wait_for_end, name="parent", daemon=True).start()


async def _keep_running(processes: Sequence[_Process]) -> None:
    """The first one alone, which makes what is not there yet, such as the index and the encoder made ready."""
    await processes[0].start()
    await processes[0].until_alive()
    try:
        async with asyncio.TaskGroup() as group:
            for process in processes:
                group.create_task(process.keep_running())
    except* VitrineError as errors:
        raise errors.exceptions[0] from None


@dataclass(slots=True)
class _Process:
    """One of the processes."""

    group: ProcessGroup
    number: int
    environment: Mapping[str, str]
    _running: asyncio.subprocess.Process | None = None
    _started_at: float = 0.0
    _alive_at: float | None = None
    """When it last said so; None: it has not yet."""
    _has_been_alive: bool = False
    _backoff_s: float = 0.0

    async def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-P", "-m", "vitrine", "worker", "query"]
        # The environment has all settings: no file says otherwise.
        member = ["--config", os.devnull, "--group", str(self.group.directory), "--member", str(self.number)]
        self._running = await asyncio.create_subprocess_exec(
            *command, *member, stdin=asyncio.subprocess.PIPE, env=self.environment
        )
        self._started_at, self._alive_at = time.monotonic(), None

    async def until_alive(self) -> None:
        """Wait until it answers for the first time. Raises `VitrineError` when it ends before it has."""
        while not await self._answers():
            if self._has_ended:
                self._check_first_start()
            await self._until_end(START_WATCH_S)

    async def keep_running(self) -> None:
        """Start it, unless it runs, and start it again whenever it ends or hangs. Raises `VitrineError`."""
        while True:
            if self._running is None:
                await self.start()
            elif self._has_ended:
                self._check_first_start()
                await self._start_again()
            elif not await self._answers() and self._is_stuck():
                log.error("process_stuck", extra={"member": self.number, "pid": self._running.pid})
                self._running.kill()
            await self._until_end(WATCH_S)

    async def stop(self) -> None:
        """Let it finish what it is answering; kill it if that takes too long."""
        running, self._running = self._running, None
        if running is None or running.returncode is not None:
            return
        running.terminate()
        try:
            await asyncio.wait_for(running.wait(), STOP_S)
        except TimeoutError:
            log.warning("process_killed", extra={"member": self.number, "pid": running.pid})
            running.kill()
            await running.wait()

    async def _until_end(self, within_s: float) -> None:
        assert self._running is not None
        with suppress(TimeoutError):
            await asyncio.wait_for(self._running.wait(), within_s)

    @property
    def _has_ended(self) -> bool:
        return self._running is not None and self._running.returncode is not None

    async def _answers(self) -> bool:
        answer = await self.group.ask(self.number, "/healthz")
        if answer is None or answer.status != 200:
            return False
        self._alive_at, self._has_been_alive = time.monotonic(), True
        return True

    def _is_stuck(self) -> bool:
        # One that is still loading its model has said nothing yet, and may take long.
        return self._alive_at is not None and time.monotonic() - self._alive_at > STUCK_S

    def _check_first_start(self) -> None:
        if not self._has_been_alive:
            raise VitrineError("a process of the query worker ended as it started; its log says why")

    async def _start_again(self) -> None:
        assert self._running is not None
        lived_s = time.monotonic() - self._started_at
        self._backoff_s = next_backoff_s(self._backoff_s, lived_s)
        extra = {"member": self.number, "status": self._running.returncode, "again_in_s": self._backoff_s}
        log.error("process_ended", extra=extra)
        await asyncio.sleep(self._backoff_s)
        await self.start()


def next_backoff_s(former_s: float, lived_s: float) -> float:
    """How long to wait until a process is started again that has lived so long."""
    return FIRST_BACKOFF_S if lived_s > SETTLED_S else min(max(FIRST_BACKOFF_S, 2 * former_s), MAX_BACKOFF_S)


def process_environment(settings: Settings) -> dict[str, str]:
    """What a process is started with: the settings in force, wherever they came from."""
    threads = settings.encoder.threads or max(1, usable_cores() // settings.query.processes)
    shared = replace(settings, encoder=replace(settings.encoder, threads=threads))
    own = {"VITRINE_DATA_DIR": str(settings.data_dir), "VITRINE_QUERY_PORT": str(settings.query.port)}
    return {**os.environ, **as_environment(shared), **own}


@contextmanager
def reserve_ports(settings: Settings) -> Generator[Settings]:
    """Keep the ports for the processes, and for nobody else; yields the settings with the ports they are.

    Raises:
        VitrineError: another program has one of them.
    """
    query = settings.query
    with ExitStack() as sockets:
        port = _reserve_port(query.host, query.port, sockets)
        if query.ops_port:
            _reserve_port(query.ops_host or query.host, query.ops_port, sockets)
        yield replace(settings, query=replace(query, port=port))


def _reserve_port(host: str, port: int, sockets: ExitStack) -> int:
    """Args: port: 0: any. Returns the port."""
    addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, _, _, _, address in addresses:
            # First without sharing: with it, another worker of the same user would go unnoticed.
            with _bound(family, (address[0], port, *address[2:]), shared=False) as alone:
                port = alone.getsockname()[1]
            sockets.enter_context(_bound(family, (address[0], port, *address[2:]), shared=True))
    except OSError as error:
        raise VitrineError(f"port {port} of {host} cannot be had: {error.strerror}") from error
    return port


def _bound(family: int, address: tuple[Any, ...], shared: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
