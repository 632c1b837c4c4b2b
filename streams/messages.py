"""A Kafka message as the pipelines see it, and acknowledgement in offset order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Partition = tuple[str, int]
"""A topic and a partition's number."""


@dataclass(eq=False, slots=True)
class Message:
    """One message, with the way to acknowledge it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """When Kafka took it, Unix milliseconds."""
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    ack: Callable[[], object] = field(repr=False)


class PrefixAcknowledger:
    """Acknowledges messages strictly in offset order per partition, however their work finishes.

    A message is acknowledged when it and all that came before it on its partition are done: what is committed is
    always a contiguous prefix, so a crash redelivers, and never skips.
    """

    def __init__(self) -> None:
        self._waiting: dict[Partition, deque[Message]] = {}
        self._done: set[Message] = set()

    def receive(self, message: Message) -> None:
        """Take note of a message; to be called in offset order."""
        self._waiting.setdefault((message.topic, message.partition), deque()).append(message)

    def finish(self, messages: Sequence[Message]) -> None:
        """Mark messages as durable, and acknowledge every prefix that is complete by now."""
        self._done.update(messages)
        for partition in {(message.topic, message.partition) for message in messages}:
            waiting = self._waiting.get(partition, deque())
            while waiting and waiting[0] in self._done:
                first = waiting.popleft()
                self._done.discard(first)
                first.ack()
        self._done.difference_update([one for one in messages if not self._is_waiting(one)])

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Drop partitions that another worker owns now: their messages are never acknowledged from here."""
        for partition in partitions:
            self._done.difference_update(self._waiting.pop(partition, ()))

    def waiting(self) -> int:
        """How many messages are not yet acknowledged."""
        return sum(map(len, self._waiting.values()))

    def _is_waiting(self, message: Message) -> bool:
        return message in self._waiting.get((message.topic, message.partition), ())
