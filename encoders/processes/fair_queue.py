"""Pictures of many callers in chunks: small calls share a chunk, a large one takes turns with the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from encoders.errors import InvalidImage
from encoders.media.preparation import Pixels

DecodeOutcome = Pixels | InvalidImage

MAX_CHUNK_PICTURES: Final = 16
MAX_CHUNK_BYTES: Final = 4_000_000
"""Where a chunk is full: large enough that sending it costs nothing, small enough that turns are short."""
MIN_CHUNK_PICTURES: Final = 8
MIN_CHUNK_BYTES: Final = 250_000
"""Less than both is not worth sharing among processes: sending a frame costs as much as a small picture."""


class DecodeCall:
    """One caller's pictures, and what became of them."""

    def __init__(self, images: Sequence[bytes]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once every picture is settled, or the call has failed."""
        self._left = deque(QueuedPicture(self, index, data) for index, data in enumerate(images))
        self._outcomes: dict[int, DecodeOutcome] = {}
        self._size = len(images)

    @property
    def waiting(self) -> int:
        """How many pictures nobody has taken."""
        return len(self._left)

    @property
    def outcomes(self) -> list[DecodeOutcome]:
        """What became of each picture, in their order, once the call is finished."""
        return [self._outcomes[index] for index in range(self._size)]

    def next_picture(self) -> QueuedPicture:
        """The next picture that nobody has taken."""
        return self._left.popleft()

    def set_outcome(self, index: int, outcome: DecodeOutcome) -> None:
        """Note what became of one picture."""
        self._outcomes[index] = outcome
        if len(self._outcomes) == self._size and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, error: Exception) -> None:
        """Fail the call as a whole."""
        if not self.finished.done():
            self.finished.set_exception(error)


@dataclass(frozen=True, slots=True, eq=False)
class QueuedPicture:
    """One picture of a call."""

    call: DecodeCall
    index: int
    data: bytes


class FairQueue:
    """Calls with pictures that nobody works on yet."""

    def __init__(self) -> None:
        self._calls: deque[DecodeCall] = deque()

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: DecodeCall) -> None:
        """Put a call with at least one picture at the end of the line."""
        self._calls.append(call)

    def remove(self, call: DecodeCall) -> None:
        """Take what is left of a call out of the line."""
        if call.waiting:
            self._calls.remove(call)

    def next_chunk(self, processes: int) -> list[QueuedPicture]:
        """The next chunk, of at least one picture: the first caller's, and others' where there is room.

        Args:
            processes: How many share what waits; a chunk is no more than one's share, if that is worth sending.
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
