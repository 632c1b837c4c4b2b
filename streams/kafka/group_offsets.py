"""The committed offsets of a consumer group: read from one group, and set for another that has not begun."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.config import KafkaConfig
from streams.errors import EventsGone, KafkaUnavailable
from streams.kafka.connection import client_options
from streams.kafka.lag import DEADLINE_S, LagProbe
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or

Offsets = Mapping[str, Mapping[str, int]]
"""The next offset, by topic and partition."""


async def group_offsets(kafka: KafkaConfig, group: str, *topics: str) -> dict[str, dict[str, int]]:
    """A group's next offsets: all messages before them are acknowledged. Raises `KafkaUnavailable`."""
    offsets: dict[str, dict[str, int]] = {topic: {} for topic in topics}
    async with LagProbe(kafka, group) as probe:
        for lag in await probe.lag(*topics):
            offsets[lag.topic][str(lag.partition)] = lag.next_offset
    return offsets


async def start_group_at(kafka: KafkaConfig, group: str, offsets: Offsets) -> None:
    """Commit offsets for a group that has no members yet, so that it begins there.

    Raises:
        EventsGone: Kafka has already deleted some of what the group would have to read.
        KafkaUnavailable: Kafka does not answer, or the group has members.
    """
    wanted = {
        TopicPartition(topic, int(partition)): offset
        for topic, partitions in offsets.items()
        for partition, offset in partitions.items()
    }
    consumer = AIOKafkaConsumer(**client_options(kafka), group_id=group, enable_auto_commit=False)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await consumer.start()
            consumer.assign(list(wanted))
            starts = await consumer.beginning_offsets(list(wanted))
            if gone := [partition for partition, offset in wanted.items() if starts[partition] > offset]:
                raise EventsGone(
                    f"Kafka no longer has the events of {gone[0].topic}/{gone[0].partition} from {wanted[gone[0]]} on: "
                    "raise that topic's retention above the time that a rebuild takes, drop this with `vitrine reindex "
                    "--cancel`, and begin anew"
                )
            if wanted:
                await consumer.commit(wanted)
    except CLIENT_ERRORS as error:
        servers = kafka.bootstrap_servers
        untaken = KafkaUnavailable(f"Kafka at {servers} did not take the offsets of {group}: {error!r}")
        raise await refusal_or(kafka, error, untaken) from error
    finally:
        await consumer.stop()
