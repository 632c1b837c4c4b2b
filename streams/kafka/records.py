"""Kafka's records as the messages that pipelines see."""

from __future__ import annotations

from aiokafka import ConsumerRecord

from streams.delivery.messages import Message

KafkaRecord = ConsumerRecord[bytes, bytes]
"""A record as it comes from Kafka; its key and value are bytes or None."""


def to_message(record: KafkaRecord) -> Message:
    """A record as a message that needs no acknowledgement; header names are in lower case."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        key=record.key,
        value=record.value,
        headers={name.lower(): value or b"" for name, value in record.headers},
        ack=lambda: None,
    )
