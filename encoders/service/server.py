"""The encoder service: it listens, and hands each client's connection to the process that holds its model."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from pathlib import Path
from typing import Final

import msgspec

from encoders.errors import EncoderError, WorkerProcessUnavailable
from encoders.processes.messages import LENGTH, EncoderSetup, ErrorMessage, encode_frame
from encoders.service.model_process import ModelProcess
from encoders.service.opening import MAX_OPENING_BYTES, OpenEncoder, ServiceLoad

OPENING_S: Final = 10.0
"""The longest that a client may take to say what it wants."""
MAX_OPENINGS: Final = 64
"""Clients that wait for a model at a time; others wait in the kernel's queue."""

log = logging.getLogger(__name__)
_OPENING: Final = msgspec.msgpack.Decoder(OpenEncoder)


class EncoderService:
    """Encoders for the processes of this machine's user, an async context manager; `run` serves.

    A model is loaded when the first client asks for it, once for all clients. Its process is watched: it is ended when
    its device does not answer, and started again for the next client. Clients see their connection end, and ask anew.
    """

    def __init__(self, path: Path, deadline_s: float = 60.0, start_deadline_s: float = 900.0) -> None:
        """Note where to listen.

        Args:
            path: of the socket, which only its owner may use; in a directory that only its owner may enter.
            deadline_s: The longest that one pass may take on the device.
            start_deadline_s: The longest that loading may take, which may fetch the model first.
        """
        self.deadline_s = deadline_s
        self._path = path
        self._start_deadline_s = start_deadline_s
        self._listener = socket.socket(socket.AF_UNIX)
        self._models: dict[bytes, ModelProcess] = {}
        self._openings: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MAX_OPENINGS)

    @property
    def pids(self) -> list[int]:
        """Process ids of the models that are loaded."""
        return [pid for model in self._models.values() if (pid := model.pid) is not None]

    async def loads(self) -> list[ServiceLoad]:
        """Ask each model that is loaded what it has to do. Raises `WorkerProcessFailed`."""
        return [await model.ask() for model in self._models.values() if model.pid is not None]

    def silent_s(self) -> float:
        """For how long a device has been asked without an answer, in seconds; 0 while all answer."""
        return max((model.silent_s() for model in self._models.values()), default=0.0)

    def starting_s(self) -> float:
        """For how long a model is being loaded, in seconds; 0 while none is."""
        return max((model.starting_s() for model in self._models.values()), default=0.0)

    async def __aenter__(self) -> EncoderService:
        """Listen. Raises `WorkerProcessUnavailable` where another service does, or the path takes no socket."""
        try:
            _listen(self._listener, self._path)
        except OSError as error:
            self._listener.close()
            raise WorkerProcessUnavailable(f"the encoder service cannot listen at {self._path}: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
        self._listener.close()
        for opening in self._openings:
            opening.cancel()
        await asyncio.gather(*self._openings, return_exceptions=True)
        await asyncio.gather(*(model.close() for model in self._models.values()))

    async def run(self) -> None:
        """Take clients in until cancelled."""
        while True:
            await self._room.acquire()
            client, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            opening = asyncio.create_task(self._open(client))
            self._openings.add(opening)
            opening.add_done_callback(self._openings.discard)
            opening.add_done_callback(lambda _: self._room.release())

    async def _open(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with client, contextlib.suppress(OSError, EOFError, ValueError, TimeoutError, msgspec.MsgspecError):
            async with asyncio.timeout(OPENING_S):
                opening = _OPENING.decode(await _opening_frame(client))
            try:
                said = await self._model(opening.setup).take(client, opening.urgency)
            except EncoderError as error:
                log.warning("encoder_not_opened", extra={"encoder": opening.setup.name, "reason": str(error)})
                await loop.sock_sendall(client, encode_frame(ErrorMessage.from_error(error)))
                return
            await loop.sock_sendall(client, LENGTH.pack(len(said)) + said)

    def _model(self, setup: EncoderSetup) -> ModelProcess:
        key = msgspec.msgpack.encode(setup)
        if key not in self._models:
            self._models[key] = ModelProcess(setup, self.deadline_s, self._start_deadline_s)
        return self._models[key]


async def _opening_frame(client: socket.socket) -> bytes:
    """What a client says first. Raises `ValueError` where it is too long, `EOFError` where it ends."""
    (length,) = LENGTH.unpack(await _received(client, LENGTH.size))
    if length > MAX_OPENING_BYTES:
        raise ValueError(f"an opening of {length} bytes")
    return await _received(client, length)


async def _received(client: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        # Not a byte more: what follows is for the process that holds the model.
        more = await asyncio.get_running_loop().sock_recv(client, length - len(data))
        if not more:
            raise EOFError("the connection has ended")
        data += more
    return data


def _listen(listener: socket.socket, path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(1)
        if probe.connect_ex(os.fspath(path)) == 0:
            raise FileExistsError("another service answers there")
    path.unlink(missing_ok=True)
    # The umask is the process's: nothing else runs in this one yet.
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(before)
    listener.listen()
    listener.setblocking(False)
