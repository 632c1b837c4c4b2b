"""An encoder of the encoder service for one thread."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from encoders.errors import SpecMismatch, WorkerProcessFailed, WorkerProcessUnavailable
from encoders.media.preparation import Preparer
from encoders.port import Pixels
from encoders.processes.encoder import PICTURES_PER_REQUEST, product_chunks
from encoders.processes.messages import (
    EncodedRows,
    EncodeParts,
    EncodeProducts,
    EncoderReady,
    ErrorMessage,
    encode_frame,
    picture_to_message,
    texts_to_message,
)
from encoders.processes.pixel_memory import PixelMemory
from encoders.prompts import Prompts
from encoders.service.opening import OpenEncoder, SharePixels, receive_frame
from encoders.spec import EmbeddingSpec, FloatArray

ATTEMPTS: Final = 3
"""How often a batch is sent, as a process of the service may die of another client's batch."""

_READY: Final = msgspec.msgpack.Decoder(EncoderReady | ErrorMessage)
_ANSWER: Final = msgspec.msgpack.Decoder(EncodedRows | ErrorMessage)


class ServiceEncoder:
    """An encoder behind the `JointEncoder` port that the encoder service runs; for one thread at a time.

    A batch whose connection ends is sent again: to encode twice changes nothing.
    """

    def __init__(
        self,
        path: Path,
        opening: OpenEncoder,
        deadline_s: float = 60.0,
        start_deadline_s: float = 900.0,
        memory: PixelMemory | None = None,
    ) -> None:
        """Connect, and wait for the model that the service loads.

        Args:
            path: of the service's socket.
            deadline_s: The longest that a batch may take, what other clients have before it included.
            start_deadline_s: The longest that loading may take.
            memory: Pictures in it are read there by the service, all others are sent.

        Raises:
            WorkerProcessUnavailable: there is no service, or it has not loaded the model in time.
            EncoderError: it cannot load the model.
        """
        self._path, self._opening, self._memory = path, opening, memory
        self._deadline_s = deadline_s
        self.device_s = 0.0
        """For how long the device has computed for it, in seconds."""
        self._connection: socket.socket | None = None
        self._closed = False
        self._ready = self._open(start_deadline_s)

    @property
    def spec(self) -> EmbeddingSpec:
        """The space its vectors live in."""
        return self._ready.spec

    @property
    def preparer(self) -> Preparer:
        """Resizes and crops decoded pictures to the model's input, in any thread or process."""
        return self._ready.preparer

    @property
    def prompts(self) -> Prompts:
        """What its callers put before queries and before products' texts."""
        return self._ready.prompts

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows. Raises as `encode` does."""
        return self.encode(texts, [])[0]

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows. Raises as `encode` does."""
        parts = [self.encode([], run) for run in picture_runs(images)]
        return np.concatenate([np.zeros((0, self.spec.dim), np.float32), *(rows for _, rows in parts)])

    def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Embed whole products → (n, dim) unit float32 rows. Raises as `encode` does, and `SpecMismatch`."""
        runs = product_chunks([len(pictures) for pictures in images])
        rows = [self.encode_run(texts[run], images[run]) for run in runs]
        return np.concatenate([np.zeros((0, self.spec.dim), np.float32), *rows])

    def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit float32 rows (n_texts, dim) and (n_images, dim) of one request.

        Raises:
            WorkerProcessFailed: it was late, or the service's process died of it, again and again.
            WorkerProcessUnavailable: there is no service just now.
            EncoderError: the encoder refused the batch.
        """
        pictures = [picture_to_message(picture, self._memory) for picture in images]
        request = EncodeParts(texts_to_message(texts), pictures)
        answer = self._answer(request)
        return self._rows(answer.texts, len(texts)), self._rows(answer.images, len(images))

    def encode_run(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Whole products that fit into one request → (n, dim) unit float32 rows."""
        pictures = [[picture_to_message(picture, self._memory) for picture in own] for own in images]
        return self._rows(self._answer(EncodeProducts(texts_to_message(texts), pictures)).texts, len(texts))

    def close(self) -> None:
        """Leave the service; a call in another thread fails."""
        self._closed = True
        if self._connection:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def _rows(self, data: bytearray, count: int) -> FloatArray:
        try:
            return np.frombuffer(data, np.float32).reshape(count, self.spec.dim)
        except ValueError as error:
            raise WorkerProcessFailed(f"the encoder service answered {len(data)} bytes for {count} rows") from error

    def _answer(self, request: EncodeParts | EncodeProducts) -> EncodedRows:
        answer = _ANSWER.decode(self._sent_until_answered(encode_frame(request)))
        if isinstance(answer, ErrorMessage):
            raise answer.to_error()
        self.device_s += answer.device_s
        return answer

    def _sent_until_answered(self, frame: bytearray) -> bytearray:
        """The answer to a request, which is sent again where the connection ends before."""
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                return self._exchange(frame)
            except TimeoutError as error:
                raise self._failed(f"did not answer within {self._deadline_s:g} s") from error
            except (OSError, EOFError, ValueError) as error:
                reason = repr(error)
                self._disconnect()
        raise self._failed(f"ended the connection {ATTEMPTS} times in a row: {reason}")

    def _exchange(self, frame: bytearray) -> bytearray:
        connection = self._connection or self._reopened()
        connection.sendall(frame)
        return receive_frame(connection)

    def _failed(self, reason: str) -> WorkerProcessFailed:
        self._disconnect()
        return WorkerProcessFailed(f"the encoder service at {self._path} {reason}", reason)

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _reopened(self) -> socket.socket:
        # A model that takes longer to load again is an outage, which the caller tells, and waits for.
        ready = self._open(self._deadline_s)
        if ready.spec != self.spec:
            self._disconnect()
            raise SpecMismatch(f"the encoder service had {self.spec.key} and now has {ready.spec.key}")
        assert self._connection
        return self._connection

    def _open(self, wait_s: float) -> EncoderReady:
        if self._closed:
            raise WorkerProcessUnavailable("the connection to the encoder service was closed")
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(wait_s)
            connection.connect(os.fspath(self._path))
            self._connection = connection
            connection.sendall(encode_frame(self._opening))
            ready = _READY.decode(receive_frame(connection))
            connection.settimeout(self._deadline_s)
            if self._memory is not None and isinstance(ready, EncoderReady):
                _share(connection, self._memory)
        except (OSError, EOFError, ValueError, msgspec.MsgspecError) as error:
            connection.close()
            self._connection = None
            raise WorkerProcessUnavailable(f"no encoder service answers at {self._path}: {error!r}") from error
        if isinstance(ready, ErrorMessage):
            self._disconnect()
            raise ready.to_error()
        return ready


def _share(connection: socket.socket, memory: PixelMemory) -> None:
    """Share the memory with the service. Raises `EncoderError` where it is refused, and as `receive_frame` does."""
    frame = encode_frame(SharePixels(memory.size))
    # The file goes with the first bytes, which are as many as fit.
    sent = socket.send_fds(connection, [frame], [memory.descriptor])
    connection.sendall(memoryview(frame)[sent:])
    answer = _ANSWER.decode(receive_frame(connection))
    if isinstance(answer, ErrorMessage):
        raise answer.to_error()


def picture_runs(images: Sequence[Pixels]) -> list[Sequence[Pixels]]:
    """Prepared pictures (height, width, 3) uint8 in runs that fit into one request."""
    return [images[at : at + PICTURES_PER_REQUEST] for at in range(0, len(images), PICTURES_PER_REQUEST)]
