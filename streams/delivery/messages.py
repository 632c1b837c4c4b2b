"""A Kafka message as the pipelines see it, and acknowledgement in offset order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.errors import InvalidEvent, PartitionsLost

Partition = tuple[str, int]
"""A topic and a partition's number."""


@dataclass(eq=False, slots=True)
class Message:
    """One message, with the way to acknowledge it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When Kafka took it, Unix milliseconds; 0 or below: that is not known."""
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    ack: Callable[[], object] = field(repr=False)


class RejectedMessage(NamedTuple):
    """A message that can never be processed, and why."""

    message: Message
    fault: InvalidEvent


class PrefixAcknowledger:
    """Acknowledges messages strictly in offset order per partition, however their work finishes.

    A message is acknowledged when it and all that came before it on its partition are done: what is committed is
    always a contiguous prefix, so a crash redelivers, and never skips.
    """

    def __init__(self) -> None:
        self._waiting: dict[Partition, deque[Message]] = {}
        self._owned: set[Message] = set()
        self._done: set[Message] = set()
        self.acknowledged: dict[Partition, int] = {}
        """Of each partition held, the offset after the last that was acknowledged."""

    def receive(self, message: Message) -> None:
        """Take note of a message; to be called in offset order."""
        self._waiting.setdefault((message.topic, message.partition), deque()).append(message)
        self._owned.add(message)

    def owned(self, messages: Iterable[Message]) -> list[Message]:
        """Those whose partitions have not been taken away since they were received."""
        return [message for message in messages if message in self._owned]

    def check_owned(self, messages: Iterable[Message]) -> None:
        """Raises `PartitionsLost` when the partition of any of these has been taken away since it was received."""
        if not self._owned.issuperset(messages):
            raise PartitionsLost("another worker has some of the batch's partitions now")

    def mark_done(self, messages: Sequence[Message]) -> None:
        """Mark messages as durable, and acknowledge every prefix that is complete by now."""
        finished = self.owned(messages)
        self._done.update(finished)
        for partition in {(message.topic, message.partition) for message in finished}:
            waiting = self._waiting[partition]
            while waiting and waiting[0] in self._done:
                first = waiting.popleft()
                self._done.discard(first)
                self._owned.discard(first)
                first.ack()
                self.acknowledged[partition] = first.offset + 1

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Drop partitions that another worker owns now: their messages are never acknowledged from here."""
        for partition in partitions:
            lost = self._waiting.pop(partition, ())
            self.acknowledged.pop(partition, None)
            self._owned.difference_update(lost)
            self._done.difference_update(lost)

    def oldest_ms(self, partition: Partition) -> int | None:
        """When Kafka took the first message of a partition that is not acknowledged; None: none here says so."""
        waiting = self._waiting.get(partition, ())
        return next((message.timestamp_ms for message in waiting if message.timestamp_ms > 0), None)

    def unacknowledged_count(self) -> int:
        """How many messages are not yet acknowledged."""
        return len(self._owned)
