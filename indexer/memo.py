"""Values by key, bounded in bytes: what callers make up cannot fill the memory. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Argument = TypeVar("Argument", bound=Hashable)
Result = TypeVar("Result")


class Memo(Generic[Argument, Result]):
    """Remembers results, those used lately longer. Threads may share it: at worst one works out a result again.

    Results are kept in two halves: a full one becomes the older one, and what is asked for again moves to the newer
    one. So a look-up is that of a dictionary, and at least the half of what is allowed was used last.
    """

    def __init__(
        self, function: Callable[[Argument], Result], size_of: Callable[[Argument, Result], int], max_bytes: int
    ) -> None:
        """Args: function: whose results are never None; size_of: bytes of an argument and its result, at most."""
        self._function = function
        self._size_of = size_of
        self._max_half = max_bytes // 2
        self._newer: dict[Argument, Result] = {}
        self._older: dict[Argument, Result] = {}
        self._newer_bytes = self._older_bytes = 0

    def __call__(self, argument: Argument) -> Result:
        """The function's result."""
        kept = self._newer.get(argument)
        return self._look_further(argument) if kept is None else kept

    @property
    def held_bytes(self) -> int:
        """What is kept takes at most this."""
        return self._newer_bytes + self._older_bytes

    def _look_further(self, argument: Argument) -> Result:
        found = self._older.get(argument)
        result = self._function(argument) if found is None else found
        size = self._size_of(argument, result)
        if size > self._max_half:
            return result
        if self._newer_bytes + size > self._max_half:
            self._older, self._older_bytes = self._newer, self._newer_bytes
            self._newer, self._newer_bytes = {}, 0
        self._newer[argument] = result
        self._newer_bytes += size
        return result


class RecentValues(Generic[Argument, Result]):
    """Values by key: those that were used last, within `max_bytes`. For one thread."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[Argument, tuple[Result, int]] = OrderedDict()
        self.held_bytes = 0

    def get(self, key: Argument) -> Result | None:
        """The value of a key; None: there is none any more."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: Argument, value: Result, size: int) -> None:
        """Keep a value, which takes `size` bytes with its key, in the place of an older one."""
        _, older = self._values.pop(key, (None, 0))
        self._values[key] = value, size
        self.held_bytes += size - older
        while self.held_bytes > self._max_bytes:
            _, (_, gone) = self._values.popitem(last=False)
            self.held_bytes -= gone


def text_bytes(*texts: str) -> int:
    """What texts take in memory, at most, with their places in a dictionary and a tuple."""
    return sum(4 * len(text) if not text.isascii() else len(text) for text in texts) + 180 * len(texts)
