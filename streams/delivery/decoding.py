"""From a message to an event."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from streams.delivery.messages import Message
from streams.delivery.retry_headers import first_arrival_ms
from streams.errors import InvalidEvent
from streams.events.cloudevents import decode_event
from streams.events.schema import Event


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far from now an event's time may lie and still be ordered safely against tombstones."""

    past_s: float = 30 * 86_400
    future_s: float = 300


def decode_message(
    message: Message, horizon: Horizon, now: Callable[[], float] = time.time, tombstones_delete: bool = True
) -> Event:
    """Decode a message into an event within the horizon.

    Args:
        message: of a topic of events.
        horizon: in which its time has to be.
        now: Unix seconds.
        tombstones_delete: whether a null value deletes the product of the key.

    Raises:
        InvalidEvent: it can never be processed.
    """
    deletes_key = message.key if tombstones_delete else None
    arrived_ms = first_arrival_ms(message)
    try:
        event = decode_event(message.topic, message.value, message.headers, arrived_ms, deletes_key)
        event = event if event.time_ms > 0 else _timed_by_arrival(event, arrived_ms, now)
    except (OverflowError, ValueError) as error:
        # Times at the very edge of the calendar, which no clock of ours can hold.
        raise InvalidEvent("invalid", f"a time is out of range: {error}") from error
    age_s = now() - event.time_ms / 1000
    if age_s > horizon.past_s:
        raise InvalidEvent("too_old", f"the event is {age_s:.0f} s old, at most {horizon.past_s:.0f} s can be ordered")
    if -age_s > horizon.future_s:
        raise InvalidEvent("from_future", f"the event is {-age_s:.0f} s ahead, at most {horizon.future_s:.0f} s may be")
    return event


def _timed_by_arrival(event: Event, timestamp_ms: int, now: Callable[[], float]) -> Event:
    """An event without a time as of now: where its version orders it, so that another arrival changes nothing."""
    if not isinstance(getattr(event.data, "version", None), int):
        raise InvalidEvent(
            "invalid",
            f"the event has no time, neither its own nor Kafka's (the message's timestamp is {timestamp_ms}), and no"
            " version: nothing orders it; state `time` or `version`, or have the producer set timestamps",
        )
    return structs.replace(event, time_ms=int(now() * 1000))
