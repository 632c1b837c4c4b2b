"""How old the index is: the wait of the oldest product event that is not yet searchable."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence

from encoders.liveness.progress import Activity, Pulse
from indexer.errors import StoreUnavailable
from indexer.ports.changes import LagBoard, ToldLag
from streams.config import KafkaConfig
from streams.delivery.messages import Partition
from streams.errors import KafkaRefused, KafkaUnavailable
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.lag import LagProbe, PartitionLag

TOPICS: Sequence[str] = (PRODUCT_EVENTS, USER_EVENTS)

log = logging.getLogger(__name__)


class IndexAge:
    """Watches the indexing group's lag in the background.

    Each worker tells what waits on its partitions. While nobody speaks for one of them, because its worker is gone or
    the board is away, Kafka is asked: what is committed is searchable, and for the rest Kafka's timestamps tell since
    when it waits. Exact to `interval_s` and a quarter of a second by what workers tell, and to the commit interval plus
    `ask_s` by Kafka.
    """

    def __init__(
        self, kafka: KafkaConfig, group: str, board: LagBoard, interval_s: float = 0.5, ask_s: float = 1.0
    ) -> None:
        """Set up.

        Args:
            kafka: where the events are.
            group: of the workers.
            board: on which they tell their lag.
            interval_s: how often that is read.
            ask_s: how often Kafka is asked while it has to be.
        """
        self._probe = LagProbe(kafka, group)
        self._board = board
        self._interval_s = interval_s
        self._ask_s = ask_s
        self._partitions = dict.fromkeys(TOPICS, 1)
        """How many each topic has, as was last told."""
        self._waiting_since_ms: int | None = None
        self._known = False
        self._lag: dict[str, int] = {}
        self._timestamps: dict[int, tuple[int, int]] = {}
        """By partition, the offset that was last asked about and its timestamp, Unix ms: each is fetched once."""

    def age_ms(self) -> int | None:
        """How long the oldest unsearchable event has waited, 0 when none waits, None while Kafka cannot be asked."""
        if not self._known:
            return None
        return 0 if self._waiting_since_ms is None else max(0, int(time.time() * 1000) - self._waiting_since_ms)

    def lag(self) -> dict[str, int] | None:
        """How many events of each topic the group has not acknowledged; None while Kafka cannot be asked."""
        return dict(self._lag) if self._known else None

    async def run(self, pulse: Pulse | None = None) -> None:
        """Watch until cancelled; when Kafka is away, try again until it is back. The pulse shows that it goes on."""
        with (pulse or Pulse("index age", float("inf"))).busy("ask Kafka") as work:
            await self._run(work)

    async def _run(self, work: Activity) -> None:
        while True:
            work.beat()
            try:
                await self._follow_workers(work)
                await self._ask_kafka(work)
            except KafkaUnavailable as error:
                self._known = False
                refused = isinstance(error, KafkaRefused)
                level, wait_s = (logging.ERROR, error.retry_after_s) if refused else (logging.WARNING, 1)
                log.log(level, "index_age_unknown", extra={"error": str(error)[:600]})
                await asyncio.sleep(wait_s)

    async def _follow_workers(self, work: Activity) -> None:
        """Follow what workers tell, until nobody speaks for a partition."""
        while await self._read_board():
            work.beat()
            await asyncio.sleep(self._interval_s)

    async def _ask_kafka(self, work: Activity) -> None:
        """Follow what Kafka says, until workers speak for all partitions."""
        async with self._probe as probe:
            while True:
                work.beat()
                await self._update_from_kafka(probe, await probe.lag(*TOPICS))
                await asyncio.sleep(self._ask_s)
                if await self._read_board():
                    return

    async def _read_board(self) -> bool:
        """Take over what workers tell; False where nobody speaks for a partition."""
        told = await self._told()
        if None in told:
            return False
        lags = [(topic, lag) for (topic, _), lag in zip(self._asked(), told, strict=True) if lag is not None]
        since_ms = (lag.since_ms for topic, lag in lags if topic == PRODUCT_EVENTS)
        self._note(((topic, lag.messages) for topic, lag in lags), [since for since in since_ms if since is not None])
        return True

    async def _told(self) -> list[ToldLag | None]:
        """What is told of each partition, of which workers say how many there are; [None] while the board is away."""
        try:
            told = await self._board.read(self._asked())
            counts = {topic: lag.partitions for (topic, _), lag in zip(self._asked(), told, strict=True) if lag}
            if counts.items() <= self._partitions.items():
                return told
            self._partitions |= counts
            return await self._board.read(self._asked())
        except StoreUnavailable:
            return [None]

    def _asked(self) -> list[Partition]:
        return [(topic, number) for topic, count in self._partitions.items() for number in range(count)]

    async def _update_from_kafka(self, probe: LagProbe, partitions: Sequence[PartitionLag]) -> None:
        waiting = [lag for lag in partitions if lag.messages and lag.topic == PRODUCT_EVENTS]
        since_ms = [await self._timestamp(probe, lag) for lag in waiting]
        # Producers may leave it at 0 or -1, which is no time.
        self._note(((lag.topic, lag.messages) for lag in partitions), [since for since in since_ms if since > 0])

    def _note(self, messages: Iterable[tuple[str, int]], since_ms: Iterable[int]) -> None:
        """Note how many messages wait, by topic, and since when each partition's oldest product event does."""
        lag = dict.fromkeys(TOPICS, 0)
        for topic, count in messages:
            lag[topic] += count
        self._lag, self._waiting_since_ms, self._known = lag, min(since_ms, default=None), True

    async def _timestamp(self, probe: LagProbe, waiting: PartitionLag) -> int:
        known = self._timestamps.get(waiting.partition)
        if known is None or known[0] != waiting.next_offset:
            timestamp_ms = await probe.timestamp_ms(waiting.topic, waiting.partition, waiting.next_offset)
            self._timestamps[waiting.partition] = known = (waiting.next_offset, timestamp_ms)
        return known[1]
