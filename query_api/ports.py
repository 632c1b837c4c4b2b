"""What the query worker asks of the outside, beside the ports of `indexer` and `encoders`."""

from __future__ import annotations

from typing import Protocol

from streams.events.schema import Event


class EventSink(Protocol):
    """Publishes shoppers' events durably."""

    async def publish(self, topic: str, event: Event) -> None:
        """Publish; returns once Kafka has it. Raises `PublishFailed`."""
        ...


class CandidateCache(Protocol):
    """Bytes by key, for a time. May forget anything at any time. Raises `StoreUnavailable`."""

    async def get(self, key: str) -> bytes | None:
        """The value of a key; None: there is none any more."""
        ...

    async def set(self, key: str, value: bytes, ttl_s: float) -> None:
        """Keep a value for at most `ttl_s` seconds, in place of an older one."""
        ...
