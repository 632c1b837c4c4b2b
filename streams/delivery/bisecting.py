"""Finding the messages at fault in a batch that fails as a whole."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from streams.delivery.messages import Message, RejectedMessage
from streams.errors import InvalidEvent, PartitionsLost, Reason

Item = TypeVar("Item")

log = logging.getLogger(__name__)


async def bisect(
    items: Sequence[Item], process: Callable[[Sequence[Item]], Awaitable[object]]
) -> list[tuple[Item, Exception]]:
    """Process a batch in order; where that fails, process its halves, down to the single items that fail alone.

    Args:
        items: the batch; none is nothing to do.
        process: may be called again with what it has failed on, so it has to be idempotent.

    Returns:
        The items that fail alone, with their errors.

    Raises:
        PartitionsLost: as `process` raises it, since no item is at fault then.
    """
    if not items:
        return []
    try:
        await process(items)
    except PartitionsLost:
        raise
    except Exception as error:
        if len(items) == 1:
            return [(items[0], error)]
    else:
        return []
    middle = len(items) // 2
    return [*await bisect(items[:middle], process), *await bisect(items[middle:], process)]


def reject_failed(message: Message, error: Exception, reason: Reason = "internal") -> RejectedMessage:
    """Reject a message that breaks the program itself: it must not end the worker again and again."""
    log.error("event_failed", exc_info=error, extra={"partition": message.partition, "offset": message.offset})
    return RejectedMessage(message, InvalidEvent(reason, f"{type(error).__name__}: {error}"))
