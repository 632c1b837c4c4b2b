"""Delay lines: topics on which a message waits before its pictures are tried again."""

from __future__ import annotations

from streams.messages import Message
from streams.publisher import Outgoing

ATTEMPT = "vitrine_attempt"
LINES = (
    ("vitrine.retry.1s", 1.0),
    ("vitrine.retry.10s", 10.0),
    ("vitrine.retry.1m", 60.0),
    ("vitrine.retry.10m", 600.0),
    ("vitrine.retry.1h", 3600.0),
)


def attempt(message: Message) -> int | None:
    """Which try a message asks for: None for an ordinary event, 0 for one that a person replays."""
    header = message.headers.get(ATTEMPT)
    return int(header) if header is not None and header.isdigit() else None


def retry(message: Message) -> Outgoing | None:
    """The message on its next delay line; None after the last."""
    tried = attempt(message) or 0
    if tried >= len(LINES):
        return None
    headers = dict(message.headers) | {ATTEMPT: str(tried + 1).encode()}
    return Outgoing(LINES[tried][0], message.key, message.value, headers)
