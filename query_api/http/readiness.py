"""Whether this worker can answer searches, and what it answers from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from indexer.errors import StoreUnavailable
from indexer.ports import ChangeLog, ProductStore
from query_api.search.response_builder import IndexStatus

READINESS_DEADLINE_S = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Asks the servers behind this worker how they are."""

    store: ProductStore
    change_log: ChangeLog
    index: IndexStatus
    lag: Callable[[], Mapping[str, int] | None]
    """How many events of each topic wait to be indexed; None: not known just now."""
    encoder_key: str
    redis_deadline_s: float

    async def report(self) -> dict[str, Any]:
        """The document of `/readyz`; Redis is reported, but searches go on without it.

        Raises:
            StoreUnavailable, TimeoutError: the product store does not answer.
        """
        async with asyncio.timeout(READINESS_DEADLINE_S):
            counts = await self.store.count()
        return {
            "status": "ready",
            "generation": self.index.generation,
            "encoder": self.encoder_key,
            "products": {"searchable": counts.searchable, "incomplete": counts.incomplete},
            "redis": await self._redis_answers(),
            "index_age_ms": self.index.age_ms(),
            "lag": self._lag(),
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
