"""What answers showed, remembered behind them: no answer waits for it, nor fails by it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from indexer.errors import StoreUnavailable
from indexer.ports.impressions import Impression, ImpressionStore
from query_api import metrics
from query_api.contract.requests import SearchRequest

log = logging.getLogger(__name__)

WAITING = 400
"""Answers that wait to be written, at most, so some 800 a second: more are a load that learns nothing new by itself."""
NOBODYS_WAITING = 100
"""Of answers that name nobody, at most, so some 200 a second: a store keeps some thousands of an hour, and under load
what is written would push out what was written just before."""
A_WRITE = 50
"""So that an event loop is held for a millisecond, not ten."""
LINGER_S = 0.5
"""How long the first of a batch waits for others."""
_SHARES = 2**32


class _Answered(NamedTuple):
    request: SearchRequest
    query_id: str
    time_s: float
    variant: str
    shown: bytes


class ImpressionLog:
    """Takes down what answers showed; `run` writes it. For one event loop."""

    def __init__(
        self, store: ImpressionStore | None, share: float = 1.0, variant: Callable[[str], str] = lambda _: ""
    ) -> None:
        """Bind to a store.

        Args:
            store: None: nothing is remembered.
            share: of the answers, those that are, from 0 to 1.
            variant: what the variant of a shopper is called; of nobody in particular, empty.
        """
        self._store = store
        self._below = int(share * _SHARES)
        self._variant = variant
        self._waiting: deque[_Answered] = deque()
        self._nobodys = self._skipped = 0
        self._some = asyncio.Event()

    @property
    def is_on(self) -> bool:
        """Whether anything is remembered."""
        return self._store is not None and self._below > 0

    def note(self, request: SearchRequest, query_id: str, shown: bytes) -> None:
        """An answer was made.

        Args:
            query_id: random, hexadecimal: it says which answers are in the share.
            shown: as `indexer.shown_hits` packs it; empty: nothing to remember.
        """
        if not shown or self._store is None:
            return
        if self._below < _SHARES and int(query_id[:8], 16) >= self._below:
            return
        is_nobodys = not request.user_id
        if len(self._waiting) >= WAITING or (is_nobodys and self._nobodys >= NOBODYS_WAITING):
            # Counted with the batch: under load, this is most answers.
            self._skipped += 1
            return
        self._nobodys += is_nobodys
        variant = self._variant(request.user_id) if request.user_id else ""
        self._waiting.append(_Answered(request, query_id, time.time(), variant, shown))
        self._some.set()

    async def run(self) -> None:
        """Write what was taken down, until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(LINGER_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits. What the store does not take is lost, and counted."""
        self._some.clear()
        metrics.IMPRESSIONS.labels("skipped").inc(self._skipped)
        self._nobodys = self._skipped = 0
        while self._store is not None and self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(A_WRITE, len(self._waiting)))]
            try:
                await self._store.remember([self._impression(answered) for answered in batch])
            except StoreUnavailable as error:
                metrics.IMPRESSIONS.labels("lost").inc(len(batch))
                log.warning("impressions_lost", extra={"count": len(batch), "error": str(error)[:300]})
            else:
                metrics.IMPRESSIONS.labels("remembered").inc(len(batch))

    def _impression(self, answered: _Answered) -> Impression:
        request = answered.request
        return Impression(
            answered.query_id,
            int(answered.time_s * 1000),
            request.text or "",
            request.offset,
            answered.variant,
            answered.shown,
            request.user_id or "",
        )
