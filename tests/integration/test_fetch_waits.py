"""Fetches of a consumer that has not taken everything yet, from a real Kafka."""

import asyncio
import uuid
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.config import KafkaConfig
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event, Product
from streams.kafka.fetch_waits import keep_partial_fetches_short
from streams.kafka.producer import EventPublisher
from streams.topics import ensure_topics

LONG_S = 60


async def test_an_event_does_not_wait_for_the_fetch_of_a_quiet_partition(kafka_servers: str) -> None:
    await ensure_topics(KafkaConfig(kafka_servers))
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=kafka_servers, fetch_max_wait_ms=LONG_S * 1000)
    await consumer.start()
    keep_partial_fetches_short(consumer)
    busy, quiet = ([TopicPartition(topic, n) for n in range(6)] for topic in (PRODUCT_EVENTS, USER_EVENTS))
    consumer.assign([*busy, *quiet])
    await consumer.seek_to_end()
    async with EventPublisher(KafkaConfig(kafka_servers)) as publisher, asyncio.timeout(LONG_S / 2):
        product_id = uuid.uuid4().hex
        for n in range(2):
            event = Event(f"{product_id}-{n}", "test", "product.created", 1, Product(product_id, title="x"))
            await publisher.publish(PRODUCT_EVENTS, event)
            await _until_others_are_fetched(consumer)
            while b"%s-%d" % (product_id.encode(), n) not in ((await consumer.getone()).value or b""):
                pass
    await consumer.stop()


async def _until_others_are_fetched(consumer: Any) -> None:
    """Until what was published is here, not taken, and the other partitions are asked for."""
    fetcher: Any = consumer._fetcher
    while not (fetcher._records and fetcher._in_flight):
        await asyncio.sleep(0.01)
