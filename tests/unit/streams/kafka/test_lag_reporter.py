"""What a worker tells of the events that wait for it."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.ports.changes import ToldLag
from indexer.redis.lag_board import InMemoryLagBoard
from streams.delivery.messages import Partition
from streams.kafka.lag import PartitionLag
from streams.kafka.lag_reporter import HeldPartition, LagReporter

TOPIC = "catalog.product-events"
FIRST, SECOND = (TOPIC, 0), (TOPIC, 1)


class Worker:
    """A worker that has the first of two partitions."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.holding: dict[Partition, HeldPartition] = {FIRST: HeldPartition(None, None, None)}
        self.asked = [PartitionLag(TOPIC, 0, 10, 10), PartitionLag(TOPIC, 1, 0, 500)]
        self.reporter = LagReporter(self, lambda: self.asked, InMemoryLagBoard(), lambda: self.now)

    def held(self) -> Mapping[Partition, HeldPartition]:
        return self.holding

    def tells(self, acknowledged: int | None, end: int | None, oldest_ms: int | None) -> ToldLag | None:
        self.holding = {FIRST: HeldPartition(acknowledged, end, oldest_ms)}
        assert SECOND not in self.reporter.lag()
        return self.reporter.lag().get(FIRST)


def test_nothing_waits_where_all_is_acknowledged_before_kafka_says_so():
    worker = Worker()
    assert worker.tells(None, None, None) == ToldLag(0, None, 2)
    assert worker.tells(15, 15, None) == ToldLag(0, None, 2)


def test_the_oldest_event_in_hand_says_since_when_it_waits():
    assert Worker().tells(12, 20, 900_000) == ToldLag(8, 900_000, 2)


def test_what_waits_in_kafka_alone_has_come_after_the_last_that_was_known():
    worker = Worker()
    worker.tells(10, 10, None)
    worker.now = 2_000.0
    assert worker.tells(10, 13, None) == ToldLag(3, 1_000_000, 2)
    assert worker.tells(10, 13, 1_999_000) == ToldLag(3, 1_999_000, 2)
    assert worker.tells(12, 13, None) == ToldLag(1, 1_999_000, 2)


def test_of_a_backlog_that_was_not_seen_yet_nothing_is_told():
    worker = Worker()
    worker.asked = [PartitionLag(TOPIC, 0, 10, 500), PartitionLag(TOPIC, 1, 0, 500)]
    assert worker.tells(None, None, None) is None
    assert worker.tells(None, 500, 3_000) == ToldLag(490, 3_000, 2)


def test_nothing_is_told_of_partitions_that_are_lost_or_while_kafka_is_away():
    worker = Worker()
    worker.tells(10, 13, 900_000)
    worker.holding = {}
    assert worker.reporter.lag() == {}
    # They come back with another backlog: what was known of them before says nothing.
    assert worker.tells(10, 13, None) is None
    worker.asked = []
    assert worker.tells(10, 13, 900_000) is None
