"""Starting and stopping the processes of a data directory, all of them or none."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec

from deploy.local.errors import DataDirUnusable, StartFailed
from deploy.local.kafka import EmbeddedKafka
from deploy.local.log_rotation import rotate_logs
from deploy.local.milvus import EmbeddedMilvus
from deploy.local.permissions import make_private, private_directory
from deploy.local.processes import ProcessRecord, free_port, is_alive, is_listening, log_tail, spawn, stop
from deploy.local.redis import SOCKET, EmbeddedRedis
from deploy.local.services import Service
from deploy.local.sockets import socket_path
from deploy.local.state import StackState, StateFile

CHECK_S = 0.1
CHECK_TIMEOUT_S = 5.0
STOP_GRACE_S = 20.0


class LocalStack:
    """The processes of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self._file = StateFile(self.data_dir)

    def state(self) -> StackState:
        """What was started on the data directory and still runs."""
        state = self._file.load()
        return StackState([record for record in state.processes if is_alive(record)], state.ports)

    def crashed(self) -> list[ProcessRecord]:
        """What was started on the data directory and ended without being told to, or meaning to."""
        return [record for record in self._file.load().processes if not (record.temporary or is_alive(record))]

    async def start(self, services: Sequence[Service], progress: Callable[[str], None]) -> StackState:
        """Start what does not run yet: what shares a stage together, each stage ready before the next.

        Should one fail, or the call be cancelled, what this call started is stopped again; what ran before runs on.

        Raises:
            LocalStackError: naming the process and saying why, with the end of its log.
        """
        with self._file.lock():
            make_private(self.data_dir, progress)
            rotate_logs(self.data_dir / "logs")
            state = self.state()
            running = state.find("redis")
            if running and not running.url.startswith("unix:"):
                way_out = "`vitrine down`, then `vitrine up`"
                progress(f"redis takes everybody on this machine, as an older version started it: {way_out}")
            started: list[ProcessRecord] = []
            order = [service.name for service in services]
            try:
                missing = [service for service in services if state.find(service.name) is None]
                for _, together in itertools.groupby(missing, key=lambda service: service.stage):
                    await _all_or_none([self._start(service, state, order, progress, started) for service in together])
            except BaseException:
                for record in reversed(started):
                    stop(record, STOP_GRACE_S)
                # What failed first is told; a state that still names what was stopped does no harm.
                with contextlib.suppress(DataDirUnusable):
                    self._file.save(self.state())
                raise
            return state

    def stop(self, names: Sequence[str] = (), progress: Callable[[str], None] = lambda _: None) -> list[str]:
        """Stop what was started on the data directory, last first; just those of the given names, if any.

        Returns:
            The names of what was stopped.
        """
        with self._file.lock():
            state = self.state()
            chosen = [record for record in reversed(state.processes) if not names or record.name in names]
            for record in chosen:
                progress(f"stopping {record.name}")
                stop(record, STOP_GRACE_S)
            self._file.save(StackState([record for record in state.processes if record not in chosen], state.ports))
            return [record.name for record in chosen]

    def kafka(self) -> EmbeddedKafka:
        """This data directory's Kafka."""
        return EmbeddedKafka(self.data_dir / "kafka", self.port("kafka"), self.port("kafka-controller"))

    def redis(self) -> EmbeddedRedis:
        """This data directory's Redis; one that runs is left where it is."""
        directory = self.data_dir / "redis"
        running = self.state().find("redis")
        try:
            with self._file.lock():
                socket = socket_path(private_directory(directory), SOCKET)
        except OSError as error:
            raise DataDirUnusable(f"{directory} cannot be used: {error.strerror}; choose another --data-dir") from error
        return EmbeddedRedis(directory, socket, running.url if running else "")

    def encoder_socket(self) -> Path:
        """Where this data directory's encoder service listens."""
        directory = self.data_dir / "run"
        try:
            # Without the lock: commands ask while another one starts or stops what runs here.
            return socket_path(private_directory(directory), "encoder")
        except OSError as error:
            raise DataDirUnusable(f"{directory} cannot be used: {error.strerror}; choose another --data-dir") from error

    def milvus(self) -> EmbeddedMilvus:
        """This data directory's Milvus Lite."""
        return EmbeddedMilvus(self.data_dir / "milvus", self.port("milvus"))

    async def _start(
        self,
        service: Service,
        state: StackState,
        order: Sequence[str],
        progress: Callable[[str], None],
        started: list[ProcessRecord],
    ) -> None:
        began = time.monotonic()
        progress(f"starting {service.name}")
        record = await self._spawn(service, progress)
        try:
            state.add(record, order)
            self._file.save(state)
            await _until_ready(service, record)
        except BaseException:
            stop(record, STOP_GRACE_S)
            raise
        started.append(record)
        progress(f"{service.name} is ready at {service.url} ({time.monotonic() - began:.1f} s)")

    async def _spawn(self, service: Service, progress: Callable[[str], None]) -> ProcessRecord:
        log = self.data_dir / "logs" / f"{service.name}.log"
        try:
            await _prepare(service, progress)
            record = spawn(service.name, service.argv, service.env, service.cwd, log, service.url)
            return msgspec.structs.replace(record, temporary=service.temporary)
        except OSError as error:
            way_out = "make room, or choose another --data-dir"
            raise DataDirUnusable(f"{service.name} cannot use {self.data_dir}: {error}; {way_out}") from error

    def port(self, name: str) -> int:
        """The port that was used last if it is free, or in use by what runs; another one else."""
        with self._file.lock():
            state = self._file.load()
            known = state.ports.get(name)
            if known is not None and state.find(name.removesuffix("-controller")) is not None:
                return known
            port = free_port(known)
            while port in state.ports.values() and port != known:
                port = free_port()
            state.ports[name] = port
            self._file.save(state)
            return port


async def _all_or_none(starts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; when one fails, the others are cancelled, and have tidied up when its error is raised."""
    tasks = [asyncio.ensure_future(start) for start in starts]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _prepare(service: Service, progress: Callable[[str], None]) -> None:
    """Prepare in a thread, which ends at its next word of progress when the start is cancelled."""
    cancelled = threading.Event()

    def report(message: str) -> None:
        if cancelled.is_set():
            raise StartFailed(f"the start of {service.name} was cancelled")
        progress(message)

    try:
        await asyncio.to_thread(service.prepare, report)
    except asyncio.CancelledError:
        cancelled.set()
        raise


async def _until_ready(service: Service, record: ProcessRecord) -> None:
    deadline = time.monotonic() + service.start_deadline_s
    while True:
        if not is_alive(record):
            raise StartFailed(f"{service.name} ended during its start; {log_tail(record)}")
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                if not is_listening(record):
                    raise ConnectionError(f"nothing of its own listens at {record.url}")
                return await service.check()
        except Exception as error:
            # Whatever it is that is not there yet: the process is asked again until its deadline.
            if time.monotonic() > deadline:
                why = f"{service.name} was not ready within {service.start_deadline_s:.0f} s ({error!r})"
                raise StartFailed(f"{why}; {log_tail(record)}") from error
        await asyncio.sleep(CHECK_S)
