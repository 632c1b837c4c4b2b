"""What workers tell each other through Redis: which products changed, and what waits to be indexed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct


class LogPosition(NamedTuple):
    """A place in the change log."""

    epoch: str
    """The life of the server that keeps the log: one that started anew may have lost changes without knowing it, so
    positions of two lives have nothing to do with each other."""
    sequence: int
    """Of the latest change."""


class LogReading(NamedTuple):
    """What happened since a place in the change log."""

    position: LogPosition
    """Where the log stands now."""
    changed: Sequence[str] | None
    """Ids of the products that changed since; None: the log cannot tell."""


class ChangeLog(Protocol):
    """Which products changed in the index, in order, so that cached results know what to look at again.

    Bounded: it forgets the oldest changes, and says so by the floor. A log that lost everything goes on with numbers
    that it never gave before.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def append(self, product_ids: Sequence[str]) -> None:
        """Note that these products changed; called after the write is durable."""
        ...

    async def position(self) -> int:
        """The sequence number of the latest change."""
        ...

    async def since(self, position: int) -> tuple[int, list[str]] | None:
        """(latest position, products changed after `position`); None when the log no longer reaches back so far."""
        ...

    async def read(self, after: LogPosition | None) -> LogReading:
        """What happened after a place where the log stood. One call at a time.

        Args:
            after: as the last call gave it; None: at the first, of which no change is told.
        """
        ...

    async def aclose(self) -> None:
        """Give back what `read` holds; the next one takes it again."""
        ...


class ToldLag(Struct, frozen=True, array_like=True):
    """What waits on a partition of events, as the worker that has it says."""

    messages: int
    """How many of its messages are not acknowledged."""
    since_ms: int | None
    """When Kafka took the oldest of them, Unix milliseconds; None: not known, or none waits."""
    partitions: int
    """How many partitions the topic has."""


class LagBoard(Protocol):
    """What waits on each partition, told by the workers of one consumer group to whoever wants to know.

    What is told is forgotten within seconds, so that nobody takes a dead worker's word; a partition's new worker
    writes over what the last one told. Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def tell(self, lag: Mapping[tuple[str, int], ToldLag]) -> None:
        """Tell what waits, by topic and partition."""
        ...

    async def read(self, partitions: Sequence[tuple[str, int]]) -> list[ToldLag | None]:
        """What was told last of each of these; None: nothing of late."""
        ...
