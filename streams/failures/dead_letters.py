"""The dead-letter topic: what could not be processed, with its bytes and the reason."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from streams import metrics
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import origin_of, producer_headers
from streams.delivery.traces import trace_rejection
from streams.errors import InvalidEvent, Reason
from streams.events.schema import DEAD_LETTER

MAX_ERROR_CHARS = 2_000
REASON_HEADER = "vitrine_reason"
ERROR_HEADER = "vitrine_error"
TIME_HEADER = "vitrine_time"
UNKNOWN_REASON = "unknown"
"""The reason of dead letters that state none that is known here."""


@dataclass(frozen=True, slots=True)
class ReasonGuide:
    """What a reason says to whoever looks after the index."""

    description: str
    replay_helps: bool
    """Whether the very same message may be processed another time."""
    remedy: str


_CORRECT = "publish a corrected event"

REASON_GUIDES: Mapping[str, ReasonGuide] = {
    "undecodable": ReasonGuide("not JSON, or no value that says anything", False, _CORRECT),
    "invalid": ReasonGuide("a field of a wrong type, out of bounds or unknown", False, _CORRECT),
    "wrong_topic": ReasonGuide(
        "a type of event that does not belong on its topic", False, "publish it on its own topic"
    ),
    "too_old": ReasonGuide("too long ago to be ordered against deletions", False, "publish the present state"),
    "from_future": ReasonGuide("over 5 minutes ahead of the clock", True, "replay once its time has come"),
    "too_large": ReasonGuide("more than the index keeps of one product", False, "publish a smaller product"),
    "invalid_image": ReasonGuide("a picture that cannot be decoded", True, "mend it where it is, then replay"),
    "unreachable_image": ReasonGuide("a picture that nobody served in over an hour", True, "replay once it is served"),
    "invalid_video": ReasonGuide("a clip that cannot be decoded", True, "mend it where it is, then replay"),
    "unreachable_video": ReasonGuide("a clip that nobody served in over an hour", True, "replay once it is served"),
    "invalid_audio": ReasonGuide("a sound that cannot be decoded", True, "mend it where it is, then replay"),
    "unreachable_audio": ReasonGuide("a sound that was not had or not heard in over an hour", True, "replay later"),
    "internal": ReasonGuide("a fault of this program", True, "replay after an upgrade; please report it"),
    UNKNOWN_REASON: ReasonGuide(
        "a dead letter that states no known reason", True, "look at it with `vitrine dlq show`"
    ),
}
"""What each reason means, and what to do about it."""


def known_reason(reason: str) -> str:
    """The reason, or `UNKNOWN_REASON` when it is none of ours."""
    return reason if reason in get_args(Reason) else UNKNOWN_REASON


def route_rejected(rejected: Sequence[RejectedMessage]) -> list[OutgoingMessage]:
    """Dead letters for messages that can never be processed, counted by reason."""
    for message, fault in rejected:
        metrics.DEAD_LETTERS.labels(fault.reason).inc()
        trace_rejection(message, fault.reason)
    return [build_dead_letter(message, fault) for message, fault in rejected]


def build_dead_letter(message: Message, fault: InvalidEvent) -> OutgoingMessage:
    """A message for the dead-letter topic: the original bytes and headers, the reason, and where it first arrived."""
    notes = {
        REASON_HEADER: fault.reason,
        ERROR_HEADER: str(fault)[:MAX_ERROR_CHARS],
        TIME_HEADER: str(int(time.time() * 1000)),
    }
    headers = producer_headers(message) | origin_of(message).headers()
    headers |= {name: note.encode(errors="replace") for name, note in notes.items()}
    # aiokafka refuses a message that has neither a key nor a value.
    value = b"" if message.key is None and message.value is None else message.value
    return OutgoingMessage(DEAD_LETTER, message.key, value, headers)
