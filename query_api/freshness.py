"""How old the index is: the wait of the oldest product event that is not yet searchable."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)


class FreshnessProbe:
    """Watches a consumer group's lag on a topic. Committed offsets tell what is searchable, Kafka's clock since when.

    `age_ms` is as exact as the group's commit interval plus `interval_s`; it is None while Kafka cannot be asked.
    """

    def __init__(self, bootstrap_servers: str, topic: str, group: str, interval_s: float = 0.25) -> None:
        self._servers = bootstrap_servers
        self._topic = topic
        self._group = group
        self._interval_s = interval_s
        self._waiting_since_ms: int | None = None
        self._known = False
        self._timestamps: dict[tuple[TopicPartition, int], int] = {}

    def age_ms(self) -> int | None:
        """How long the oldest unsearchable event has waited, 0 when none waits, None when that is not known."""
        if not self._known:
            return None
        return 0 if self._waiting_since_ms is None else max(0, int(time.time() * 1000) - self._waiting_since_ms)

    async def run(self) -> None:
        """Watch until cancelled; reconnects for ever."""
        while True:
            with suppress(KafkaError, TimeoutError, OSError):
                await self._watch()
            self._known = False
            await asyncio.sleep(1)

    async def _watch(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers, enable_auto_commit=False, request_timeout_ms=5_000, fetch_max_wait_ms=100
        )
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers, request_timeout_ms=5_000)
        try:
            async with asyncio.timeout(10):
                await consumer.start()
                await admin.start()
            while True:
                async with asyncio.timeout(10):
                    await self._look(consumer, admin)
                await asyncio.sleep(self._interval_s)
        finally:
            await admin.close()
            await consumer.stop()

    async def _look(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        partitions = [TopicPartition(self._topic, one) for one in consumer.partitions_for_topic(self._topic) or ()]
        if not partitions:
            await consumer._client.force_metadata_update()  # pyright: ignore[reportPrivateUsage]
            return
        committed = await admin.list_consumer_group_offsets(self._group, partitions=partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        lagging = {
            one: max(committed[one].offset, starts[one])
            for one in partitions
            if max(committed[one].offset, starts[one]) < ends[one]
        }
        self._waiting_since_ms = min([await self._timestamp(consumer, *item) for item in lagging.items()], default=None)
        self._known = True

    async def _timestamp(self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> int:
        """Kafka's timestamp of a message; each one is fetched once."""
        if (partition, offset) not in self._timestamps:
            consumer.assign([partition])
            consumer.seek(partition, offset)
            message = await consumer.getone(partition)
            self._timestamps = {key: at for key, at in self._timestamps.items() if key[0] != partition}
            self._timestamps[partition, offset] = message.timestamp
        return self._timestamps[partition, offset]
