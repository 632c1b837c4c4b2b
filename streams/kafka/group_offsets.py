"""The committed offsets of a consumer group: read from one group, and set for another that has not begun."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from streams.config import KafkaConfig
from streams.errors import EventsGone, GroupInUse, KafkaUnavailable
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
    """Commit offsets for a group that has no members, so that it begins there.

    Raises:
        EventsGone: Kafka no longer has, or never had, some of what the group would have to read.
        GroupInUse: the group has members.
        KafkaUnavailable: Kafka does not answer.
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
            await _check_kept(consumer, wanted)
            if wanted:
                await consumer.commit(wanted)
    except CommitFailedError as error:
        raise GroupInUse(
            f"workers of {group} run, or ran until just now: stop the indexing workers, wait until Kafka has noticed "
            f"(kafka.session_timeout_s, {kafka.session_timeout_s:.0f} s), and try again"
        ) from error
    except CLIENT_ERRORS as error:
        servers = kafka.bootstrap_servers
        untaken = KafkaUnavailable(f"Kafka at {servers} did not take the offsets of {group}: {error!r}")
        raise await refusal_or(kafka, error, untaken) from error
    finally:
        await consumer.stop()


async def _check_kept(consumer: AIOKafkaConsumer, wanted: Mapping[TopicPartition, int]) -> None:
    """Check that all messages from some offsets on are there. Raises `EventsGone`."""
    starts, ends = await consumer.beginning_offsets(list(wanted)), await consumer.end_offsets(list(wanted))
    for partition, offset in wanted.items():
        if not starts[partition] <= offset <= ends[partition]:
            raise EventsGone(
                f"Kafka does not have the events of {partition.topic}/{partition.partition} from {offset} on: it has "
                f"those from {starts[partition]} to {ends[partition]}"
            )
