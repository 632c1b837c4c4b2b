"""The dead-letter topic: what could not be processed, with its bytes and the reason."""

from __future__ import annotations

import time

from streams.errors import InvalidEvent
from streams.events import DEAD_LETTER
from streams.messages import Message
from streams.publisher import Outgoing

MAX_ERROR_CHARS = 2_000


def dead_letter(message: Message, fault: InvalidEvent) -> Outgoing:
    """The record that keeps a message that cannot be processed: its key, value and headers, and where it was."""
    notes = {
        "vitrine_reason": fault.reason,
        "vitrine_error": str(fault)[:MAX_ERROR_CHARS],
        "vitrine_topic": message.topic,
        "vitrine_partition": str(message.partition),
        "vitrine_offset": str(message.offset),
        "vitrine_time": str(int(time.time() * 1000)),
    }
    headers = dict(message.headers) | {name: note.encode(errors="replace") for name, note in notes.items()}
    return Outgoing(DEAD_LETTER, message.key, message.value, headers)
