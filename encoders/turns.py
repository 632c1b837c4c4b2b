"""Pictures of many callers in chunks: small calls share a chunk, a large one takes turns with the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from encoders.errors import InvalidImage
from encoders.preparation import Pixels

Decoded = Pixels | InvalidImage

CHUNK_PICTURES: Final = 16
CHUNK_BYTES: Final = 4_000_000
"""Where a chunk is full: large enough that sending it costs nothing, small enough that turns are short."""
LEAST_PICTURES: Final = 8
LEAST_BYTES: Final = 250_000
"""Less than both is not worth sharing among processes: sending a frame costs as much as a small picture."""


class Call:
    """One caller's pictures, and what became of them."""

    def __init__(self, images: Sequence[bytes]) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done once every picture is settled, or the call has failed."""
        self._left = deque(Part(self, index, data) for index, data in enumerate(images))
        self._outcomes: dict[int, Decoded] = {}
        self._size = len(images)

    @property
    def left(self) -> int:
        """How many pictures nobody has taken."""
        return len(self._left)

    @property
    def outcomes(self) -> list[Decoded]:
        """What became of each picture, in their order, once the call is finished."""
        return [self._outcomes[index] for index in range(self._size)]

    def take(self) -> Part:
        """The next picture that nobody has taken."""
        return self._left.popleft()

    def settle(self, index: int, outcome: Decoded) -> None:
        """Note what became of one picture."""
        self._outcomes[index] = outcome
        if len(self._outcomes) == self._size and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, error: Exception) -> None:
        """Fail the call as a whole."""
        if not self.finished.done():
            self.finished.set_exception(error)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One picture of a call."""

    call: Call
    index: int
    data: bytes


class Turns:
    """Calls with pictures that nobody works on yet."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque()

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: Call) -> None:
        """Put a call with at least one picture at the end of the line."""
        self._calls.append(call)

    def drop(self, call: Call) -> None:
        """Take what is left of a call out of the line."""
        if call.left:
            self._calls.remove(call)

    def take(self, processes: int) -> list[Part]:
        """The next chunk, of at least one picture: the first caller's, and others' where there is room.

        Args:
            processes: How many share what waits; a chunk is no more than one's share, if that is worth sending.
        """
        waiting = sum(call.left for call in self._calls)
        share = min(CHUNK_PICTURES, -(-waiting // processes))
        chunk: list[Part] = []
        size = 0

        def is_full() -> bool:
            if len(chunk) < share:
                return size >= CHUNK_BYTES
            return len(chunk) >= LEAST_PICTURES or size >= LEAST_BYTES

        while self._calls and not is_full():
            call = self._calls.popleft()
            while call.left and not is_full():
                chunk.append(call.take())
                size += len(chunk[-1].data)
            if call.left:
                self._calls.append(call)
        return chunk
