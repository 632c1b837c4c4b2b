"""A worker tells what waits on its partitions, so that nobody has to ask Kafka for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from encoders.liveness.progress import Pulse
from indexer.errors import StoreUnavailable
from indexer.ports.changes import LagBoard, ToldLag
from streams.delivery.messages import Partition
from streams.kafka.lag import PartitionLag

INTERVAL_S = 0.25
"""How soon a change is told."""
REPEAT_S = 1.0
"""How often the same is told again: what is old is forgotten."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeldPartition:
    """What a consumer knows of a partition that it has, without asking Kafka."""

    acknowledged: int | None
    """The offset after the last that was acknowledged; None: none was yet."""
    end_offset: int | None
    """Where the partition ended when it was last read; None: it was not yet."""
    oldest_ms: int | None
    """When Kafka took the oldest message that is in hand and not acknowledged, Unix milliseconds; None: none is."""


class Holder(Protocol):
    """A consumer of partitions."""

    def held(self) -> Mapping[Partition, HeldPartition]:
        """Its partitions; none while it cannot be sure that they are its own."""
        ...


class LagReporter:
    """Tells what waits on the partitions that a consumer has.

    What is in hand says since when it waits. What waits in Kafka alone has come after the last time that nothing
    waited, or after what was in hand before it; as that is at most an interval ago, it is taken for its time. Of a
    partition of which neither is known yet, nothing is told.
    """

    def __init__(
        self,
        holder: Holder,
        asked: Callable[[], Sequence[PartitionLag]],
        board: LagBoard,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Set up.

        Args:
            holder: of the partitions.
            asked: where the group stands on all partitions, as Kafka said some seconds ago; none while it is away.
            board: where it is told.
            clock: Unix seconds.
        """
        self._holder = holder
        self._asked = asked
        self._board = board
        self._clock = clock
        self._last_asked: Sequence[PartitionLag] = ()
        self._positions: dict[Partition, PartitionLag] = {}
        self._counts: Counter[str] = Counter()
        """How many partitions each topic has."""
        self._since_ms: dict[Partition, int] = {}
        """Of each partition held, a time before which nothing of what waits has come, as late as is known."""

    async def run(self, pulse: Pulse | None = None) -> None:
        """Tell until cancelled; while the board is away, nobody hears of it."""
        told: Mapping[Partition, ToldLag] = {}
        told_at = float("-inf")
        with (pulse or Pulse("lag reporter", float("inf"))).busy("tell what waits") as work:
            while True:
                work.beat()
                lag, now = self.lag(), time.monotonic()
                if lag and (lag != told or now - told_at >= REPEAT_S):
                    try:
                        await self._board.tell(lag)
                        told, told_at = lag, now
                    except StoreUnavailable as error:
                        log.debug("lag_not_told", extra={"error": str(error)[:300]})
                await asyncio.sleep(INTERVAL_S)

    def lag(self) -> dict[Partition, ToldLag]:
        """What waits on each partition of which that is known."""
        held, asked = self._holder.held(), self._asked()
        if asked is not self._last_asked:
            self._last_asked = asked
            self._positions = {(partition_lag.topic, partition_lag.partition): partition_lag for partition_lag in asked}
            self._counts = Counter(partition_lag.topic for partition_lag in asked)
        self._since_ms = {partition: since for partition, since in self._since_ms.items() if partition in held}
        return {
            partition: told
            for partition, held_partition in held.items()
            if (position := self._positions.get(partition))
            and (told := self._told(partition, held_partition, position))
        }

    def _told(self, partition: Partition, held: HeldPartition, asked: PartitionLag) -> ToldLag | None:
        # Either is as of some time ago, and neither goes back.
        next_offset = max(held.acknowledged or 0, asked.next_offset)
        messages = max(held.end_offset or 0, asked.end_offset) - next_offset
        if held.oldest_ms is not None:
            self._since_ms[partition] = held.oldest_ms
        elif messages <= 0:
            self._since_ms[partition] = int(self._clock() * 1000)
            return ToldLag(0, None, self._counts[partition[0]])
        since_ms = self._since_ms.get(partition)
        return None if since_ms is None else ToldLag(max(messages, 1), since_ms, self._counts[partition[0]])
