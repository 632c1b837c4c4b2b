"""What pipelines publish, and the port through which they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from streams.delivery.availability import until_available

MESSAGES_AT_ONCE = 1_000
"""More are published one lot after the other, each within the deadline; what fails is repeated by the lot."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to publish."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    partition: int | None = None
    """None: chosen by the key. A message that is published again goes back to the partition that it came from."""


class Publisher(Protocol):
    """Publishes messages durably; returns once every replica has them. May publish twice, never not at all."""

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish all, in order per key. Raises `PublishFailed` when Kafka does not take them in time."""
        ...


async def publish_durably(publisher: Publisher, messages: Sequence[OutgoingMessage]) -> None:
    """Publish messages in order, however long Kafka is away; with none, nothing is asked of it."""
    for start in range(0, len(messages), MESSAGES_AT_ONCE):
        some = messages[start : start + MESSAGES_AT_ONCE]
        await until_available("kafka", partial(publisher.publish, some))
