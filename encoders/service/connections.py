"""Clients' connections, in the process that holds the model: each has a thread that reads and one that answers."""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from functools import partial
from typing import Final

import msgspec

from encoders.port import Encoder, as_joint_encoder
from encoders.processes.messages import (
    LENGTH,
    EncodedRows,
    EncodeParts,
    EncodeProducts,
    ErrorMessage,
    encode_frame,
    picture_from_message,
    texts_from_message,
)
from encoders.processes.pixel_memory import PixelMemorySetup, ReadPixels
from encoders.service.opening import (
    REQUESTS_PER_CLIENT,
    SharePixels,
    Urgency,
    receive_body,
    receive_with_file,
)
from encoders.service.pass_queue import Batch, PassClient, PassInputs, PassQueue

_URGENCIES: Final[dict[bytes, Urgency]] = {b"q": "query", b"i": "indexing"}
_REQUESTS: Final = msgspec.msgpack.Decoder(EncodeParts | EncodeProducts | SharePixels)
_GONE: Final = ErrorMessage("WorkerProcessFailed", "the client is gone")


def hand_over(channel: socket.socket, client: socket.socket, urgency: Urgency) -> None:
    """Give a client's connection to the process that holds its model. Raises `OSError` where that is gone."""
    socket.send_fds(channel, [urgency[:1].encode()], [client.fileno()])


class ClientConnections:
    """Takes connections over, and puts what clients ask for into the queue."""

    def __init__(self, channel: socket.socket, encoder: Encoder, passes: PassQueue) -> None:
        """Args: channel: the other end of what `hand_over` is given; a socket of packets in sequence."""
        self._channel = channel
        self._encoder = encoder
        self._passes = passes
        self._clients: set[_Connection] = set()

    @property
    def count(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    def run(self) -> None:
        """Take over whatever comes, until nothing will come any more. Raises `OSError`."""
        while True:
            urgency, descriptors, _, _ = socket.recv_fds(self._channel, 1, 1)
            if not descriptors:
                return
            connection = _Connection(socket.socket(fileno=descriptors[0]), _URGENCIES[urgency])
            self._clients.add(connection)
            for work in (partial(self._read, connection), connection.write):
                threading.Thread(target=work, daemon=True).start()

    def _read(self, connection: _Connection) -> None:
        with contextlib.suppress(OSError, EOFError, ValueError, msgspec.MsgspecError):
            while True:
                message = _REQUESTS.decode(connection.next_request())
                if isinstance(message, SharePixels):
                    connection.new_answer().set(connection.map(message))
                else:
                    self._start(message, connection)
        connection.leave()
        self._clients.discard(connection)

    def _start(self, message: EncodeParts | EncodeProducts, connection: _Connection) -> None:
        """Queue a batch; one that this encoder does not take is answered at once."""
        answer = connection.new_answer()
        try:
            batch = Batch(connection.client, self._inputs(message, connection.memory), answer.set)
        except Exception as error:
            answer.set(ErrorMessage.from_error(error))
            return
        batch.start(self._encoder.spec.dim)
        self._passes.add(batch)

    def _inputs(self, message: EncodeParts | EncodeProducts, memory: ReadPixels | None) -> PassInputs:
        texts = texts_from_message(message.texts)
        if isinstance(message, EncodeParts):
            return {"texts": texts, "images": [picture_from_message(image, memory) for image in message.images]}
        as_joint_encoder(self._encoder)
        images = [[picture_from_message(image, memory) for image in own] for own in message.images]
        return {"products": [*zip(texts, images, strict=True)]}


class _Answer:
    """The answer to a request, once there is one."""

    def __init__(self) -> None:
        self._message: EncodedRows | ErrorMessage = _GONE
        self._is_there = threading.Event()

    def set(self, message: EncodedRows | ErrorMessage) -> None:
        """Give it; what is given later changes nothing."""
        if not self._is_there.is_set():
            self._message = message
            self._is_there.set()

    def wait(self) -> EncodedRows | ErrorMessage:
        """Wait until it is given."""
        self._is_there.wait()
        return self._message


class _Connection:
    """A client's socket, and the answers that it waits for."""

    def __init__(self, sock: socket.socket, urgency: Urgency) -> None:
        sock.setblocking(True)
        self.client = PassClient(urgency)
        self.memory: ReadPixels | None = None
        """Where the client's pictures may be."""
        self._socket = sock
        self._file: int | None = None
        self._free = threading.Semaphore(REQUESTS_PER_CLIENT)
        self._answers: queue.SimpleQueue[_Answer | None] = queue.SimpleQueue()
        self._unsent: set[_Answer] = set()

    def next_request(self) -> bytearray:
        """The next request, of which so many are read at a time; the rest waits in the client's own memory."""
        # Before there is room: that the client is gone shows at once.
        header, file = receive_with_file(self._socket, LENGTH.size)
        self._keep(file)
        self._free.acquire()
        return receive_body(self._socket, header)

    def map(self, message: SharePixels) -> EncodedRows | ErrorMessage:
        """Map the memory whose file came with this message."""
        file, self._file = self._file, None
        try:
            if file is None:
                raise ValueError("shared pixels came without their file")
            self.memory = ReadPixels(PixelMemorySetup(file, message.size))
        except Exception as error:
            return ErrorMessage.from_error(error)
        return EncodedRows(bytearray(), bytearray())

    def _keep(self, file: int | None) -> None:
        """Hold the file that came last; one that no message was about is closed."""
        if self._file is not None:
            os.close(self._file)
        self._file = file

    def new_answer(self) -> _Answer:
        """The place of the answer to the request that was read last."""
        answer = _Answer()
        self._unsent.add(answer)
        self._answers.put(answer)
        return answer

    def leave(self) -> None:
        """The client is gone: nothing is computed for it any more, and both threads end."""
        self.client.gone = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._keep(None)
        for answer in [*self._unsent]:
            answer.set(_GONE)
        self._answers.put(None)

    def write(self) -> None:
        """Send answers in the order of the requests until the client is gone."""
        with self._socket, contextlib.suppress(OSError):
            while (answer := self._answers.get()) is not None:
                self._socket.sendall(encode_frame(answer.wait()))
                self._unsent.discard(answer)
                self._free.release()
        # The thread that reads may wait for room.
        self._free.release()
