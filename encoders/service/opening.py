"""How a client opens its connection to the encoder service, and what both sides say in frames.

A client sends `OpenEncoder`; it is answered with `EncoderReady`, or `ErrorMessage` and the end of the connection. From
then on it sends `EncodeParts` and `EncodeProducts`, and gets `EncodedRows` or `ErrorMessage` for each, in their order.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

from encoders.processes.messages import LENGTH, MAX_FRAME_BYTES, EncoderSetup

Urgency = Literal["query", "indexing"]
"""Who waits for a client's batches: a shopper, or an index."""
MAX_OPENING_BYTES: Final = 1 << 16
REQUESTS_PER_CLIENT: Final = 2
"""Batches of a client that are read before the first of them is answered: one is computed, the next one is there."""


class OpenEncoder(msgspec.Struct, array_like=True, tag=True):
    """The first frame of a client: which encoder it wants, and who waits for its batches."""

    setup: EncoderSetup
    urgency: Urgency


class SharePixels(msgspec.Struct, array_like=True, tag=True):
    """A client's memory with pictures, whose file comes with this frame; answered with no rows, or with an error."""

    size: int
    """Bytes."""


class ServedSetup(msgspec.Struct, array_like=True):
    """The first frame to the process that holds a model for clients."""

    setup: EncoderSetup
    descriptor: int
    """Of the socket by which it gets clients' connections."""


class ServiceLoad(msgspec.Struct, array_like=True):
    """What the process that holds a model says when it is asked whether its device still answers."""

    clients: int
    waiting: int
    """Inputs that no pass has taken yet."""
    passes: int
    inputs: int
    """Of all passes so far."""


def socket_of(url: str) -> Path:
    """The path in `unix:PATH`. Raises `ValueError` for another address."""
    parts = urlsplit(url)
    if parts.scheme != "unix" or not parts.path:
        raise ValueError(f"service must be auto, always, never or unix:PATH, not {url!r}")
    return Path(unquote(parts.path))


def receive_frame(connection: socket.socket) -> bytearray:
    """The next frame's message. Raises `EOFError` at the end, `ValueError` for one that is too long, and `OSError`."""
    return receive_body(connection, receive_exactly(connection, LENGTH.size))


def receive_body(connection: socket.socket, header: bytearray) -> bytearray:
    """The message of the frame whose first bytes are its header. Raises as `receive_frame` does."""
    (length,) = LENGTH.unpack(header)
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {length} bytes")
    return receive_exactly(connection, length)


def receive_with_file(connection: socket.socket, length: int) -> tuple[bytearray, int | None]:
    """Receive `length` bytes, and the file that came with the first, if any. Raises as `receive_exactly` does."""
    first, files, _, _ = socket.recv_fds(connection, length, 1, socket.MSG_CMSG_CLOEXEC)
    if not first:
        raise EOFError("the connection has ended")
    file = files[0] if files else None
    try:
        return bytearray(first) + receive_exactly(connection, length - len(first)), file
    except BaseException:
        if file is not None:
            os.close(file)
        raise


def receive_exactly(connection: socket.socket, length: int) -> bytearray:
    """Receive `length` bytes. Raises `EOFError` where the connection ends before, and `OSError`."""
    data = bytearray(length)
    view, filled = memoryview(data), 0
    while filled < length:
        received = connection.recv_into(view[filled:])
        if received == 0:
            raise EOFError("the connection has ended")
        filled += received
    return data
