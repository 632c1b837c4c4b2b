"""The Faust edge: one agent a topic, which hands each message to a micro-batcher and acknowledges nothing itself.

`stream.noack().events()` because everything else in Faust acknowledges when an iteration ends, however it ended.
When partitions are taken away, the batches under way are finished and committed first, or else given up unacknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import faust
from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials
from faust.exceptions import FaustError, ProducerSendError
from faust.types import TP, EventT
from prometheus_client import Counter

from streams import metrics
from streams.config import IndexingConfig, KafkaConfig
from streams.delivery.batched_messages import unbatched
from streams.delivery.batching import MicroBatcher
from streams.delivery.lease import WriteLease
from streams.delivery.messages import Message, Partition, PrefixAcknowledger
from streams.delivery.publisher import OutgoingMessage, Publisher, publish_durably
from streams.errors import PublishFailed
from streams.events.schema import PRODUCT_EVENTS
from streams.kafka.connection import security_options
from streams.kafka.lag_reporter import HeldPartition
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or
from streams.products.write_reconciler import WriteReconciler
from streams.topics import MAX_REQUEST_BYTES

log = logging.getLogger(__name__)

STREAM_BUFFER = 64
"""Messages of a topic between Faust and its batcher; each may be as large as a message can be."""

GROUP_CHECK_S = 1.0
"""How often is looked whether the group turns this worker away."""


def build_app(kafka: KafkaConfig, indexing: IndexingConfig, datadir: Path) -> faust.App:
    """A Faust app for the indexing group: no web server, no tables, no leader topic."""
    brokers = ";".join(f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(","))
    return faust.App(
        indexing.group,
        broker=brokers,
        broker_credentials=_credentials(kafka),
        datadir=str(datadir),
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


async def watch_group(app: faust.App) -> None:
    """Run until the group turns the app's consumer away for good, and raise why.

    aiokafka keeps such an error for whoever polls it next, and does nothing more until then; Faust polls in another
    way, never sees it, and its start waits for ever.
    """
    consumer: Any = app.consumer
    while True:
        await asyncio.sleep(GROUP_CHECK_S)
        coordinator: Any = getattr(consumer._thread._consumer, "_coordinator", None)
        error: BaseException | None = getattr(coordinator, "_pending_exception", None)
        if error is not None:
            raise error


async def run_app(app: faust.App) -> None:
    """Wait until the app has stopped. Raises what it crashed of."""
    # Faust's services are typed in part.
    service: Any = app
    await service.wait()
    reason: BaseException | None = service.crash_reason
    if reason is not None:
        raise reason


class GroupMembership:
    """This worker's place in the consumer group: joined or not, and what becomes of work when partitions move."""

    def __init__(
        self,
        app: faust.App,
        acknowledger: PrefixAcknowledger,
        batchers: Mapping[str, MicroBatcher],
        lease: WriteLease,
        reconciler: WriteReconciler,
        settle_s: float,
    ) -> None:
        self.joined = False
        self._app = app
        self._acknowledger = acknowledger
        self._batchers = batchers
        self._lease = lease
        self._reconciler = reconciler
        self._settle_s = settle_s

        async def release(sender: object, revoked: set[TP], **_: object) -> None:
            await self._release_partitions(revoked)

        async def acquire(sender: object, assigned: set[TP], **_: object) -> None:
            self._acquire_partitions(assigned)

        # Faust's signals are not typed.
        signals: Any = app
        signals.on_partitions_revoked.connect(release, weak=False)
        signals.on_partitions_assigned.connect(acquire, weak=False)

    @property
    def is_confirmed(self) -> bool:
        """Whether Kafka has confirmed a heartbeat within the session timeout."""
        return self._lease.is_valid()

    @property
    def acknowledged(self) -> Mapping[Partition, int]:
        """The next offset to commit of each partition that events were finished of."""
        return self._acknowledger.acknowledged

    def holds_events(self) -> bool:
        """Whether events are in hand."""
        return self._acknowledger.unacknowledged_count() > 0

    def held(self) -> Mapping[Partition, HeldPartition]:
        """Its partitions, as far as it knows of them without asking; none while they may be another worker's."""
        if not (self.joined and self._lease.is_valid()):
            return {}
        # Faust's consumer and monitor are typed in part.
        app: Any = self._app
        return {
            (tp.topic, tp.partition): HeldPartition(
                self._acknowledger.acknowledged.get((tp.topic, tp.partition)),
                app.monitor.tp_end_offsets.get(tp),
                self._acknowledger.oldest_ms((tp.topic, tp.partition)),
            )
            for tp in app.consumer.assignment()
        }

    async def positions(self) -> Mapping[Partition, int | None]:
        """The next offset to fetch of each partition, asked of the consumer's own thread."""
        consumer: Any = self._app.consumer
        thread, assigned = consumer._thread, list(consumer.assignment())
        # One way there and back for all: each wakes both threads several times.
        return await thread.call_thread(_positions, thread._ensure_consumer(), assigned)

    async def _release_partitions(self, revoked: set[TP]) -> None:
        """Finish what is under way and commit it, within a budget; the rest is redelivered to the next owner.

        The group waits for this before it gives the partitions to somebody else, unless this worker is out already.
        """
        self.joined = False
        try:
            if self._lease.is_valid():
                async with asyncio.timeout(self._settle_s):
                    await asyncio.gather(*(batcher.wait_until_idle() for batcher in self._batchers.values()))
                    await self._reconciler.reconcile()
                    await self._app.consumer.commit()
        except TimeoutError:
            log.warning("partitions_given_up_unfinished", extra={"events": self._acknowledger.unacknowledged_count()})
        finally:
            self._acknowledger.revoke((partition.topic, partition.partition) for partition in revoked)
            self._reconciler.pause()

    def _acquire_partitions(self, assigned: set[TP]) -> None:
        _renew_with_heartbeats(self._app, self._lease)
        self._lease.renew(time.monotonic())
        self._reconciler.resume({partition.partition for partition in assigned if partition.topic == PRODUCT_EVENTS})
        self.joined = True


async def _positions(consumer: Any, partitions: Sequence[TP]) -> dict[Partition, int | None]:
    return {(tp.topic, tp.partition): await consumer.position(tp) for tp in partitions}


def add_agents(
    app: faust.App, acknowledger: PrefixAcknowledger, batchers: Mapping[str, MicroBatcher], publisher: Publisher
) -> None:
    """Consume each topic into its batcher; messages in batch mode go back to their topics, event by event."""
    # Faust's topics and agents are typed in part.
    faust_app: Any = app
    for topic, batcher in batchers.items():
        channel = faust_app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        faust_app.agent(channel, name=topic)(_consumer(acknowledger, batcher, publisher, metrics.EVENTS.labels(topic)))


def _renew_with_heartbeats(app: faust.App, lease: WriteLease) -> None:
    """Renew the lease with each heartbeat that Kafka confirms.

    Neither Faust nor aiokafka tells of heartbeats, so the coordinator's own call is wrapped, once.
    """
    consumer: Any = app.consumer
    coordinator: Any = consumer._thread._ensure_consumer()._coordinator
    send_heartbeat: Any = coordinator._do_heartbeat
    if getattr(send_heartbeat, "renews", None) is lease:
        return

    async def do_heartbeat() -> bool:
        sent_at = time.monotonic()
        confirmed: bool = await send_heartbeat()
        if confirmed:
            lease.renew(sent_at)
        return confirmed

    do_heartbeat.renews = lease  # pyright: ignore[reportFunctionMemberAccess]
    coordinator._do_heartbeat = do_heartbeat


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
