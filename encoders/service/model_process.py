"""One model of the encoder service: the process that holds it, started when needed, and watched."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Final

import msgspec

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from encoders.processes.encoder import ONE_ARENA
from encoders.processes.messages import EncoderReady, EncoderSetup, ErrorMessage
from encoders.processes.worker import WorkerProcess, WorkerProgram
from encoders.service.connections import hand_over
from encoders.service.opening import ServedSetup, ServiceLoad, Urgency

CHECK_S: Final = 5.0
"""How often the device is asked whether it still answers."""
IDLE_S: Final = 60.0
"""A model that has had no client for so long gives its memory back."""

_READY: Final = msgspec.msgpack.Decoder(EncoderReady | ErrorMessage)
_LOAD: Final = msgspec.msgpack.Decoder(ServiceLoad)


class ModelProcess:
    """The process that holds one model; one that has died or hung is replaced for the next client."""

    def __init__(self, setup: EncoderSetup, deadline_s: float, start_deadline_s: float) -> None:
        """Note what to run; the first client starts it."""
        self._setup = setup
        self._deadline_s, self._start_deadline_s = deadline_s, start_deadline_s
        self._starting = asyncio.Lock()
        self._starting_since: float | None = None
        self._process: WorkerProcess | None = None
        self._channel: socket.socket | None = None
        self._watching: asyncio.Task[None] | None = None

    def silent_s(self) -> float:
        """For how long its device has not answered; 0 while it is not asked."""
        return self._process.silent_s() if self._process else 0.0

    def starting_s(self) -> float:
        """For how long it is being started; 0 while it is not."""
        return 0.0 if self._starting_since is None else asyncio.get_running_loop().time() - self._starting_since

    @property
    def pid(self) -> int | None:
        """The process id; None while none runs."""
        return self._process.pid if self._process and self._process.alive else None

    async def take(self, client: socket.socket, urgency: Urgency) -> bytes:
        """Serve a client from now on.

        Returns:
            What is to be said to it first; it may send requests then.

        Raises:
            EncoderError: the model cannot be loaded, or its process not be started.
        """
        async with self._starting:
            for _ in range(2):
                process, channel = await self._running()
                with contextlib.suppress(OSError):
                    hand_over(channel, client, urgency)
                    return process.ready_message
                await self._end()
        raise WorkerProcessUnavailable(f"the process of {self._setup.name!r} ends as soon as it is started")

    async def ask(self) -> ServiceLoad:
        """What it has to do, once its device has answered. Raises `WorkerProcessFailed`."""
        if self._process is None:
            return ServiceLoad(0, 0, 0, 0)
        return await self._process.submit(b"", _LOAD.decode)

    async def close(self) -> None:
        """End the process, and so its clients' connections."""
        if self._watching:
            self._watching.cancel()
        await self._end()

    async def _running(self) -> tuple[WorkerProcess, socket.socket]:
        if self._process and self._channel and self._process.alive:
            return self._process, self._channel
        await self._end()
        self._starting_since = asyncio.get_running_loop().time()
        try:
            self._process, self._channel = await self._start()
        finally:
            self._starting_since = None
        if self._watching:
            self._watching.cancel()
        self._watching = asyncio.create_task(self._watch(self._process))
        return self._process, self._channel

    async def _start(self) -> tuple[WorkerProcess, socket.socket]:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with its:
                process = await WorkerProcess.start(self._program(its.fileno()))
        except BaseException:
            ours.close()
            raise
        # Its buffer takes hundreds of connections; a process that does not take them is no use to a client.
        ours.setblocking(False)
        ready = _READY.decode(process.ready_message)
        if isinstance(ready, ErrorMessage):
            ours.close()
            await process.close()
            raise ready.to_error()
        process.note_unconfined(ready.missing)
        return process, ours

    def _program(self, descriptor: int) -> WorkerProgram:
        return WorkerProgram(
            name=f"served encoder {self._setup.name!r}",
            module="encoders.workers.encoder_service",
            setup_message=ServedSetup(self._setup, descriptor),
            deadline_s=self._deadline_s,
            start_deadline_s=self._start_deadline_s,
            inheritance="model",
            environment=ONE_ARENA,
            descriptors=(descriptor,),
        )

    async def _watch(self, process: WorkerProcess) -> None:
        """Ask the device whether it answers, which ends a process that does not; end one that nobody uses."""
        idle_s = 0.0
        with contextlib.suppress(WorkerProcessFailed):
            while idle_s < IDLE_S:
                await asyncio.sleep(CHECK_S)
                load = await process.submit(b"", _LOAD.decode)
                idle_s = 0.0 if load.clients else idle_s + CHECK_S
        async with self._starting:
            if process is self._process:
                await self._end()

    async def _end(self) -> None:
        if self._channel:
            self._channel.close()
        if self._process:
            await self._process.close()
        self._process = self._channel = None
