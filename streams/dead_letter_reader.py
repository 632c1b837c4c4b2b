"""Reading the dead-letter topic to its present end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from streams.errors import PublishFailed
from streams.events import DEAD_LETTER, MAX_MESSAGE_BYTES

FETCH_BYTES = MAX_MESSAGE_BYTES + 2**20


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be processed, and why.

    Attributes:
        reason: the class of fault.
        error: what was wrong, in words.
        topic, partition, offset: where the message was.
        time_ms: when it was given up, Unix milliseconds.
        key, value: as they were.
        headers: the message's own, by name.
    """

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


async def read_dead_letters(bootstrap_servers: str, deadline_s: float) -> AsyncIterator[DeadLetter]:
    """The dead letters that are there now, oldest first within a partition; joins no consumer group, commits nothing.

    Args:
        bootstrap_servers: `host:port,…`.
        deadline_s: for connecting, and for each fetch.

    Raises:
        PublishFailed: Kafka does not answer in time.
    """
    consumer = AIOKafkaConsumer(
        DEAD_LETTER,
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=FETCH_BYTES,
        request_timeout_ms=int(deadline_s * 1000),
    )
    try:
        async with asyncio.timeout(deadline_s):
            await consumer.start()
            ends = await consumer.end_offsets(consumer.assignment())
        while ends:
            async with asyncio.timeout(deadline_s):
                records = await _fetch(consumer, ends)
            for record in records:
                yield _letter(record)
    except UnknownTopicOrPartitionError:
        # Nothing was ever written to it.
        return
    except (KafkaError, OSError, TimeoutError) as error:
        raise PublishFailed(f"Kafka at {bootstrap_servers} does not answer: {error!r}") from error
    finally:
        await consumer.stop()


async def _fetch(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[ConsumerRecord]:
    """The next records before the ends; takes the partitions that are read to their end out of `ends`."""
    for partition in [part for part, end in ends.items() if await consumer.position(part) >= end]:
        del ends[partition]
    batches = await consumer.getmany(*ends, timeout_ms=500) if ends else {}
    return [record for partition, batch in batches.items() for record in batch if record.offset < ends[partition]]


def _letter(record: ConsumerRecord) -> DeadLetter:
    headers = dict(record.headers)
    notes = {name: headers.pop(f"vitrine_{name}", b"").decode(errors="replace") for name in _NOTES}
    return DeadLetter(
        reason=notes["reason"] or "unknown",
        error=notes["error"],
        topic=notes["topic"],
        partition=_number(notes["partition"], -1),
        offset=_number(notes["offset"], -1),
        time_ms=_number(notes["time"], record.timestamp),
        key=record.key,
        value=record.value,
        headers=headers,
    )


_NOTES = ("reason", "error", "topic", "partition", "offset", "time")


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else otherwise
