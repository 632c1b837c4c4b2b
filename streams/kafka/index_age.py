"""How old the index is: the wait of the oldest product event that is not yet searchable."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from encoders.liveness.progress import Pulse, Work
from streams.config import KafkaConfig
from streams.errors import KafkaRefused, KafkaUnavailable
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.lag import LagProbe, PartitionLag

log = logging.getLogger(__name__)


class IndexAge:
    """Watches the indexing group's lag in the background.

    What is committed is searchable; for the rest, Kafka's timestamps tell since when it waits. Exact to the group's
    commit interval plus `interval_s`.
    """

    def __init__(self, kafka: KafkaConfig, group: str, interval_s: float = 0.25) -> None:
        self._probe = LagProbe(kafka, group)
        self._interval_s = interval_s
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

    async def _run(self, work: Work) -> None:
        while True:
            work.beat()
            try:
                async with self._probe as probe:
                    while True:
                        work.beat()
                        await self._update(probe, await probe.lag(PRODUCT_EVENTS, USER_EVENTS))
                        await asyncio.sleep(self._interval_s)
            except KafkaUnavailable as error:
                self._known = False
                refused = isinstance(error, KafkaRefused)
                level, wait_s = (logging.ERROR, error.retry_after_s) if refused else (logging.WARNING, 1)
                log.log(level, "index_age_unknown", extra={"error": str(error)[:600]})
                await asyncio.sleep(wait_s)

    async def _update(self, probe: LagProbe, partitions: Sequence[PartitionLag]) -> None:
        waiting = [lag for lag in partitions if lag.messages and lag.topic == PRODUCT_EVENTS]
        self._lag = {
            topic: sum(lag.messages for lag in partitions if lag.topic == topic)
            for topic in (PRODUCT_EVENTS, USER_EVENTS)
        }
        since_ms = [await self._timestamp(probe, lag) for lag in waiting]
        self._waiting_since_ms, self._known = min(since_ms, default=None), True

    async def _timestamp(self, probe: LagProbe, waiting: PartitionLag) -> int:
        known = self._timestamps.get(waiting.partition)
        if known is None or known[0] != waiting.next_offset:
            timestamp_ms = await probe.timestamp_ms(waiting.topic, waiting.partition, waiting.next_offset)
            self._timestamps[waiting.partition] = known = (waiting.next_offset, timestamp_ms)
        return known[1]
