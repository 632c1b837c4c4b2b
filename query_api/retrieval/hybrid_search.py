"""Candidates: dense and lexical search joined, and refreshed when products change afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from encoders.tracing.spans import MILVUS, traced
from indexer.criteria import Filters, Ids, SortOrder
from indexer.errors import StoreUnavailable
from indexer.ports.products import NOTHING_FOUND, ProductStore, ScoredIds
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.retrieval.candidate_set import CandidateSet, RetrievalLimits, RetrievalQuery


class Retriever:
    """Searches a product store for candidates, the same number whatever page is asked for. Safe to use concurrently.

    Every method raises `StoreUnavailable` when the store does not answer.
    """

    def __init__(self, store: ProductStore, limits: RetrievalLimits) -> None:
        self._store = store
        self.limits = limits

    @traced("retrieve", "client", MILVUS)
    async def retrieve(self, query: RetrievalQuery) -> CandidateSet:
        """Search for candidates; where just the lexical half of a hybrid search fails, without that half."""
        if query.is_browse:
            return await self._browse(query, query.browse_limit or self.limits.browse)
        return await self._search(query, self.limits.browse if query.is_deep else self.limits.search)

    @traced("refresh", "client", MILVUS)
    async def refresh(self, query: RetrievalQuery, old: CandidateSet, changed: Sequence[str]) -> CandidateSet:
        """Refreshable candidates after products changed: those are scored anew, the others stay as they are.

        Args:
            query: by which the candidates were retrieved, with its vector.
            old: candidates whose `is_refreshable` is true.
            changed: ids of products that changed or were deleted since.
        """
        fresh = await self._rescore_changed(query, old, changed)
        items = old.items.without(changed).joined(fresh)
        match_count = None if old.match_count is None else len(items)
        unwanted = {*old.unwanted}.difference(changed).union(await self._unwanted(query, fresh.ids))
        return CandidateSet(
            items,
            old.dense_floor,
            old.lexical_floor,
            old.is_truncated,
            old.initial_size,
            match_count=match_count,
            unwanted=tuple(sorted(unwanted)),
        )

    async def browse(self, filters: Filters, limit: int, order: SortOrder | None = None) -> CandidateColumns:
        """The first `limit` products that pass the filters, with no scores; without an order, by product id."""
        return CandidateColumns.unscored(await self._store.browse(filters, limit, order))

    async def score_product(self, query: RetrievalQuery, product_id: str) -> ScoredCandidate | None:
        """One product's exact scores, whatever the query's filters; None: it has neither vector nor matching word."""
        alone = replace(query, filters=(Ids((product_id,)),))
        candidates = await self._browse(alone, 1) if alone.is_browse else await self._search(alone, 1)
        return candidates.items[0] if candidates.items else None

    async def _search(self, query: RetrievalQuery, limit: int) -> CandidateSet:
        dense, lexical = await asyncio.gather(
            self._dense(query, query.filters, limit), self._lexical(query, query.filters, limit)
        )
        words = NOTHING_FOUND if lexical is None else lexical
        floors = _score_floor(dense, limit), _score_floor(words, limit)
        dense_scores, lexical_scores = await asyncio.gather(
            self._missing_dense_scores(query, [] if query.vector is None else _ids_missing_from(words, dense)),
            # A search that was not cut has found all that share a term.
            self._missing_lexical_scores(
                query, [] if floors[1] is None else _ids_missing_from(dense, words), floors[1]
            ),
        )
        items = _join(dense, words, dense_scores, lexical_scores or {})
        # A product that lexical search left out may still be among the dense ones: only a cut dense search hides any.
        hidden = floors[0] if query.vector is not None else floors[1]
        return CandidateSet(
            items,
            *floors,
            hidden is not None,
            len(items),
            None in (lexical, lexical_scores),
            unwanted=await self._unwanted(query, items.ids),
        )

    async def _unwanted(self, query: RetrievalQuery, product_ids: Sequence[str]) -> tuple[str, ...]:
        """Those of products that hold unwanted words; where all that match are sorted, nobody asks."""
        if query.unwanted is None or query.is_deep or not product_ids:
            return ()
        suited = await self._store.browse((Ids(tuple(product_ids)), query.unwanted), len(product_ids))
        return tuple(sorted({*product_ids}.difference(suited)))

    async def _browse(self, query: RetrievalQuery, limit: int) -> CandidateSet:
        items, matching = await asyncio.gather(
            self.browse(query.filters, limit, query.order), self._store.count_matching(query.filters)
        )
        # Products may have come or gone between the two reads.
        matching = max(matching, len(items)) if len(items) >= limit else len(items)
        return CandidateSet(items, None, None, len(items) < matching, len(items), match_count=matching)

    async def _rescore_changed(
        self, query: RetrievalQuery, old: CandidateSet, changed: Sequence[str]
    ) -> CandidateColumns:
        filters, limit = (*query.filters, Ids(tuple(changed))), len(changed)
        if query.is_browse:
            return await self.browse(filters, limit)
        dense, lexical = await asyncio.gather(self._dense(query, filters, limit), self._lexical(query, filters, limit))
        if lexical is None:
            raise StoreUnavailable("lexical search did not answer")
        fresh = _join(dense, lexical)
        return fresh.kept(_belonging(fresh, query, old))

    async def _dense(self, query: RetrievalQuery, filters: Filters, limit: int) -> ScoredIds:
        return NOTHING_FOUND if query.vector is None else await self._store.search_dense(query.vector, filters, limit)

    async def _lexical(self, query: RetrievalQuery, filters: Filters, limit: int) -> ScoredIds | None:
        """None: it did not answer, and dense search can do without."""
        if query.text is None:
            return NOTHING_FOUND
        try:
            return await self._store.search_lexical(query.text, filters, limit)
        except StoreUnavailable:
            if query.vector is None:
                raise
            return None

    async def _missing_dense_scores(self, query: RetrievalQuery, product_ids: Sequence[str]) -> Mapping[str, float]:
        if query.vector is None or not product_ids:
            return {}
        return await self._store.score_dense(query.vector, product_ids)

    async def _missing_lexical_scores(
        self, query: RetrievalQuery, product_ids: Sequence[str], floor: float | None
    ) -> Mapping[str, float] | None:
        """Lexical scores of products that a search cut at `floor` did not reach; words that they share count.

        None: the store did not answer.
        """
        if query.text is None or floor is None or not product_ids:
            return {}
        try:
            alone = (Ids(tuple(product_ids)),)
            scores = await self._store.search_lexical(query.text, alone, len(product_ids))
            # None can have more; Lite 3 says so all the same, as it takes terms to be as rare as among these products.
            return {product_id: min(floor, score) for product_id, score in scores.by_id().items()}
        except StoreUnavailable:
            return None


def _belonging(fresh: CandidateColumns, query: RetrievalQuery, old: CandidateSet) -> NDArray[np.bool_]:
    """Which of the candidates are among the results of a search that was cut where the old one was; (n,)."""
    belong = fresh.lexical >= np.float32(old.lexical_floor or 0.0)
    belong &= fresh.lexical > 0.0
    if query.vector is not None:
        belong |= old.dense_floor is None or fresh.dense >= np.float32(old.dense_floor)
    return belong


def _ids_missing_from(found: ScoredIds, among: ScoredIds) -> list[str]:
    """The ids that one search found and another did not."""
    known = set(among.ids)
    return [product_id for product_id in found.ids if product_id not in known]


def _join(
    dense: ScoredIds,
    lexical: ScoredIds,
    dense_scores: Mapping[str, float] | None = None,
    lexical_scores: Mapping[str, float] | None = None,
) -> CandidateColumns:
    """Both searches' products, each once, with the scores that one search or the other did not tell."""
    places = dict(zip(dense.ids, range(len(dense)), strict=True))
    of_words = [places.setdefault(product_id, len(places)) for product_id in lexical.ids] if len(lexical) else []
    similarities, words = np.zeros(len(places), np.float32), np.zeros(len(places), np.float32)
    for column, others in ((similarities, dense_scores), (words, lexical_scores)):
        if others:
            column[_places_of(others, places)] = np.fromiter(others.values(), np.float32, len(others))
    similarities[: len(dense)] = dense.scores
    words[np.array(of_words, np.intp)] = lexical.scores
    ids = sorted(places)
    order = _places_of(ids, places)
    return CandidateColumns(ids, similarities[order], words[order])


def _places_of(product_ids: Collection[str], places: Mapping[str, int]) -> NDArray[np.intp]:
    return np.fromiter(map(places.__getitem__, product_ids), np.intp, len(product_ids))


def _score_floor(found: ScoredIds, limit: int) -> float | None:
    """The least score of a search that its limit cut; None: it was not cut."""
    return float(found.scores[-1]) if len(found) >= limit else None
