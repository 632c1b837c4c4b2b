"""The dead-letter topic: what could not be processed, with its bytes and the reason."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from streams.errors import InvalidEvent, Reason
from streams.events import DEAD_LETTER
from streams.messages import Message
from streams.publisher import Outgoing
from streams.retries import origin, own_headers

MAX_ERROR_CHARS = 2_000
REASON = "vitrine_reason"
ERROR = "vitrine_error"
TIME = "vitrine_time"
UNKNOWN = "unknown"
"""The reason of dead letters that state none that is known here."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason says to whoever looks after the index."""

    text: str
    replay_helps: bool
    """Whether the very same message may be processed another time."""
    remedy: str


_CORRECT = "publish a corrected event"

MEANINGS: Mapping[str, Meaning] = {
    "undecodable": Meaning("not JSON, or no value at all", False, _CORRECT),
    "invalid": Meaning("a field of a wrong type, out of bounds or unknown", False, _CORRECT),
    "wrong_topic": Meaning("a type of event that does not belong on its topic", False, "publish it on its own topic"),
    "too_old": Meaning("too long ago to be ordered against deletions", False, "publish the present state"),
    "from_future": Meaning("over 5 minutes ahead of the clock", True, "replay once its time has come"),
    "too_large": Meaning("more than the index keeps of one product", False, "publish a smaller product"),
    "invalid_image": Meaning("a picture that cannot be decoded", True, "mend it where it is, then replay"),
    "unreachable_image": Meaning("a picture that nobody served in over an hour", True, "replay once it is served"),
    "invalid_video": Meaning("a clip that cannot be decoded", True, "mend it where it is, then replay"),
    "unreachable_video": Meaning("a clip that nobody served in over an hour", True, "replay once it is served"),
    "invalid_audio": Meaning("a sound that cannot be decoded", True, "mend it where it is, then replay"),
    "unreachable_audio": Meaning("a sound that was not had or not heard in over an hour", True, "replay later"),
    "internal": Meaning("a fault of this program", True, "replay after an upgrade; please report it"),
    UNKNOWN: Meaning("a dead letter that states no known reason", True, "look at it with `vitrine dlq show`"),
}
"""What is behind each reason, and the way out."""


def known_reason(reason: str) -> str:
    """The reason, or `UNKNOWN` when it is none of ours."""
    return reason if reason in get_args(Reason) else UNKNOWN


def dead_letter(message: Message, fault: InvalidEvent) -> Outgoing:
    """The record that keeps a message that cannot be processed: its key, value and headers, and where it first was."""
    notes = {REASON: fault.reason, ERROR: str(fault)[:MAX_ERROR_CHARS], TIME: str(int(time.time() * 1000))}
    headers = own_headers(message) | origin(message).headers()
    headers |= {name: note.encode(errors="replace") for name, note in notes.items()}
    # Kafka's client takes nothing that has neither a key nor a value.
    value = b"" if message.key is None and message.value is None else message.value
    return Outgoing(DEAD_LETTER, message.key, value, headers)
