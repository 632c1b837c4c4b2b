"""Lag and index age, asked of a real Kafka."""

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from indexer.ports.changes import ToldLag
from indexer.redis.lag_board import InMemoryLagBoard
from streams.config import KafkaConfig
from streams.errors import KafkaUnavailable
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event, Product
from streams.kafka.index_age import IndexAge
from streams.kafka.lag import LagProbe
from streams.kafka.producer import EventPublisher
from streams.topics import ensure_topics


async def commit_everything(servers: str, group: str) -> None:
    """Commit the end of every partition, as a worker that has done all its work."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=group, enable_auto_commit=False)
    await consumer.start()
    partitions = [TopicPartition(PRODUCT_EVENTS, n) for n in range(KafkaConfig().partitions)]
    consumer.assign(partitions)
    await consumer.commit(await consumer.end_offsets(partitions))
    await consumer.stop()


async def publish(servers: str, count: int) -> None:
    async with EventPublisher(KafkaConfig(servers)) as publisher:
        for n in range(count):
            event = Event(f"lag-{n}", "test", "product.created", 1, Product(f"lag-{n}", title="x"))
            await publisher.publish(PRODUCT_EVENTS, event)


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_lag_is_what_was_published_and_not_committed(kafka_servers):
    group = uuid.uuid4().hex
    await ensure_topics(KafkaConfig(bootstrap_servers=kafka_servers))
    await commit_everything(kafka_servers, group)
    await publish(kafka_servers, 5)
    async with LagProbe(KafkaConfig(kafka_servers), group) as probe:
        assert sum(partition.messages for partition in await probe.lag(PRODUCT_EVENTS, "no.such.topic")) == 5
        await commit_everything(kafka_servers, group)
        assert sum(partition.messages for partition in await probe.lag(PRODUCT_EVENTS)) == 0


async def test_the_index_is_as_old_as_the_oldest_waiting_event(kafka_servers):
    group = uuid.uuid4().hex
    await ensure_topics(KafkaConfig(bootstrap_servers=kafka_servers))
    await commit_everything(kafka_servers, group)
    age = IndexAge(KafkaConfig(kafka_servers), group, InMemoryLagBoard(), interval_s=0.02, ask_s=0.02)
    assert age.age_ms() is None
    watching = asyncio.create_task(age.run())
    await until(lambda: age.age_ms() == 0)
    await publish(kafka_servers, 2)
    await until(lambda: (age.age_ms() or 0) > 100)
    await commit_everything(kafka_servers, group)
    await until(lambda: age.age_ms() == 0)
    watching.cancel()


async def test_kafka_is_asked_where_no_worker_speaks_and_only_then(kafka_servers):
    group, board = uuid.uuid4().hex, InMemoryLagBoard()
    await ensure_topics(KafkaConfig(bootstrap_servers=kafka_servers))
    await commit_everything(kafka_servers, group)
    count = KafkaConfig().partitions
    partitions = [(topic, number) for topic in (PRODUCT_EVENTS, USER_EVENTS) for number in range(count)]
    age = IndexAge(KafkaConfig(kafka_servers), group, board, interval_s=0.02, ask_s=0.02)
    watching = asyncio.create_task(age.run())
    async with asyncio.timeout(20):
        while (age.age_ms() or 0) < 3_600_000:
            # What no Kafka knows of: the workers' word counts.
            await board.tell({partition: ToldLag(2, 1_000, count) for partition in partitions})
            await asyncio.sleep(0.01)
    assert age.lag() == {PRODUCT_EVENTS: 2 * count, USER_EVENTS: 2 * count}
    # They fall silent.
    await until(lambda: age.age_ms() == 0)
    watching.cancel()


async def test_a_kafka_that_is_away_is_unavailable():
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1"):
        async with LagProbe(KafkaConfig("127.0.0.1:1"), "group"):
            pass
