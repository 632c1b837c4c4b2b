"""The relay of the delay lines over a real Kafka."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.config import KafkaConfig
from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage, Publisher
from streams.delivery.retry_headers import origin_from_headers
from streams.errors import PublishFailed
from streams.events.schema import DEAD_LETTER, PRODUCT_EVENTS
from streams.failures.delay_lines import DelayLine, next_retry
from streams.failures.retry_relay import RetryRelay
from streams.kafka.producer import EventPublisher
from streams.topics import ensure_topics

SHORT_S, LONG_S = 0.3, 0.8
DEADLINE_S = 60
PARTITIONS = 3


class KafkaPublisher:
    """`Publisher` over a producer of its own."""

    def __init__(self, producer: EventPublisher) -> None:
        self.producer = producer
        self.published = 0

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish all, in order per key."""
        await self.producer.wait_delivered([await self.producer.send_raw(message, "a message") for message in messages])
        self.published += len(messages)


@dataclass
class Lines:
    """Delay lines of a test's own, and what comes back from them."""

    servers: str
    config: KafkaConfig
    lines: tuple[DelayLine, DelayLine]
    group: str
    publisher: KafkaPublisher
    consumer: AIOKafkaConsumer
    prefix: str

    def message(self, number: int, tried: int = 0, partition: int = 0) -> Message:
        """An event about one of ten products, as it is when it has been tried so often."""
        headers = {"own": b"1"} | ({"vitrine_attempt": str(tried).encode()} if tried else {})
        key = f"{self.prefix}-{number % 10}".encode()
        return Message(PRODUCT_EVENTS, partition, number, 1_234, key, b"%d" % number, headers, lambda: None)

    async def put(self, *messages: Message) -> None:
        """Put messages on the line of their next attempt."""
        again = [next_retry(message, lines=self.lines) for message in messages]
        await self.publisher.publish([one for one in again if one])

    def relay(self, publisher: Publisher | None = None) -> RetryRelay:
        return RetryRelay(self.config, self.group, publisher or self.publisher, self.lines)

    @asynccontextmanager
    async def relaying(self, *relays: RetryRelay) -> AsyncIterator[None]:
        """Relays at work."""
        tasks = [asyncio.create_task(one.run()) for one in relays or [self.relay()]]
        try:
            yield
            assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def back(self, until: Callable[[list[ConsumerRecord]], bool]) -> list[ConsumerRecord]:
        """What has come back, once it is so much."""
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(DEADLINE_S):
            while not until(found):
                for records in (await self.consumer.getmany(timeout_ms=100)).values():
                    found += [record for record in records if (record.key or b"").startswith(self.prefix.encode())]
        return found

    async def committed(self) -> None:
        """Return when nothing is on the lines that is not committed."""
        async with asyncio.timeout(DEADLINE_S):
            while await self._waiting():
                await asyncio.sleep(0.05)

    async def _waiting(self) -> int:
        probe = AIOKafkaConsumer(bootstrap_servers=self.servers, group_id=f"{self.group}-retries")
        await probe.start()
        try:
            parts = [TopicPartition(line.topic, number) for line in self.lines for number in range(PARTITIONS)]
            ends = await probe.end_offsets(parts)
            return sum(ends.values()) - sum([await probe.committed(part) or 0 for part in parts])
        finally:
            await probe.stop()


@pytest.fixture
async def lines(kafka_servers: str) -> AsyncIterator[Lines]:
    name = uuid.uuid4().hex
    tiers = (DelayLine(f"retry.{name}.short", SHORT_S), DelayLine(f"retry.{name}.long", LONG_S))
    config = KafkaConfig(kafka_servers, partitions=PARTITIONS, session_timeout_s=6, heartbeat_s=0.5)
    await ensure_topics(config, tiers)
    consumer = AIOKafkaConsumer(PRODUCT_EVENTS, DEAD_LETTER, bootstrap_servers=kafka_servers, fetch_max_wait_ms=50)
    await consumer.start()
    await consumer.seek_to_end()
    async with EventPublisher(KafkaConfig(kafka_servers)) as producer:
        yield Lines(kafka_servers, config, tiers, name, KafkaPublisher(producer), consumer, name)
    await consumer.stop()


class Faulty:
    """A publisher that does something else, at first."""

    def __init__(self, publisher: Publisher, *first: Callable[[], Awaitable[object]], after: bool = False) -> None:
        self._publisher = publisher
        self._first = list(first)
        self._after = after

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish all, and the other thing before or after it."""
        fault = self._first.pop(0) if self._first else None
        if fault and not self._after:
            await fault()
        await self._publisher.publish(messages)
        if fault:
            await fault()


def numbers(found: Sequence[ConsumerRecord]) -> list[int]:
    return [int(message.value or b"") for message in found]


def count(number: int) -> Callable[[list[ConsumerRecord]], bool]:
    """Whether so many different messages are there."""
    return lambda found: len(set(numbers(found))) >= number


async def test_messages_come_back_when_they_are_due_to_where_they_came_from(lines: Lines):
    async with lines.relaying():
        await lines.put(lines.message(0))
        await lines.back(count(1))
        put_at = time.time()
        await lines.put(*(lines.message(one, tried=one % 2, partition=one % 3) for one in range(6)))
        found = await lines.back(count(6))
    for message in found:
        (number,) = numbers([message])
        delay_s = LONG_S if number % 2 else SHORT_S
        assert delay_s - 0.01 <= message.timestamp / 1000 - put_at <= delay_s + 0.5
        headers = dict(message.headers)
        assert headers["own"] == b"1"
        assert headers["vitrine_attempt"] == (b"2" if number % 2 else b"1")
        first = origin_from_headers(headers)
        assert first and (first.partition, first.offset, first.timestamp_ms) == (message.partition, number, 1_234)
    assert len(found) == 6


async def test_many_keep_their_order_and_all_are_committed(lines: Lines):
    await lines.put(*(lines.message(number) for number in range(3_000)))
    async with lines.relaying():
        found = await lines.back(count(3_000))
        await lines.committed()
    assert len(found) == 3_000
    for key in {message.key for message in found}:
        of_product = numbers([message for message in found if message.key == key])
        assert of_product == sorted(of_product)


async def test_what_a_relay_published_and_did_not_commit_is_published_again_and_nothing_is_lost(lines: Lines):
    published = asyncio.Event()

    async def die() -> None:
        published.set()
        await asyncio.Event().wait()

    await lines.put(*(lines.message(number) for number in range(300)))
    async with lines.relaying(lines.relay(Faulty(lines.publisher, die, after=True))):
        await asyncio.wait_for(published.wait(), DEADLINE_S)
    repeated = lines.publisher.published - 300
    assert repeated > 0
    async with lines.relaying():
        found = await lines.back(count(300))
        await lines.committed()
    assert set(numbers(found)) == set(range(300))
    assert len(found) <= 300 + repeated


async def test_relays_share_the_lines_and_take_over_from_each_other(lines: Lines):
    first, second = KafkaPublisher(lines.publisher.producer), KafkaPublisher(lines.publisher.producer)
    async with lines.relaying(lines.relay(second)):
        async with lines.relaying(lines.relay(first)):
            sent = 0
            async with asyncio.timeout(DEADLINE_S):
                while not (first.published and second.published):
                    await lines.put(*(lines.message(sent + number, tried=number % 2) for number in range(20)))
                    sent += 20
                    await asyncio.sleep(0.1)
            before = second.published
        found = await lines.back(count(sent))
        await lines.committed()
    assert second.published > before
    assert {*numbers(found)} == {*range(sent)}


@pytest.mark.parametrize("fault", [PublishFailed("Kafka is away", 0.01), RuntimeError("a fault of the program")])
async def test_a_fault_holds_messages_back_and_loses_none(lines: Lines, fault: Exception):
    async def fail() -> None:
        raise fault

    await lines.put(*(lines.message(number) for number in range(50)))
    async with lines.relaying(lines.relay(Faulty(lines.publisher, fail, fail))):
        found = await lines.back(count(50))
        await lines.committed()
    assert sorted(numbers(found)) == list(range(50))


async def test_a_stray_message_is_a_dead_letter_and_holds_nobody_up(lines: Lines):
    stray = lines.message(0)
    await lines.publisher.publish([OutgoingMessage(lines.lines[0].topic, stray.key, stray.value)])
    await lines.put(lines.message(1))
    async with lines.relaying():
        found = await lines.back(count(2))
    assert {message.topic: int(message.value or b"") for message in found} == {DEAD_LETTER: 0, PRODUCT_EVENTS: 1}
