"""A consumer that does not consume is seen by what Kafka has for it, while Kafka answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from encoders.liveness.clock import LoopClock
from encoders.liveness.vitals import Outages
from streams.delivery.messages import Partition
from streams.kafka.consumer_watch import ConsumerWatch
from streams.kafka.lag import PartitionLag

TOPIC = "catalog.product-events"
BOUND_S = 60.0


class FakeConsumer:
    """A consumer of partition 0, which stands at offset 10 and has finished as far."""

    def __init__(self) -> None:
        self.joined = True
        self.is_confirmed = True
        self.acknowledged: Mapping[Partition, int] = {(TOPIC, 0): 10}
        self.held = False
        self.position: int | None = 10
        self.hangs = False

    def holds_events(self) -> bool:
        return self.held

    async def positions(self) -> Mapping[Partition, int | None]:
        if self.hangs:
            await asyncio.Event().wait()
        return {(TOPIC, 0): self.position}


class Watched:
    def __init__(self, **settings: float) -> None:
        self.now = 1_000.0
        self.consumer = FakeConsumer()
        probe: Any = None
        self.watch = ConsumerWatch(probe, self.consumer, [TOPIC], Outages(LoopClock(lambda: self.now)), **settings)

    async def see(self, *, end: int, committed: int = 10, seconds: float = 0) -> list[str]:
        """What it complains of, having looked twice within so long."""
        lag = [PartitionLag(TOPIC, 0, committed, end), PartitionLag(TOPIC, 1, 0, 500)]
        await self.watch.check(lag)
        await self.watch.check(lag)
        self.now += seconds
        await self.watch.check(lag)
        return [complaint.reason for complaint in self.watch.complaints(BOUND_S)]


async def test_a_consumer_with_nothing_to_fetch_is_idle_and_other_workers_partitions_are_theirs():
    assert await Watched().see(end=10, seconds=10_000) == []


async def test_a_consumer_that_fetches_nothing_of_what_waits_is_stuck():
    watched = Watched()
    assert await watched.see(end=25, seconds=59) == []
    assert await watched.see(end=25, seconds=2) == ["does not fetch what waits, since 61 s"]
    watched.consumer.position = 25
    assert await watched.see(end=25) == []


async def test_markers_of_transactions_that_no_consumer_is_given_are_no_lag():
    watched = Watched()
    watched.consumer.position = 11
    assert await watched.see(end=11, committed=10, seconds=10_000) == []


async def test_a_consumer_with_events_in_hand_may_wait_with_fetching():
    watched = Watched()
    watched.consumer.held = True
    assert await watched.see(end=25, seconds=10_000) == []


async def test_finished_events_that_are_not_committed_are_seen():
    watched = Watched()
    assert await watched.see(end=10, committed=4, seconds=61) == ["does not commit what is finished, since 61 s"]


async def test_a_place_in_the_group_may_take_as_long_as_a_rebalance():
    watched = Watched()
    watched.consumer.joined = False
    assert await watched.see(end=10, seconds=61) == []
    assert await watched.see(end=10, seconds=60) == ["has no place in its group, since 121 s"]


async def test_heartbeats_that_kafka_does_not_confirm_are_seen():
    watched = Watched()
    watched.consumer.is_confirmed = False
    assert await watched.see(end=10, seconds=61) == ["has no heartbeat confirmed, since 61 s"]


async def test_a_frozen_consumer_thread_is_seen():
    watched = Watched(deadline_s=0.01)
    watched.consumer.hangs = True
    assert await watched.see(end=10, seconds=61) == ["does not answer, since 61 s"]
    watched.consumer.hangs = False
    assert await watched.see(end=10) == []
