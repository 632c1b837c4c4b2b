"""What has come of a client's message, in how many pieces, and when that is too much, or too little at a time."""

from __future__ import annotations

from typing import NoReturn

from query_api.config import QueryConfig
from query_api.http.server.connections import SMALL_BODY_BYTES

MAX_HEADERS = 100
FREE_READS, BYTES_PER_READ = 1_024, 256
"""A message may come in so many pieces of any size; in more, only if they have so many bytes on average."""
FREE_PIECES = 4_096
"""The same for the chunks of a body."""


class Arrival:
    """Counts what comes over a connection, message by message.

    The methods that a parser calls raise `ValueError` where a message is not to be parsed any further, and `refusal`
    has the reason.
    """

    def __init__(self, config: QueryConfig) -> None:
        self._config = config
        self._header_bytes = self._header_count = self._hosts = 0
        self._reads = self._pieces = self._wire_bytes = 0
        self.refusal = (400, "this is no valid HTTP request")
        """Status and detail for who sent what cannot be parsed."""
        self.is_in_headers = True
        """Whether the headers of the message are not complete."""
        self.stated_bytes = 0
        """The body's length by its header."""
        self.received_bytes = 0
        """How much of the body has come."""

    def begin(self) -> None:
        """Another message begins."""
        self.is_in_headers = True
        self._header_bytes = self._header_count = self._hosts = self.stated_bytes = 0

    def take_read(self, size: int) -> None:
        """So many bytes were read at once."""
        self._reads += 1
        self._wire_bytes += size

    def take_url(self, url: bytes) -> None:
        """A piece of the address came."""
        self._header_bytes += len(url)
        if self._header_bytes > self._config.max_header_bytes // 2:
            self.stop(414, "the address is too long")

    def take_header(self, name: bytes, value: bytes) -> None:
        """A header came."""
        self._header_bytes += len(name) + len(value)
        self._header_count += 1
        if len(name) == 4 and name.lower() == b"host":
            self._hosts += 1
        elif len(name) == 14 and name.lower() == b"content-length":
            self.stated_bytes = int(value)
        if self._header_count > MAX_HEADERS or self._header_bytes > self._config.max_header_bytes:
            self.stop(431, f"the headers are over {self._config.max_header_bytes:,} bytes or {MAX_HEADERS} lines")

    def end_headers(self, http_version: str) -> None:
        """The headers are complete."""
        if self._hosts != 1 and not (self._hosts == 0 and http_version == "1.0"):
            self.stop(400, "the request takes exactly one Host header")
        self.is_in_headers = False
        self._count_anew()

    def take_body(self, body: bytes) -> None:
        """A chunk of the body came."""
        self.received_bytes += len(body)
        self._pieces += 1
        if self._pieces > FREE_PIECES + self.received_bytes // BYTES_PER_READ:
            # Each chunk of a body is a call of this, thousands of them in what is read at once.
            self.stop(408, "the body comes in too small chunks")

    def end(self) -> None:
        """The message is complete."""
        self._count_anew()

    def fault(self) -> tuple[int, str] | None:
        """Status and detail for a message that is not complete, and has come in too much, or in too small pieces."""
        config = self._config
        if self._reads > FREE_READS + self._wire_bytes // BYTES_PER_READ:
            return 408, "the request comes in too small pieces"
        if self.is_in_headers and self._wire_bytes > config.max_header_bytes:
            return 431, f"the headers are over {config.max_header_bytes:,} bytes"
        if self._wire_bytes > 2 * config.max_body_bytes + SMALL_BODY_BYTES:
            return 413, "the body takes far more bytes than it has"
        return None

    def stop(self, status: int, detail: str) -> NoReturn:
        """End parsing, for this reason."""
        self.refusal = (status, detail)
        raise ValueError(detail)

    def _count_anew(self) -> None:
        self._reads = self._pieces = self._wire_bytes = self.received_bytes = 0
