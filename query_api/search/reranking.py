"""The best candidates scored once more by a ranker that sees query and product together."""

from __future__ import annotations

import asyncio

import numpy as np

from indexer.errors import StoreUnavailable
from query_api.ports import QueryPorts
from query_api.search.ranking import rank_candidates
from query_api.search.response_builder import RankedResults


class Reranker:
    """Adds a ranker's relevance to the scores of the best candidates; they stay before all others.

    With no ranker, or where there is no query vector, nothing is done. What it costs is bounded by
    `query.ranker_candidates`: one read of so many vectors, and one pass through the ranker.
    """

    def __init__(self, services: QueryPorts) -> None:
        self._services = services

    async def rerank(self, answer: RankedResults) -> list[str]:
        """Reorder an answer; returns what is degraded: without the vectors the order stays as it is."""
        config = self._services.config
        if (
            self._services.ranker is None
            or answer.query_vector is None
            or answer.rank_weights is None
            or not config.ranker_weight
        ):
            return []
        best = [one.candidate.product_id for one in answer.ranked[: config.ranker_candidates]]
        try:
            answer.ranker_scores = await self._ranker_scores(best, answer.query_vector)
        except StoreUnavailable:
            return ["ranker"]
        items = [one.candidate for one in answer.ranked]
        answer.ranked = rank_candidates(
            items, answer.rank_weights, answer.taste, answer.read_payload, answer.ranker_scores
        )
        return []

    async def _ranker_scores(self, product_ids: list[str], query: np.ndarray) -> dict[str, float]:
        """What the ranker adds, by product id; nothing for a product that has just gone."""
        stored = await self._services.store.read(product_ids)
        if self._services.ranker is None or not stored:
            return {}
        products = np.stack([vector for _, vector in stored.values()])
        relevance = await asyncio.to_thread(self._services.ranker.scores, query, products)
        weight = self._services.config.ranker_weight
        return dict(zip(stored, (weight * relevance).tolist(), strict=True))
