"""The candidates of a search plan: from the cache, or embedded and retrieved."""

from __future__ import annotations

from dataclasses import dataclass

from query_api.cache.cached_retrieval import CachedRetriever, CandidateRequest, RetrievedCandidates
from query_api.embedding.query_vectors import QueryEmbedder
from query_api.search.planning import SearchPlan


@dataclass(frozen=True, slots=True)
class IndexKey:
    """What cached candidates belong to."""

    generation: str
    encoder_key: str


class CandidateFinder:
    """The third stage of a search."""

    def __init__(self, retriever: CachedRetriever, embedder: QueryEmbedder, index: IndexKey) -> None:
        self._retriever = retriever
        self._embedder = embedder
        self._index = index

    async def find(self, plan: SearchPlan, use_cache: bool) -> RetrievedCandidates:
        """The candidates of a plan; the query vector is made only where the cache does not know it.

        Raises:
            InvalidRequest: a picture, the clip or the product cannot be searched with.
            EncoderBusy: the encoder, or a decoder before it, was late.
            StoreUnavailable: the product store does not answer.
        """
        return await self._retriever.retrieve(
            CandidateRequest(
                cache_key=plan.cache_key(self._index.generation, self._index.encoder_key) if use_cache else None,
                retrieval=plan.retrieval_query(None),
                embed=(lambda: self._embedder.embed(plan.parts_to_embed, plan.part_weights))
                if plan.parts_to_embed
                else None,
                query_product_ids=plan.query_product_ids,
            )
        )
