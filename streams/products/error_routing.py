"""Error routing: messages, and media, that cannot be processed are tried again later or become dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexer.errors import InvalidRecord
from indexer.media.keys import MEDIA_FIELDS
from streams import metrics
from streams.delivery.bisecting import reject_failed
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.publisher import OutgoingMessage
from streams.errors import InvalidEvent, Reason
from streams.failures.dead_letters import route_rejected
from streams.failures.delay_lines import next_retry
from streams.products.generation_role import GenerationRole
from streams.products.ingest import IngestedEvent


def reject_failed_event(event: IngestedEvent, error: Exception) -> RejectedMessage:
    """Reject an event that alone cannot be indexed."""
    return reject_failed(event.message, error, "too_large" if isinstance(error, InvalidRecord) else "internal")


def route_media_faults(
    events: Sequence[IngestedEvent], faults: Mapping[str, Sequence[InvalidEvent]], role: GenerationRole
) -> list[OutgoingMessage]:
    """What to publish of pictures, clips and sounds that failed: for each product one record a kind of fault.

    A broken one is a dead letter at once. One that is out of reach is tried again along the delay lines, once for all
    that a product lacks, and is a dead letter when the last of them has been tried.

    Args:
        events: of the products.
        faults: by product id; none is empty.
        role: of this worker.
    """
    outgoing: list[OutgoingMessage] = []
    for product_id, product_faults in faults.items():
        message = _message_at_fault(event for event in events if event.product_id == product_id)
        outgoing += _route_product_faults(message, _by_reason(product_faults), role)
    return outgoing


def _route_product_faults(
    message: Message, faults: Sequence[InvalidEvent], role: GenerationRole
) -> list[OutgoingMessage]:
    outgoing: list[OutgoingMessage] = []
    is_retried = False
    for fault in faults:
        retry = next_retry(message, role.generation) if fault.reason.startswith("unreachable") else None
        if retry is None:
            outgoing += route_rejected([RejectedMessage(message, fault)] if role.reports_on(message) else [])
        elif role.may_retry(message) and not is_retried:
            metrics.PICTURE_RETRIES.inc()
            outgoing.append(retry)
            is_retried = True
    return outgoing


def _by_reason(faults: Sequence[InvalidEvent]) -> list[InvalidEvent]:
    """One fault for each reason, with all their messages."""
    messages: dict[Reason, list[str]] = {}
    for fault in faults:
        messages.setdefault(fault.reason, []).append(str(fault))
    return [InvalidEvent(reason, "; ".join(texts)) for reason, texts in messages.items()]


def _message_at_fault(events: Iterable[IngestedEvent]) -> Message:
    """The message whose media they are: the latest that states any, else the latest retry, else the latest."""
    ordered = list(events)
    stating = [
        event.message for event in ordered if event.attempt is None and any(map(event.change.fields.get, MEDIA_FIELDS))
    ]
    retries = [event.message for event in ordered if event.attempt is not None]
    return (stating or retries or [ordered[-1].message])[-1]
