"""Reading a topic from a point in time to its present end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from types import TracebackType

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from streams.config import KafkaConfig
from streams.delivery.messages import Message
from streams.errors import InvalidEvent, KafkaUnavailable
from streams.events.cloudevents import decode_event
from streams.events.schema import Event
from streams.kafka.connection import client_options
from streams.kafka.records import KafkaRecord, to_message
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or

DEADLINE_S = 10.0
"""To connect, and for the next messages to come."""
FETCH_WAIT_MS = 500
READ_BATCH_MESSAGES = 500
"""Messages of `read_topic` and `read_events` that are in memory at a time."""


class TopicHistory:
    """What a topic holds now; an async context manager that owns its connection.

    Joins no consumer group and commits nothing. Raises `KafkaUnavailable` when Kafka does not answer in time.
    """

    def __init__(self, kafka: KafkaConfig, topic: str, since_ms: int) -> None:
        """Args: kafka: where, and who this is; topic: its name; since_ms: Kafka's timestamp to begin with."""
        self._kafka = kafka
        self._topic = topic
        self._since_ms = since_ms
        self._starts: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> TopicHistory:
        self._consumer = AIOKafkaConsumer(
            self._topic,
            **client_options(self._kafka),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            request_timeout_ms=int(DEADLINE_S * 1000),
        )
        try:
            async with self._answering():
                await self._consumer.start()
                await self._find_bounds()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def count(self) -> int:
        """How many messages there are to read, at most."""
        return sum(end - self._starts[partition] for partition, end in self._ends.items())

    async def read(self, count: int) -> AsyncIterator[list[Message]]:
        """All messages, in lists of up to `count`, in order per partition. Can be called again when it has ended.

        A list is empty when Kafka sends nothing for half a second.

        Raises:
            KafkaUnavailable: nothing came for `DEADLINE_S`.
        """
        ahead = dict(self._ends)
        for partition, start in self._starts.items():
            self._consumer.seek(partition, start)
        last_received_s = time.monotonic()
        while await self._drop_finished(ahead):
            records = await self._fetch(ahead, count)
            if not records and time.monotonic() - last_received_s > DEADLINE_S:
                servers = self._kafka.bootstrap_servers
                raise KafkaUnavailable(f"Kafka at {servers} sent nothing of {self._topic} for {DEADLINE_S:g} s")
            yield [to_message(record) for record in records]
            if records:
                last_received_s = time.monotonic()

    async def _find_bounds(self) -> None:
        partitions = self._consumer.assignment()
        if not partitions:
            raise KafkaUnavailable(f"Kafka at {self._kafka.bootstrap_servers} knows no topic {self._topic} just now")
        begins = await self._consumer.beginning_offsets(partitions)
        self._ends = await self._consumer.end_offsets(partitions)
        first = await self._consumer.offsets_for_times(dict.fromkeys(partitions, max(0, self._since_ms)))
        for partition, end in self._ends.items():
            start = first.get(partition)
            self._starts[partition] = max(begins[partition], start.offset) if start else end

    async def _drop_finished(self, ahead: dict[TopicPartition, int]) -> bool:
        """Take out the partitions that are read to their end; whether any are left."""
        async with self._answering():
            for partition in [
                partition for partition, end in ahead.items() if await self._consumer.position(partition) >= end
            ]:
                del ahead[partition]
        return bool(ahead)

    async def _fetch(self, ahead: dict[TopicPartition, int], count: int) -> list[KafkaRecord]:
        async with self._answering():
            fetched = await self._consumer.getmany(*ahead, timeout_ms=FETCH_WAIT_MS, max_records=count)
        return [
            record for partition, records in fetched.items() for record in records if record.offset < ahead[partition]
        ]

    async def _stop(self) -> None:
        # Nothing was committed, so a stop that fails loses nothing.
        with suppress(KafkaUnavailable):
            async with self._answering():
                await self._consumer.stop()

    @asynccontextmanager
    async def _answering(self) -> AsyncGenerator[None, None]:
        try:
            async with asyncio.timeout(DEADLINE_S):
                yield
        except CLIENT_ERRORS as error:
            unanswered = KafkaUnavailable(f"Kafka at {self._kafka.bootstrap_servers} does not answer: {error!r}")
            raise await refusal_or(self._kafka, error, unanswered) from error


async def read_topic(kafka: KafkaConfig, topic: str, *, missing_ok: bool = False) -> AsyncGenerator[Message, None]:
    """All messages that a topic holds now, in order per partition.

    Args:
        kafka: where it is, and who asks.
        topic: its name.
        missing_ok: a topic that does not exist holds nothing, instead of raising.

    Raises:
        KafkaUnavailable: Kafka does not answer in time.
    """
    try:
        async with TopicHistory(kafka, topic, since_ms=0) as history:
            async for batch in history.read(READ_BATCH_MESSAGES):
                for message in batch:
                    yield message
    except KafkaUnavailable as error:
        if not (missing_ok and isinstance(error.__cause__, UnknownTopicOrPartitionError)):
            raise


async def read_events(kafka: KafkaConfig, topic: str) -> AsyncGenerator[Event, None]:
    """All events that a topic holds now, in order per partition.

    Messages that cannot be decoded are left out: the indexing workers made dead letters of them. Raises
    `KafkaUnavailable` when Kafka does not answer in time.
    """
    async with aclosing(read_topic(kafka, topic)) as messages:
        async for message in messages:
            try:
                event = decode_event(topic, message.value, message.headers, message.timestamp_ms)
            except (InvalidEvent, OverflowError, ValueError):
                continue
            yield event
