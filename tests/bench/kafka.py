"""Kafka as the benchmarks use it: backlogs, steady streams, where a group stands, and when events became durable."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streams.config import KafkaConfig
from streams.events.schema import INDEX_CHANGES, IndexChange
from streams.kafka.lag import LagProbe
from tests.bench.catalogue import Outgoing

POLL_S = 0.2
_records = msgspec.json.Decoder(IndexChange)

Offsets = dict[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Broker:
    """A Kafka, and how many partitions its topics have."""

    servers: str
    partitions: int

    async def publish(self, messages: Iterable[Outgoing]) -> int:
        """Publish as fast as Kafka takes them; returns how many they were."""
        async with self._producer() as producer:
            sent = [await producer.send(message.topic, message.value, message.key) for message in messages]
            await asyncio.gather(*sent)
        return len(sent)

    async def publish_steadily(self, messages: Sequence[Outgoing], rate: float, published: dict[str, float]) -> None:
        """Publish so many messages a second, noting when each was published, Unix ms, by event id."""
        async with self._producer() as producer:
            began = time.perf_counter()
            for number, message in enumerate(messages):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                published[message.event_id] = time.time() * 1000
                await producer.send(message.topic, message.value, message.key)
            await producer.flush()

    async def publish_without_end(self, messages: Iterator[Outgoing], rate: float, burst_s: float = 0.0) -> None:
        """Publish so many messages a second until it is cancelled; each is taken just before, in bursts of so long."""
        async with self._producer() as producer:
            due = time.perf_counter()
            for message in messages:
                await producer.send(message.topic, message.value, message.key)
                due += 1 / rate
                ahead_s = due - time.perf_counter()
                if ahead_s >= burst_s or ahead_s < 0:
                    await asyncio.sleep(max(0.0, ahead_s))

    async def skip_to_end(self, group: str, topic: str) -> None:
        """Have a group that has no members start at the end of a topic."""
        async with self._consumer(group) as consumer:
            ends = await self._ends(consumer, topic)
            consumer.assign(list(ends))
            await consumer.commit({where: OffsetAndMetadata(offset, "") for where, offset in ends.items()})

    async def ends(self, topic: str) -> Offsets:
        """Where a topic ends now."""
        async with self._consumer() as consumer:
            return await self._ends(consumer, topic)

    async def until_committed(self, group: str, topic: str, deadline_s: float) -> None:
        """Wait until a group has committed all of a topic. Raises `TimeoutError`."""
        async with asyncio.timeout(deadline_s), LagProbe(KafkaConfig(self.servers), group) as probe:
            while any(partition.messages for partition in await probe.lag(topic)):
                await asyncio.sleep(POLL_S)

    async def durable_times(self, since: Offsets) -> dict[str, float]:
        """When each event's effect was durable, Unix ms, as `index-changes` tells since some offsets."""
        records = [_records.decode(value) for value in await self.read(INDEX_CHANGES, since)]
        return {event_id: float(record.indexed_at_ms) for record in records for event_id in record.event_ids}

    async def read(self, topic: str, since: Offsets) -> list[bytes]:
        """All values of a topic from some offsets on, up to its end now."""
        values: list[bytes] = []
        async with self._consumer() as consumer:
            left = {where: end for where, end in (await self._ends(consumer, topic)).items() if end > since[where]}
            consumer.assign(list(left))
            for where in left:
                consumer.seek(where, since[where])
            while left:
                for where, messages in (await consumer.getmany(timeout_ms=200)).items():
                    values += [message.value or b"" for message in messages]
                    if messages[-1].offset + 1 >= left.get(where, 0):
                        left.pop(where, None)
        return values

    async def follow(self, topic: str, since: Offsets) -> AsyncIterator[bytes]:
        """All values of a topic from some offsets on, as they come; never ends by itself."""
        async with self._consumer() as consumer:
            consumer.assign(list(since))
            for where, offset in since.items():
                consumer.seek(where, offset)
            while True:
                for messages in (await consumer.getmany(timeout_ms=200)).values():
                    for message in messages:
                        yield message.value or b""

    async def _ends(self, consumer: AIOKafkaConsumer, topic: str) -> Offsets:
        return await consumer.end_offsets([TopicPartition(topic, number) for number in range(self.partitions)])

    @asynccontextmanager
    async def _consumer(self, group: str | None = None) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.servers, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(bootstrap_servers=self.servers, max_batch_size=1 << 20, linger_ms=5, acks="all")
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()
