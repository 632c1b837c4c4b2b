"""A consumer group's lag: what is in Kafka and not yet committed, per partition."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.config import KafkaConfig
from streams.errors import KafkaUnavailable
from streams.kafka.connection import client_options
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or

DEADLINE_S = 10.0
"""For each question."""
PARTITIONS_KEPT_S = 10.0
"""How soon partitions are seen that were added to topics meanwhile."""


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """Where a group stands on one partition."""

    topic: str
    partition: int
    next_offset: int
    """The first message that is not committed."""
    end_offset: int

    @property
    def messages(self) -> int:
        """How many messages are waiting."""
        return max(0, self.end_offset - self.next_offset)


class LagProbe:
    """Asks Kafka for a group's lag; an async context manager that owns its connections.

    Raises `KafkaUnavailable` when Kafka does not answer within `DEADLINE_S`.
    """

    def __init__(self, kafka: KafkaConfig, group: str) -> None:
        self._kafka = kafka
        self._group = group
        self._partitions: tuple[tuple[str, ...], float, list[TopicPartition]] = (), 0.0, []
        """Those of some topics, and until when they are taken for all."""

    async def __aenter__(self) -> LagProbe:
        options = client_options(self._kafka)
        self._partitions = (), 0.0, []
        self._consumer = AIOKafkaConsumer(
            **options, enable_auto_commit=False, request_timeout_ms=5_000, fetch_max_wait_ms=100
        )
        self._admin = AIOKafkaAdminClient(**options, request_timeout_ms=5_000)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._consumer.start()
                await self._admin.start()
        except BaseException as error:
            await self._close()
            if isinstance(error, CLIENT_ERRORS):
                raise await self._failure(error) from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def lag(self, *topics: str) -> list[PartitionLag]:
        """The group's lag on each partition of the topics that exist, in the order of partitions."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._lag(topics)
        except CLIENT_ERRORS as error:
            raise await self._failure(error) from error

    async def timestamp_ms(self, topic: str, partition: int, offset: int) -> int:
        """Kafka's timestamp of one message, Unix milliseconds."""
        position = TopicPartition(topic, partition)
        try:
            async with asyncio.timeout(DEADLINE_S):
                self._consumer.assign([position])
                self._consumer.seek(position, offset)
                return (await self._consumer.getone(position)).timestamp
        except CLIENT_ERRORS as error:
            raise await self._failure(error) from error

    async def _lag(self, topics: tuple[str, ...]) -> list[PartitionLag]:
        partitions = await self._partitions_of(topics)
        if not partitions:
            return []
        committed = await self._admin.list_consumer_group_offsets(self._group, partitions=partitions)
        if len(committed) < len(partitions):
            # A coordinator that is still loading answers with an empty list, which the client accepts.
            servers = self._kafka.bootstrap_servers
            raise KafkaUnavailable(f"Kafka at {servers} does not know yet how far {self._group} is; try again")
        ends = await self._consumer.end_offsets(partitions)
        # Only of what waits may some have been removed before it was read: of an idle topic nothing more is asked.
        waiting = [partition for partition in partitions if max(committed[partition].offset, 0) < ends[partition]]
        starts = await self._consumer.beginning_offsets(waiting) if waiting else {}
        return [
            PartitionLag(*partition, max(committed[partition].offset, starts.get(partition, 0)), ends[partition])
            for partition in partitions
        ]

    async def _partitions_of(self, topics: tuple[str, ...]) -> list[TopicPartition]:
        known_topics, known_until, known = self._partitions
        if topics == known_topics and time.monotonic() < known_until:
            return known
        described = await self._admin.describe_topics(list(topics))
        partitions = [
            TopicPartition(topic["topic"], number)
            for topic in described
            for number in sorted(partition["partition"] for partition in topic["partitions"])
        ]
        if all(topic["partitions"] for topic in described):
            self._partitions = topics, time.monotonic() + PARTITIONS_KEPT_S, partitions
        return partitions

    async def _failure(self, error: BaseException) -> KafkaUnavailable:
        """What to raise for an error of a client."""
        unanswered = KafkaUnavailable(f"Kafka at {self._kafka.bootstrap_servers} does not answer: {error!r}")
        return await refusal_or(self._kafka, error, unanswered)

    async def _close(self) -> None:
        await self._admin.close()
        await self._consumer.stop()
