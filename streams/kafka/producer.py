"""The producer edge over aiokafka: idempotent, acknowledged by every in-sync replica, with a deadline."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import RecordMetadata

from encoders.tracing.spans import Tracer
from streams.config import KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.traces import begin_send
from streams.errors import InvalidEvent, PublishFailed
from streams.events.cloudevents import encode_event, event_key
from streams.events.schema import MAX_MESSAGE_BYTES, Event
from streams.kafka.connection import client_options
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or

BATCH_BYTES = 1 << 20
"""aiokafka buffers at most two batches a partition, so this bounds memory, whatever `MAX_IN_FLIGHT` events weigh."""
MAX_IN_FLIGHT = 2_000
"""Events sent and not yet acknowledged."""
REQUEST_OVERHEAD_BYTES = 1 << 16
"""Room in a request beside its message."""

Delivery = asyncio.Future[RecordMetadata]


class EventPublisher:
    """Publishes events; an async context manager that owns its connection.

    A call that returned has published its events exactly once; one that failed or was cancelled may have published
    them all the same. Events of one key keep the order of the calls. For one event loop.
    """

    def __init__(self, kafka: KafkaConfig, linger_ms: int = 5, tracer: Tracer | None = None) -> None:
        """Describe a publisher.

        Args:
            kafka: its `deadline_s` is to connect, and for each event.
            linger_ms: batching.
            tracer: begins a trace with each event, or goes on with the current one; None: events say nothing of it.
        """
        self._kafka = kafka
        self._tracer = tracer
        self._deadline_s = kafka.deadline_s
        self._linger_ms = linger_ms

    async def __aenter__(self) -> EventPublisher:
        self._producer = AIOKafkaProducer(
            **client_options(self._kafka),
            acks="all",
            enable_idempotence=True,
            linger_ms=self._linger_ms,
            max_batch_size=BATCH_BYTES,
            max_request_size=MAX_MESSAGE_BYTES + REQUEST_OVERHEAD_BYTES,
            request_timeout_ms=int(self._deadline_s * 1000),
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._producer.start()
        except CLIENT_ERRORS as error:
            await self._stop()
            unanswered = PublishFailed(f"Kafka at {self._kafka.bootstrap_servers} does not answer: {error!r}")
            raise await refusal_or(self._kafka, error, unanswered) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def publish(self, topic: str, event: Event) -> None:
        """Publish an event; returns once every in-sync replica has it.

        Raises:
            InvalidEvent: it is larger than a message may be.
            PublishFailed: Kafka did not acknowledge it within the deadline; it may have arrived all the same.
        """
        await self.wait_delivered([await self.send(topic, event)])

    async def send(self, topic: str, event: Event) -> Delivery:
        """Take an event into the buffer, waiting while that is full; `wait_delivered` tells whether it arrived.

        Raises:
            InvalidEvent: it is larger than a message may be.
            PublishFailed: the buffer stayed full until the deadline.
        """
        name, key, value = f"event {event.id}", event_key(event.data), encode_event(event)
        if self._tracer is None:
            return await self.send_raw(OutgoingMessage(topic, key, value), name)
        span = begin_send(self._tracer, topic)
        try:
            delivery = await self.send_raw(OutgoingMessage(topic, key, value, span.context.headers), name)
        except BaseException as error:
            span.end(type(error).__name__)
            raise
        delivery.add_done_callback(lambda done: span.end(_kind_of_failure(done)))
        return delivery

    async def send_raw(self, message: OutgoingMessage, name: str) -> Delivery:
        """`send` for a message that is encoded already. Where its partition does not exist, its key chooses one.

        Args:
            message: what to send.
            name: what to call it in errors.
        """
        headers = list(message.headers.items())
        try:
            async with asyncio.timeout(self._deadline_s):
                existing = await self._producer.partitions_for(message.topic)
                partition = message.partition if message.partition in existing else None
                return await self._producer.send(message.topic, message.value, message.key, partition, headers=headers)
        except MessageSizeTooLargeError as error:
            raise InvalidEvent("too_large", f"{name} is over {MAX_MESSAGE_BYTES:,} bytes") from error
        except CLIENT_ERRORS as error:
            raise await self._failure(f"{name} for {message.topic}", error) from error

    async def publish_raw(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish messages that are encoded already. Raises what `publish` raises."""
        await self.wait_delivered(
            [await self.send_raw(message, f"a message for {message.topic}") for message in messages]
        )

    async def wait_delivered(self, deliveries: Iterable[Delivery]) -> None:
        """Wait until all are acknowledged. Raises `PublishFailed` when one is not within the deadline."""
        waiting = list(deliveries)
        if not waiting:
            return
        done, pending = await asyncio.wait(waiting, timeout=self._deadline_s)
        errors = [error for delivery in done if (error := delivery.exception()) is not None]
        if errors or pending:
            cause = errors[0] if errors else TimeoutError()
            raise await self._failure(f"{len(errors) + len(pending)} events", cause) from cause

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._producer.stop()
        except CLIENT_ERRORS:
            # Whoever needed to know has waited for delivery before; nothing is lost when closing fails.
            return

    async def _failure(self, what: str, error: BaseException) -> PublishFailed:
        """What to raise where Kafka did not take something."""
        why = "no answer in time" if isinstance(error, TimeoutError) else repr(error)
        servers = self._kafka.bootstrap_servers
        untaken = PublishFailed(f"Kafka at {servers} did not take {what} ({self._deadline_s:g} s): {why}")
        return await refusal_or(self._kafka, error, untaken)


def _kind_of_failure(delivery: Delivery) -> str:
    """Empty: it arrived."""
    if delivery.cancelled():
        return "CancelledError"
    error = delivery.exception()
    return type(error).__name__ if error else ""


class BulkSender:
    """Sends many events with a bound on those in flight, counting what was acknowledged."""

    def __init__(self, publisher: EventPublisher, on_acknowledged: Callable[[int], None]) -> None:
        self._publisher = publisher
        self._on_acknowledged = on_acknowledged
        self._in_flight: deque[Delivery] = deque()

    async def send(self, topic: str, event: Event) -> None:
        """Send an event, after waiting for acknowledgements where `MAX_IN_FLIGHT` are outstanding."""
        self._in_flight.append(await self._publisher.send(topic, event))
        arrived = 0
        while arrived < len(self._in_flight) and self._in_flight[arrived].done():
            arrived += 1
        await self.wait_delivered(arrived if len(self._in_flight) < MAX_IN_FLIGHT else max(arrived, MAX_IN_FLIGHT // 2))

    async def wait_delivered(self, count: int | None = None) -> None:
        """Wait for the oldest `count` (None: all) to be acknowledged."""
        wanted = len(self._in_flight) if count is None else count
        oldest = [self._in_flight.popleft() for _ in range(wanted)]
        await self._publisher.wait_delivered(oldest)
        self._on_acknowledged(wanted)
