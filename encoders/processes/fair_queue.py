"""A fair queue of pictures to decode, taken in chunks: small calls share a chunk, large calls alternate with others.

Source: the idea of round-robin among callers is Nagle's, "On Packet Switches With Infinite Storage", RFC 970, 1985.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from encoders.errors import InvalidImage
from encoders.media.preparation import Pixels

DecodeOutcome = Pixels | InvalidImage
"""The prepared picture (height, width, 3) uint8, or why there is none."""

MAX_CHUNK_PICTURES: Final = 16
MAX_CHUNK_BYTES: Final = 4_000_000
"""A chunk is full with either: large enough that sending it costs little, small enough that others wait briefly."""
MIN_CHUNK_PICTURES: Final = 8
MIN_CHUNK_BYTES: Final = 250_000
"""A chunk with fewer of both is not split among processes: sending a message costs as much as a small picture."""


class DecodeCall:
    """One caller's pictures, and the outcome of each."""

    def __init__(self, images: Sequence[bytes]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once every picture has an outcome, or the call has failed."""
        self._queued = deque(QueuedPicture(self, index, data) for index, data in enumerate(images))
        self._outcomes: dict[int, DecodeOutcome] = {}
        self._size = len(images)

    @property
    def waiting(self) -> int:
        """How many pictures no chunk has taken yet."""
        return len(self._queued)

    @property
    def outcomes(self) -> list[DecodeOutcome]:
        """The outcome of each picture, in the order of the call, once it is finished."""
        return [self._outcomes[index] for index in range(self._size)]

    def next_picture(self) -> QueuedPicture:
        """Take the next picture. Raises `IndexError` where `waiting` is 0."""
        return self._queued.popleft()

    def set_outcome(self, index: int, outcome: DecodeOutcome) -> None:
        """Note the outcome of the picture at a place of the call."""
        self._outcomes[index] = outcome
        if len(self._outcomes) == self._size and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, error: Exception) -> None:
        """Fail the call as a whole."""
        if not self.finished.done():
            self.finished.set_exception(error)


@dataclass(frozen=True, slots=True, eq=False)
class QueuedPicture:
    """One picture of a call: its place there, and its file."""

    call: DecodeCall
    index: int
    data: bytes


class FairQueue:
    """Calls that have pictures in no chunk yet, served in turns."""

    def __init__(self) -> None:
        self._calls: deque[DecodeCall] = deque()

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: DecodeCall) -> None:
        """Put a call with at least one picture at the end of the queue."""
        self._calls.append(call)

    def remove(self, call: DecodeCall) -> None:
        """Take the rest of a call out of the queue, where there is any."""
        if call.waiting:
            self._calls.remove(call)

    def next_chunk(self, processes: int) -> list[QueuedPicture]:
        """Take the next chunk of at least one picture: the first caller's, then other callers' where there is room.

        A caller whose pictures did not all fit goes to the end of the queue.

        Args:
            processes: How many processes share the waiting pictures; a chunk is at most the share of one process, or
                the smallest chunk that is worth sending.
        """
        waiting = sum(call.waiting for call in self._calls)
        share = min(MAX_CHUNK_PICTURES, -(-waiting // processes))
        chunk: list[QueuedPicture] = []
        size = 0

        def is_full() -> bool:
            if len(chunk) < share:
                return size >= MAX_CHUNK_BYTES
            return len(chunk) >= MIN_CHUNK_PICTURES or size >= MIN_CHUNK_BYTES

        while self._calls and not is_full():
            call = self._calls.popleft()
            while call.waiting and not is_full():
                chunk.append(call.next_picture())
                size += len(chunk[-1].data)
            if call.waiting:
                self._calls.append(call)
        return chunk
