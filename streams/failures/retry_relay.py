"""The relay of the delay lines: publishes each message where it came from, once it is due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import takewhile
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from prometheus_client import Counter

from encoders.liveness.progress import Pulse
from streams import metrics
from streams.config import KafkaConfig
from streams.delivery.availability import OUTAGES, until_available
from streams.delivery.publisher import OutgoingMessage, Publisher
from streams.delivery.retry_headers import origin_from_headers
from streams.errors import InvalidEvent, StreamError
from streams.failures.dead_letters import build_dead_letter
from streams.failures.delay_lines import DELAY_LINES, DelayLine
from streams.kafka.connection import client_options
from streams.kafka.records import KafkaRecord, to_message
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or

POLL_S = 1.0
"""The longest that the relay waits for records before it says that it is there."""
MIN_REST_S = 0.05
"""A partition whose head is not due is paused at least so long, so that not every message takes a read of its own."""
FETCH_WAIT_MS = 500
"""A partition that is resumed waits for the fetch under way, so this bounds how late a message can be."""
EMPTY_FETCH_WAIT_MS = 1_000
"""While nothing waits to be due, at most the shortest delay: a message that comes then ends the fetch, and the next one
is over when it is due. Each fetch of empty lines costs the worker and Kafka a millisecond."""
FETCH_BYTES = 256 * 1024
"""Of a partition at a time, or one message if that is larger. What is read and not due is dropped and read again."""
MAX_RECORDS = 1_000
METADATA_AGE_MS = 30_000
"""How soon a line is seen that was created after the relay started."""
SETTLE_S = 5.0
"""How long a rebalance may wait for the commit of what has been published."""
CONNECT_S = 30.0
FIRST_BACKOFF_S = 0.5
MAX_BACKOFF_S = 15.0

RELEASED = Counter("vitrine_retries_released_total", "Messages that came off a delay line", ["line"])

log = logging.getLogger(__name__)


class RetryRelay(ConsumerRebalanceListener):
    """Moves messages from the delay lines back to their topics. Any number share the work, as one consumer group.

    Guarantees: at least once, in the order of each line's partition; never before a message is due. An offset is
    committed when every replica has the messages up to it, so a crash in between publishes them again. Memory is
    bounded: what is not due stays in Kafka.
    """

    def __init__(
        self,
        kafka: KafkaConfig,
        indexing_group: str,
        publisher: Publisher,
        lines: Sequence[DelayLine] = DELAY_LINES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Args: clock: Unix seconds, to compare with Kafka's timestamps."""
        self._kafka = kafka
        self._group = f"{indexing_group}-retries"
        self._publisher = publisher
        self._delays = {line.topic: line.delay_s for line in lines}
        shortest_ms = int(1000 * min(self._delays.values(), default=0.0))
        self._empty_fetch_wait_ms = max(FETCH_WAIT_MS, min(EMPTY_FETCH_WAIT_MS, shortest_ms))
        self._clock = clock
        self._due_at: dict[TopicPartition, float] = {}
        self._assignment_epoch = 0
        self._settled = asyncio.Event()
        self._settled.set()

    async def run(self, pulse: Pulse | None = None) -> None:
        """Relay until cancelled. After any failure it reconnects and goes on from what is committed."""
        pulse = pulse or Pulse("retry relay", float("inf"))
        backoff_s = FIRST_BACKOFF_S
        while True:
            try:
                async with self._connected() as consumer:
                    while True:
                        with pulse.busy("release what is due"):
                            await self._step(consumer)
                        OUTAGES.answered(pulse.part)
                        backoff_s = FIRST_BACKOFF_S
            except Exception as error:
                # A worker that cannot retry still indexes live events, so nothing may end it here.
                known = isinstance(error, (*CLIENT_ERRORS, StreamError))
                told = await refusal_or(self._kafka, error, StreamError(repr(error)[:300])) if known else error
                OUTAGES.failed(pulse.part, str(told))
                extra = {"error": str(told)[:600], "retry_in_s": backoff_s}
                log.warning("retries_interrupted", extra=extra, exc_info=not known)
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, MAX_BACKOFF_S)

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride] (it is awaited)
        self, revoked: Iterable[TopicPartition]
    ) -> None:
        """Wait until what has been published is committed, so that the next owner does not publish it again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._settled.wait()
        self._assignment_epoch += 1
        self._due_at = {}

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to do: reading begins at what is committed."""

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[AIOKafkaConsumer, None]:
        consumer = AIOKafkaConsumer(
            **client_options(self._kafka),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._kafka.session_timeout_s * 1000),
            heartbeat_interval_ms=int(self._kafka.heartbeat_s * 1000),
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            metadata_max_age_ms=METADATA_AGE_MS,
        )
        self._due_at = {}
        try:
            async with asyncio.timeout(CONNECT_S):
                await consumer.start()
            consumer.subscribe(list(self._delays), listener=self)
            yield consumer
        finally:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await consumer.stop()

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        """Wait for records, or for a paused partition to be due, and release the records that are due."""
        self._resume_due(consumer)
        # aiokafka takes it when it makes a fetch, and has no other way to change it.
        fetching: Any = consumer
        fetching._fetcher._fetch_max_wait_ms = FETCH_WAIT_MS if self._due_at else self._empty_fetch_wait_ms
        fetched = await consumer.getmany(timeout_ms=self._wait_ms(), max_records=MAX_RECORDS)
        if not fetched:
            return
        self._settled.clear()
        try:
            due = {partition: self._due(consumer, partition, records) for partition, records in fetched.items()}
            await self._release(consumer, due)
        finally:
            self._settled.set()

    def _resume_due(self, consumer: AIOKafkaConsumer) -> None:
        now = self._clock()
        for partition in [partition for partition, due_s in self._due_at.items() if due_s <= now]:
            del self._due_at[partition]
            consumer.resume(partition)

    def _wait_ms(self) -> int:
        """Until the earliest head is due, at most `POLL_S`."""
        earliest = min(self._due_at.values(), default=float("inf"))
        return 1 + int(1000 * max(0.0, min(POLL_S, earliest - self._clock())))

    def _due(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Sequence[KafkaRecord]
    ) -> Sequence[KafkaRecord]:
        """The records that are due; the partition is paused at the first that is not."""
        now, delay_s = self._clock(), self._delays[partition.topic]
        due = list(takewhile(lambda record: record.timestamp / 1000 + delay_s <= now, records))
        if len(due) < len(records):
            head = records[len(due)]
            consumer.pause(partition)
            consumer.seek(partition, head.offset)
            self._due_at[partition] = max(head.timestamp / 1000 + delay_s, now + MIN_REST_S)
        return due

    async def _release(self, consumer: AIOKafkaConsumer, due: Mapping[TopicPartition, Sequence[KafkaRecord]]) -> None:
        """Publish what is due, and commit it when every replica has it."""
        outgoing = [_outgoing(record) for records in due.values() for record in records]
        if not outgoing:
            return
        assignments = self._assignment_epoch

        async def publish() -> None:
            # A message that the publisher gave up may still arrive: publish again only when Kafka answers at all.
            await consumer.end_offsets(list(due)[:1])
            await self._publisher.publish(outgoing)

        await until_available("kafka", publish)
        for partition, records in due.items():
            RELEASED.labels(partition.topic).inc(len(records))
        log.info("retries_released", extra={"events": len(outgoing)})
        if assignments != self._assignment_epoch:
            return
        with suppress(CommitFailedError, IllegalStateError):
            await consumer.commit({partition: records[-1].offset + 1 for partition, records in due.items() if records})


def _outgoing(record: KafkaRecord) -> OutgoingMessage:
    """The record as it goes back to where it came from; a dead letter when its headers do not name that."""
    headers = {name.lower(): value for name, value in record.headers}
    origin = origin_from_headers(headers)
    if origin:
        return OutgoingMessage(origin.topic, record.key, record.value, headers, origin.partition)
    fault = InvalidEvent("wrong_topic", f"it is on {record.topic} and does not say where it came from")
    metrics.DEAD_LETTERS.labels(fault.reason).inc()
    return build_dead_letter(to_message(record), fault)
