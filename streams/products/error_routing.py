"""What happens to events, and to pictures, that cannot be processed: another try later, or a dead letter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from streams import metrics
from streams.delivery.decoding import MEDIA_FIELDS
from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import attempt_number
from streams.errors import InvalidEvent, Reason
from streams.failures.dead_letters import build_dead_letter
from streams.failures.delay_lines import next_retry
from streams.products.generation_role import GenerationRole
from streams.products.ingest import IngestedEvent, RejectedMessage


def route_rejected(refused: Sequence[RejectedMessage]) -> list[OutgoingMessage]:
    """Dead letters for messages that can never be processed, counted by reason."""
    for _, fault in refused:
        metrics.DEAD_LETTERS.labels(fault.reason).inc()
    return [build_dead_letter(message, fault) for message, fault in refused]


def route_media_faults(
    accepted: Sequence[IngestedEvent], faults: Mapping[str, Sequence[InvalidEvent]], voice: GenerationRole
) -> list[OutgoingMessage]:
    """What to publish of pictures, clips and sounds that failed, by product id: one record for each kind of fault.

    A broken one is a dead letter at once. One that is out of reach is tried again along the delay lines, and is a
    dead letter when the last of them has been tried.
    """
    outgoing: list[OutgoingMessage] = []
    for product_id, its in faults.items():
        if not its:
            continue
        message = _message_at_fault(one for one in accepted if one.product_id == product_id)
        reasons: list[Reason] = list(dict.fromkeys(fault.reason for fault in its))
        is_tried_again = False
        for reason in reasons:
            fault = InvalidEvent(reason, "; ".join(str(one) for one in its if one.reason == reason))
            again = next_retry(message, voice.generation) if reason.startswith("unreachable") else None
            if again and voice.may_retry(message):
                # Once for all that the product lacks.
                if not is_tried_again:
                    metrics.PICTURE_RETRIES.inc()
                    outgoing.append(again)
                is_tried_again = True
            elif not again and voice.reports_on(message):
                outgoing += route_rejected([(message, fault)])
    return outgoing


def _message_at_fault(about: Iterable[IngestedEvent]) -> Message:
    """The message whose media they are: the latest that states them, else the one that asked to try again."""
    ordered = list(about)
    states = [
        one.message
        for one in ordered
        if attempt_number(one.message) is None and any(map(one.change.fields.get, MEDIA_FIELDS))
    ]
    asks = [one.message for one in ordered if attempt_number(one.message) is not None]
    return (states or asks or [ordered[-1].message])[-1]
