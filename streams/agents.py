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
from aiokafka.errors import KafkaError
from faust.exceptions import FaustError, ProducerSendError
from faust.types import TP, EventT

from streams import metrics
from streams.batching import MicroBatcher
from streams.config import IndexingConfig, KafkaConfig
from streams.errors import PublishFailed
from streams.messages import Message, PrefixAcknowledger
from streams.publisher import Outgoing
from streams.topics import MAX_REQUEST_BYTES

log = logging.getLogger(__name__)


def build_app(kafka: KafkaConfig, indexing: IndexingConfig, datadir: Path) -> faust.App:
    """A Faust app for the indexing group: no web server, no tables, no leader topic."""
    brokers = ";".join(f"kafka://{one.strip()}" for one in kafka.bootstrap_servers.split(","))
    return faust.App(
        indexing.group,
        broker=brokers,
        datadir=str(datadir),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=indexing.batch_events,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_REQUEST_BYTES,
        producer_max_request_size=MAX_REQUEST_BYTES,
        producer_acks=-1,
        producer_request_timeout=kafka.deadline_s,
        broker_session_timeout=kafka.session_timeout_s,
        broker_heartbeat_interval=kafka.heartbeat_s,
        broker_commit_interval=kafka.commit_interval_s,
    )


class Membership:
    """Whether this worker has its place in the consumer group."""

    def __init__(self) -> None:
        self.joined = False


def add_agents(app: faust.App, acknowledger: PrefixAcknowledger, batchers: Mapping[str, MicroBatcher]) -> Membership:
    """Consume each topic into its batcher, and forget the messages of partitions that are taken away."""
    membership = Membership()
    for topic, batcher in batchers.items():
        channel = app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        app.agent(channel, name=topic)(_consumer(acknowledger, batcher))

    @app.on_partitions_revoked.connect(weak=False)
    async def forget(sender: object, revoked: set[TP], **_: object) -> None:
        membership.joined = False
        acknowledger.forget((partition.topic, partition.partition) for partition in revoked)

    @app.on_partitions_assigned.connect(weak=False)
    async def join(sender: object, assigned: set[TP], **_: object) -> None:
        membership.joined = True

    return membership


def _consumer(acknowledger: PrefixAcknowledger, batcher: MicroBatcher) -> Callable[[Any], Awaitable[None]]:
    # Faust declares `events` as a coroutine, which it is not.
    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            message = _message(event)
            metrics.EVENTS.labels(message.topic).inc()
            acknowledger.receive(message)
            await batcher.put(message)

    return consume


def _message(event: EventT) -> Message:
    raw = event.message
    headers = raw.headers.items() if isinstance(raw.headers, Mapping) else raw.headers or ()
    return Message(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=int(raw.timestamp * 1000),
        key=raw.key,
        value=raw.value,
        headers={name.lower(): value for name, value in headers},
        ack=event.ack,
    )


class FaustPublisher:
    """`Publisher` over the app's own producer."""

    def __init__(self, app: faust.App, deadline_s: float) -> None:
        self._app = app
        self._deadline_s = deadline_s

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish all, in order per key."""
        try:
            async with asyncio.timeout(self._deadline_s):
                await asyncio.gather(*[await self._send(one) for one in messages])
        except (FaustError, ProducerSendError, KafkaError, OSError, TimeoutError) as error:
            raise PublishFailed(f"Kafka did not take {len(messages)} messages: {error!r}") from error

    async def _send(self, one: Outgoing) -> Awaitable[object]:
        return await self._app.producer.send(one.topic, one.key, one.value, None, None, dict(one.headers))
