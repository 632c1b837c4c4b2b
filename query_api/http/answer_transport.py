"""An answer's head goes out with the first of its body: each write is a call to the kernel."""

from __future__ import annotations

import asyncio
from typing import Final

_JOINED_BYTES: Final = 64 * 1024
"""Larger bodies are not copied behind their heads."""


class AnswerTransport:
    """What uvicorn writes one answer to: its head, then its body. Not kept back is what asks for the body (`100`)."""

    __slots__ = ("_head", "_is_head_written", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._is_head_written = False

    def write(self, data: bytes) -> None:
        """Write, but keep the head until there is more."""
        if self._head:
            head, self._head = self._head, b""
            self.write_whole(head, data)
        elif self._is_head_written or data.startswith(b"HTTP/1.1 100"):
            self._transport.write(data)
        else:
            self._head, self._is_head_written = data, True

    def write_whole(self, head: bytes, body: bytes) -> None:
        """Write a head with a body, or with the first of it."""
        # Not by `writelines`: from Python 3.12 on asyncio's own does not say when a client takes nothing.
        if len(body) <= _JOINED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)

    def flush(self) -> None:
        """Write a head that has no body."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Close the connection, once all is written."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return self._transport.is_closing()
