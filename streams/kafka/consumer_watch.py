"""Watches, from beside it, whether the consumer does what it is there for: fetches, commits, keeps its place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from encoders.liveness.progress import Activity, Pulse
from encoders.liveness.vitals import Complaint, Outages
from streams.delivery.messages import Partition
from streams.errors import KafkaUnavailable
from streams.kafka.lag import LagProbe, PartitionLag

CHECK_INTERVAL_S = 2.0
POSITIONS_DEADLINE_S = 5.0
PART = "consumer"
REBALANCE_FACTOR = 2.0
"""A worker without a place in its group is not alive after so many times the bound: the group may be waiting for a
member that finishes its work, or for one that is gone."""


class Consumer(Protocol):
    """What can be asked of a consumer."""

    @property
    def joined(self) -> bool:
        """Whether it has a place in the group, if with no partition."""
        ...

    @property
    def is_confirmed(self) -> bool:
        """Whether Kafka has confirmed a heartbeat within the session timeout."""
        ...

    @property
    def acknowledged(self) -> Mapping[Partition, int]:
        """The next offset to commit of each of its partitions that it has finished events of."""
        ...

    def holds_events(self) -> bool:
        """Whether it has events in hand; it may wait with fetching more then."""
        ...

    async def positions(self) -> Mapping[Partition, int | None]:
        """The next offset to fetch of each of its partitions."""
        ...


class ConsumerWatch:
    """Compares what Kafka has with what the consumer does about it.

    Time counts while Kafka answers: a consumer without a broker is not stuck. What the consumer has in hand is for
    others to judge, who know whether it makes progress.
    """

    def __init__(
        self,
        probe: LagProbe,
        consumer: Consumer,
        topics: Sequence[str],
        outages: Outages,
        deadline_s: float = POSITIONS_DEADLINE_S,
    ) -> None:
        """Args: deadline_s: the longest that the consumer may take to say where it stands."""
        self._deadline_s = deadline_s
        self._probe = probe
        self._consumer = consumer
        self._topics = topics
        self._outages = outages
        self._since: dict[str, float] = {}
        """Since when each thing is wrong, in seconds of the outages' clock; the key says what."""
        self._fetched: dict[Partition, int | None] = {}
        self.positions: Sequence[PartitionLag] = ()
        """Where the group stands on all partitions, as Kafka said last; none while it does not answer."""

    async def run(self, pulse: Pulse) -> None:
        """Look every `CHECK_INTERVAL_S`, until cancelled. The pulse shows that it goes on looking."""
        with pulse.busy("ask Kafka") as work:
            await self._run(work)

    async def _run(self, work: Activity) -> None:
        while True:
            work.beat()
            try:
                async with self._probe as probe:
                    while True:
                        work.beat()
                        await self.check(await probe.lag(*self._topics))
                        self._outages.answered("kafka")
                        await asyncio.sleep(CHECK_INTERVAL_S)
            except KafkaUnavailable as error:
                self._since, self.positions = {}, ()
                self._outages.failed("kafka", str(error))
                await asyncio.sleep(CHECK_INTERVAL_S)

    async def check(self, waiting: Sequence[PartitionLag]) -> None:
        """Compare once with what Kafka says waits."""
        consumer = self._consumer
        self.positions = waiting
        self._note("has no place in its group", not consumer.joined)
        self._note("has no heartbeat confirmed", consumer.joined and not consumer.is_confirmed)
        try:
            async with asyncio.timeout(self._deadline_s):
                positions = await consumer.positions()
        except TimeoutError:
            self._note("does not answer", True)
            return
        self._note("does not answer", False)
        self._note_partitions(waiting, positions)

    def complaints(self, bound_s: float) -> Iterable[Complaint]:
        """What has been wrong for longer than the bound, or, of a place in the group, `REBALANCE_FACTOR` times that."""
        now = self._outages.clock()
        for what, since in self._since.items():
            factor = REBALANCE_FACTOR if "group" in what else 1
            if now - since > factor * bound_s:
                yield Complaint(PART, f"{what}, since {now - since:.0f} s")

    def _note_partitions(self, waiting: Sequence[PartitionLag], positions: Mapping[Partition, int | None]) -> None:
        ends = {(lag.topic, lag.partition): lag.end_offset for lag in waiting}
        committed = {(lag.topic, lag.partition): lag.next_offset for lag in waiting}
        idle = not self._consumer.holds_events()
        behind = [
            partition
            for partition, position in positions.items()
            if position is not None and position < ends.get(partition, 0) and position == self._fetched.get(partition)
        ]
        self._fetched = dict(positions)
        self._note("does not fetch what waits", idle and bool(behind))
        finished = self._consumer.acknowledged
        late = [part for part in positions if finished.get(part, 0) > committed.get(part, finished.get(part, 0))]
        self._note("does not commit what is finished", bool(late))

    def _note(self, what: str, is_wrong: bool) -> None:
        if is_wrong:
            self._since.setdefault(what, self._outages.clock())
        else:
            self._since.pop(what, None)
