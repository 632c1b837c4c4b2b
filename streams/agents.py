"""The Faust edge: one agent a topic, which hands each message to a micro-batcher and acknowledges nothing itself.

`stream.noack().events()` because everything else in Faust acknowledges when an iteration ends, however it ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import faust
from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials
from faust.exceptions import FaustError, ProducerSendError
from faust.sensors.monitor import Monitor
from faust.types import EventT
from mode import Service
from prometheus_client import Counter

from streams import metrics
from streams.config import IndexingConfig, KafkaConfig
from streams.delivery.batched_messages import unbatched
from streams.delivery.batching import MicroBatcher
from streams.delivery.messages import Message, PrefixAcknowledger
from streams.delivery.publisher import OutgoingMessage, Publisher, publish_durably
from streams.errors import PublishFailed
from streams.kafka.connection import security_options
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or
from streams.topics import MAX_REQUEST_BYTES

log = logging.getLogger(__name__)

STREAM_BUFFER = 64
"""Messages of a topic between Faust and its batcher; each may be as large as a message can be."""


class _EndOffsets(Monitor):
    """Faust's monitor, of which the ends of partitions are wanted: what else it does at each message nobody reads."""

    def on_message_in(self, tp: object, offset: int, message: object) -> None:
        """Count nothing."""

    def on_message_out(self, tp: object, offset: int, message: object) -> None:
        """Count nothing."""

    def on_stream_event_in(self, tp: object, offset: int, stream: object, event: object) -> None:
        """Time nothing."""

    def on_stream_event_out(self, tp: object, offset: int, stream: object, event: object, state: object = None) -> None:
        """Time nothing."""

    @Service.task
    async def _sampler(self) -> None:
        """Sample nothing."""


def build_app(kafka: KafkaConfig, indexing: IndexingConfig, datadir: Path) -> faust.App:
    """A Faust app for the indexing group: no web server, no tables, no leader topic."""
    brokers = ";".join(f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(","))
    return faust.App(
        indexing.group,
        broker=brokers,
        broker_credentials=_credentials(kafka),
        datadir=str(datadir),
        monitor=_EndOffsets(),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=STREAM_BUFFER,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_REQUEST_BYTES,
        producer_max_request_size=MAX_REQUEST_BYTES,
        producer_acks=-1,
        producer_request_timeout=kafka.deadline_s,
        broker_session_timeout=kafka.session_timeout_s,
        broker_heartbeat_interval=kafka.heartbeat_s,
        broker_commit_interval=kafka.commit_interval_s,
    )


def _credentials(kafka: KafkaConfig) -> Credentials | None:
    """What Faust hands to its consumer and its producer, of the options that every other client gets."""
    options = security_options(kafka)
    context = options.get("ssl_context")
    if "sasl_oauth_token_provider" in options:
        return OAuthCredentials(oauth_cb=options["sasl_oauth_token_provider"], ssl_context=context)
    if kafka.uses_sasl:
        return SASLCredentials(
            username=options.get("sasl_plain_username"),
            password=options.get("sasl_plain_password"),
            ssl_context=context,
            mechanism=options.get("sasl_mechanism"),
        )
    return SSLCredentials(context) if context else None


async def run_app(app: faust.App) -> None:
    """Wait until the app has stopped. Raises what it crashed of."""
    # Faust's services are typed in part.
    service: Any = app
    await service.wait()
    reason: BaseException | None = service.crash_reason
    if reason is not None:
        raise reason


def add_agents(
    app: faust.App, acknowledger: PrefixAcknowledger, batchers: Mapping[str, MicroBatcher], publisher: Publisher
) -> None:
    """Consume each topic into its batcher; messages in batch mode go back to their topics, event by event."""
    # Faust's topics and agents are typed in part.
    faust_app: Any = app
    for topic, batcher in batchers.items():
        channel = faust_app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        faust_app.agent(channel, name=topic)(_consumer(acknowledger, batcher, publisher, metrics.EVENTS.labels(topic)))


def _consumer(
    acknowledger: PrefixAcknowledger, batcher: MicroBatcher, publisher: Publisher, events: Counter
) -> Callable[[Any], Awaitable[None]]:
    """The agent of a topic: where an event's way begins. Its stream is `Any` as Faust declares `events` a coroutine."""

    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            message = _message(event)
            events.inc()
            acknowledger.receive(message)
            own_messages = unbatched(message)
            if own_messages is None:
                await batcher.put(message)
            else:
                await publish_durably(publisher, own_messages)
                acknowledger.mark_done([message])

    return consume


def _message(event: EventT[Any]) -> Message:
    raw = event.message
    headers = raw.headers.items() if isinstance(raw.headers, Mapping) else raw.headers or ()
    return Message(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=int(raw.timestamp * 1000),
        key=raw.key,
        value=raw.value,
        headers={name.lower(): value or b"" for name, value in headers},
        ack=event.ack,
    )


class FaustPublisher:
    """`Publisher` over the app's own producer."""

    def __init__(self, app: faust.App, kafka: KafkaConfig) -> None:
        self._app = app
        self._kafka = kafka

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish all, in order per key."""
        try:
            async with asyncio.timeout(self._kafka.deadline_s):
                await asyncio.gather(*[await self._send(message) for message in messages])
        except (FaustError, ProducerSendError, *CLIENT_ERRORS) as error:
            untaken = PublishFailed(f"Kafka did not take {len(messages)} messages: {error!r}")
            raise await refusal_or(self._kafka, error, untaken) from error

    async def _send(self, message: OutgoingMessage) -> Awaitable[object]:
        return await self._app.producer.send(
            message.topic, message.key, message.value, message.partition, None, dict(message.headers)
        )
