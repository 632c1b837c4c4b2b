"""Where a consumer group begins: offsets noted for one group, and given to another that has not begun."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.errors import EventsGone, KafkaUnavailable
from streams.kafka.lag import DEADLINE_S, LagProbe

Offsets = Mapping[str, Mapping[str, int]]
"""The next offset, by topic and partition."""


async def group_offsets(bootstrap_servers: str, group: str, *topics: str) -> dict[str, dict[str, int]]:
    """Where a group stands: everything before is acknowledged. Raises `KafkaUnavailable`."""
    offsets: dict[str, dict[str, int]] = {topic: {} for topic in topics}
    async with LagProbe(bootstrap_servers, group) as probe:
        for one in await probe.lag(*topics):
            offsets[one.topic][str(one.partition)] = one.next_offset
    return offsets


async def start_group_at(bootstrap_servers: str, group: str, offsets: Offsets) -> None:
    """Have a group, which has no members yet, begin at these offsets.

    Raises:
        EventsGone: Kafka has already deleted some of what the group would have to read.
        KafkaUnavailable: Kafka does not answer, or the group has members.
    """
    wanted = {
        TopicPartition(topic, int(partition)): offset
        for topic, partitions in offsets.items()
        for partition, offset in partitions.items()
    }
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, group_id=group, enable_auto_commit=False)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await consumer.start()
            consumer.assign(list(wanted))
            starts = await consumer.beginning_offsets(list(wanted))
            if gone := [one for one, offset in wanted.items() if starts[one] > offset]:
                raise EventsGone(
                    f"Kafka no longer has the events of {gone[0].topic}/{gone[0].partition} from {wanted[gone[0]]} on: "
                    "raise that topic's retention above the time that a rebuild takes, drop this with `vitrine reindex "
                    "--cancel`, and begin anew"
                )
            if wanted:
                await consumer.commit(wanted)
    except (KafkaError, TimeoutError, OSError) as error:
        raise KafkaUnavailable(
            f"Kafka at {bootstrap_servers} did not take the offsets of {group}: {error!r}"
        ) from error
    finally:
        await consumer.stop()
