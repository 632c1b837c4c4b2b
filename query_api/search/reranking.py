"""The best candidates scored once more by a ranker that sees query and product together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoders.port import Ranker
from encoders.spec import FloatArray
from encoders.tracing.spans import traced
from indexer.errors import StoreUnavailable
from indexer.ports.products import ProductStore
from query_api.search.ranking import rank_candidates
from query_api.search.results import RankedResults


@dataclass(frozen=True, slots=True)
class RerankLimits:
    """How many of the best candidates a ranker scores, and what it adds."""

    candidates: int = 100
    weight: float = 0.1
    """What its relevance, from 0 to 1, adds to a score."""


class Reranker:
    """The fifth stage of a search: adds a ranker's relevance to the scores of the best candidates.

    What it costs is bounded by `RerankLimits.candidates`: one read of so many vectors, and one pass through the ranker.
    """

    def __init__(self, ranker: Ranker | None, store: ProductStore, limits: RerankLimits) -> None:
        """Args: ranker: None: results stay as they are."""
        self._ranker = ranker
        self._store = store
        self._limits = limits

    async def rerank(self, results: RankedResults) -> RankedResults:
        """Results in the ranker's order; the same ones without a ranker, its weight or a query vector.

        Where the product store does not answer, the order stays and `ranker` is degraded.
        """
        retrieval, scoring = results.retrieval, results.scoring
        if self._ranker is None or not self._limits.weight or retrieval is None or scoring is None:
            return results
        if retrieval.vector is None:
            return results
        best = results.ranked[: self._limits.candidates].ids
        try:
            scores = await self._scores(self._ranker, best, retrieval.vector)
        except StoreUnavailable:
            return replace(results, degraded=(*results.degraded, "ranker"))
        scoring = replace(scoring, ranker_scores=scores)
        ranked = rank_candidates(results.ranked.candidates, scoring, results.cards)
        return replace(results, ranked=ranked, scoring=scoring)

    @traced("rerank")
    async def _scores(self, ranker: Ranker, product_ids: Sequence[str], query: FloatArray) -> dict[str, float]:
        """What the ranker adds, by product id; nothing for a product that has just gone.

        Args:
            query: query vector (2·dim,).
        """
        stored = await self._store.read(product_ids)
        if not stored:
            return {}
        products = np.stack([vector for _, vector in stored.values()])
        relevance = await asyncio.to_thread(ranker.scores, query, products)
        return dict(zip(stored, (self._limits.weight * relevance).tolist(), strict=True))
