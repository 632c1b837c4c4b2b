"""Telling the query workers which products changed, whether or not Redis can be told just now."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from indexer.errors import StoreUnavailable
from indexer.ports import ChangeLog

log = logging.getLogger(__name__)


class CacheInvalidator:
    """Appends to the change log, and keeps what it could not append for the next time.

    Redis holds caches, not truth: that it is away must not hold the index back. While it is, no cached result is
    served either; those that outlive the outage do so for their time to live at most.
    """

    def __init__(self, changes: ChangeLog) -> None:
        self._changes = changes
        self._unsent: dict[str, None] = {}

    async def invalidate(self, product_ids: Sequence[str]) -> None:
        """Note products whose rows have just become durable."""
        self._unsent |= dict.fromkeys(product_ids)
        if not self._unsent:
            return
        owed = list(self._unsent)
        try:
            await self._changes.append(owed)
        except StoreUnavailable as error:
            log.warning("change_log_unavailable", extra={"owed": len(owed), "error": str(error)[:300]})
            return
        for product_id in owed:
            self._unsent.pop(product_id, None)
