"""Whether this worker can answer searches, and what it answers from. Answered in time whatever hangs behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from encoders.liveness.vitals import Vitals
from indexer.errors import StoreUnavailable
from indexer.ports.changes import ChangeLog
from indexer.ports.products import ProductCounts, ProductStore
from query_api.search.response_builder import IndexStatus

ANSWER_S = 0.2
"""The longest that the answer waits for the product store."""
STORE_DEADLINE_S = 2.0
"""The longest that the question to the product store goes on."""
TRUSTED_S = 5.0
"""A store that is slower than `ANSWER_S` is there all the same if it has answered within so long."""


class StoreProbe:
    """Asks the product store how many products it has: one question at a time, however many want to know."""

    def __init__(self, store: ProductStore) -> None:
        self._store = store
        self._asking: asyncio.Task[ProductCounts] | None = None
        self._known: ProductCounts | None = None
        self._known_at = 0.0

    async def counts(self) -> ProductCounts:
        """The counts, or those of a moment ago. Raises `StoreUnavailable` where there are none."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            # Marks a failure as seen, where nobody waits for it any more.
            self._asking.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({self._asking}, timeout=ANSWER_S)
        if self._asking.done():
            return self._asking.result()
        if self._known is not None and asyncio.get_running_loop().time() - self._known_at <= TRUSTED_S:
            return self._known
        raise StoreUnavailable("has not answered in time")

    async def _ask(self) -> ProductCounts:
        try:
            async with asyncio.timeout(STORE_DEADLINE_S):
                self._known = await self._store.count()
        except TimeoutError as error:
            raise StoreUnavailable("has not answered in time") from error
        self._known_at = asyncio.get_running_loop().time()
        return self._known


@dataclass(frozen=True, slots=True)
class Readiness:
    """Asks the servers behind this worker how they are."""

    store: StoreProbe
    has_full_text: bool
    """Whether the index finds products by words."""
    change_log: ChangeLog
    index: IndexStatus
    lag: Callable[[], Mapping[str, int] | None]
    """How many events of each topic wait to be indexed; None: not known just now."""
    encoder_key: str
    recogniser_key: str | None
    """The model that listens; None: none does."""
    redis_deadline_s: float
    vitals: Vitals

    async def report(self) -> dict[str, Any]:
        """The document of `/readyz`; Redis and Kafka are reported, but searches go on without them.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        counts, has_redis = await asyncio.gather(self.store.counts(), self._redis_answers())
        lag = self._lag()
        parts = ("redis", has_redis), ("kafka", lag is not None), ("lexical", self.has_full_text)
        lacking = [part for part, is_there in parts if not is_there]
        return {
            "status": "ready",
            "generation": self.index.generation,
            "encoder": self.encoder_key,
            "recogniser": self.recogniser_key,
            "products": {"searchable": counts.searchable, "incomplete": counts.incomplete},
            "redis": has_redis,
            "index_age_ms": self.index.age_ms(),
            "lag": lag,
            "degraded": [*lacking, *self.vitals.degraded()],
        }

    def _lag(self) -> dict[str, int] | None:
        """Events that wait, under names that a path into the document can have: an autoscaler reads them."""
        lag = self.lag()
        if lag is None:
            return None
        return {topic.replace(".", "_").replace("-", "_"): count for topic, count in lag.items()}

    async def _redis_answers(self) -> bool:
        try:
            async with asyncio.timeout(self.redis_deadline_s):
                await self.change_log.position()
        except (StoreUnavailable, TimeoutError):
            return False
        return True
