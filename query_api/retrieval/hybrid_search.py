"""Candidates: dense and lexical search joined, and mended when products change afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from encoders.spec import FloatArray
from indexer.criteria import Filters, Ids, SortOrder
from indexer.errors import StoreUnavailable
from indexer.ports import Candidate, ProductStore

MIN_KEPT_SHARE = 0.8
"""A cut candidate set that lost a fifth of its products is searched anew."""
MAX_GROWTH = 1.25


@dataclass(frozen=True, slots=True)
class RetrievalQuery:
    """What to look for. Neither vector nor text: everything that passes the filters."""

    vector: FloatArray | None
    """Query vector (2·dim,), the parts' weights within."""
    text: str | None
    """Words for lexical search."""
    filters: Filters = ()
    order: SortOrder | None = None
    """Without a query: which of the products that pass come first; None: by product id."""
    browse_limit: int | None = None
    """Without a query: how many of them are wanted; None: as many as the depth says."""

    @property
    def is_browse(self) -> bool:
        """Whether there is no query."""
        return self.vector is None and self.text is None


@dataclass(frozen=True, slots=True)
class RetrievalLimits:
    """How many products searches return."""

    search: int = 1_000
    browse: int = 10_000


class ScoredCandidate(Struct, frozen=True, array_like=True, gc=False):
    """A candidate with its raw scores."""

    product_id: str
    dense: float
    """Weighted similarity, exact; 0 without a vector."""
    lexical: float
    """BM25, exact; 0 where it shares no term with the text."""
    payload: bytes


class CandidateSet(Struct, frozen=True, array_like=True):
    """Products among which to rank.

    Each search's share is a prefix of its full ranking: a product belongs when its dense score reaches
    `dense_floor` or its lexical score `lexical_floor`. So whether a changed product belongs can be told from its
    own new scores, and the set after `refresh` is again such a prefix, with no search of the others.
    """

    items: list[ScoredCandidate]
    dense_floor: float | None
    """The least dense score found, when the depth cut that search; None: it found all there is."""
    lexical_floor: float | None
    is_truncated: bool
    """Whether products that match were left out."""
    initial_size: int
    """How many products were found at first."""
    without_lexical: bool = False
    """Lexical search did not answer and was left out."""
    match_count: int | None = None
    """How many products match, where they were counted; None: with a query."""

    @property
    def unretrieved_count(self) -> int:
        """How many products match beyond those here, where they were counted."""
        return max(0, self.match_count - len(self.items)) if self.match_count is not None else 0

    def covers(self, wanted: int | None) -> bool:
        """Whether the first `wanted` products without a query are all here."""
        return wanted is None or not self.unretrieved_count or len(self.items) >= wanted

    @property
    def is_refreshable(self) -> bool:
        """Whether a changed product's own scores tell if it belongs: not where the first of many were fetched."""
        return not (self.is_truncated and self.match_count is not None)

    @property
    def is_stale(self) -> bool:
        """Whether it has changed so much that it no longer stands for a search of the full depth."""
        lost = self.is_truncated and len(self.items) < MIN_KEPT_SHARE * self.initial_size
        return lost or len(self.items) > MAX_GROWTH * max(self.initial_size, 100)


async def retrieve(store: ProductStore, retrieval: RetrievalQuery, depth: RetrievalLimits) -> CandidateSet:
    """Search for candidates. Raises `StoreUnavailable`, unless just the lexical half of a hybrid search failed."""
    if retrieval.is_browse:
        return await _browse(store, retrieval, retrieval.browse_limit or depth.browse)
    dense, lexical = await asyncio.gather(
        _dense(store, retrieval, retrieval.filters, depth.search),
        _lexical(store, retrieval, retrieval.filters, depth.search),
    )
    floors = _score_floor(dense, depth.search), _score_floor(lexical or (), depth.search)
    dense_of, lexical_of = await asyncio.gather(
        _missing_dense_scores(store, retrieval, _ids_missing_from(lexical or (), dense)),
        # A search that was not cut has found all that share a term.
        _missing_lexical_scores(store, retrieval, _ids_missing_from(dense, lexical) if lexical else [], floors[1]),
    )
    items = _join(dense, lexical or (), dense_of, lexical_of or {})
    # A product that lexical search left out may still be among the dense ones: only a cut dense search hides any.
    hidden = floors[0] if retrieval.vector is not None else floors[1]
    return CandidateSet(items, *floors, hidden is not None, len(items), None in (lexical, lexical_of))


async def _browse(store: ProductStore, retrieval: RetrievalQuery, limit: int) -> CandidateSet:
    found, matching = await asyncio.gather(
        store.browse(retrieval.filters, limit, retrieval.order), store.count_matching(retrieval.filters)
    )
    items = [ScoredCandidate(one.product_id, 0.0, 0.0, one.payload) for one in found]
    # Products may have come or gone between the two looks.
    matching = max(matching, len(items)) if len(items) >= limit else len(items)
    return CandidateSet(items, None, None, len(items) < matching, len(items), match_count=matching)


async def refresh(
    store: ProductStore, retrieval: RetrievalQuery, old: CandidateSet, changed: Sequence[str]
) -> CandidateSet:
    """The mendable candidates after `changed` products changed: those are scored anew, the others stay."""
    gone = set(changed)
    fresh = await _rescore_changed(store, retrieval, old, changed)
    items = [one for one in old.items if one.product_id not in gone] + fresh
    matching = None if old.match_count is None else len(items)
    return CandidateSet(
        items, old.dense_floor, old.lexical_floor, old.is_truncated, old.initial_size, match_count=matching
    )


async def _rescore_changed(
    store: ProductStore, retrieval: RetrievalQuery, old: CandidateSet, changed: Sequence[str]
) -> list[ScoredCandidate]:
    filters, limit = (*retrieval.filters, Ids(tuple(changed))), len(changed)
    if retrieval.is_browse:
        return [ScoredCandidate(one.product_id, 0.0, 0.0, one.payload) for one in await store.browse(filters, limit)]
    dense, lexical = await asyncio.gather(
        _dense(store, retrieval, filters, limit), _lexical(store, retrieval, filters, limit)
    )
    if lexical is None:
        raise StoreUnavailable("lexical search did not answer")
    return [one for one in _join(dense, lexical) if _belongs(one, retrieval, old)]


def _belongs(one: ScoredCandidate, retrieval: RetrievalQuery, old: CandidateSet) -> bool:
    if one.lexical and (old.lexical_floor is None or one.lexical >= old.lexical_floor):
        return True
    return retrieval.vector is not None and (old.dense_floor is None or one.dense >= old.dense_floor)


async def _dense(store: ProductStore, retrieval: RetrievalQuery, filters: Filters, limit: int) -> list[Candidate]:
    return [] if retrieval.vector is None else await store.search_dense(retrieval.vector, filters, limit)


async def _missing_dense_scores(
    store: ProductStore, retrieval: RetrievalQuery, product_ids: Sequence[str]
) -> dict[str, float]:
    if retrieval.vector is None or not product_ids:
        return {}
    return await store.score_dense(retrieval.vector, product_ids)


async def _missing_lexical_scores(
    store: ProductStore, retrieval: RetrievalQuery, product_ids: Sequence[str], floor: float | None
) -> dict[str, float] | None:
    """Of products that a search cut at `floor` did not reach: what they share with the text counts all the same."""
    if retrieval.text is None or floor is None or not product_ids:
        return {}
    try:
        found = await store.score_lexical(retrieval.text, product_ids)
        # None can have more; Lite 3 says so all the same, as it takes terms to be as rare as among these products.
        return {product_id: min(floor, score) for product_id, score in found.items()}
    except StoreUnavailable:
        return None


async def _lexical(
    store: ProductStore, retrieval: RetrievalQuery, filters: Filters, limit: int
) -> list[Candidate] | None:
    """None: it did not answer, and dense search can do without."""
    if retrieval.text is None:
        return []
    try:
        return await store.search_lexical(retrieval.text, filters, limit)
    except StoreUnavailable:
        if retrieval.vector is None:
            raise
        return None


def _ids_missing_from(found: Sequence[Candidate], among: Sequence[Candidate]) -> list[str]:
    known = {one.product_id for one in among}
    return [one.product_id for one in found if one.product_id not in known]


def _join(
    dense: Sequence[Candidate],
    lexical: Sequence[Candidate],
    dense_of: Mapping[str, float] | None = None,
    lexical_of: Mapping[str, float] | None = None,
) -> list[ScoredCandidate]:
    """Both searches' products, each once, with the scores that the one or the other did not tell."""
    words = {one.product_id: one.score for one in lexical}
    words.update(lexical_of or {})
    known = {one.product_id for one in dense}
    nearness = dense_of or {}
    items = [ScoredCandidate(one.product_id, one.score, words.get(one.product_id, 0.0), one.payload) for one in dense]
    return items + [
        ScoredCandidate(one.product_id, nearness.get(one.product_id, 0.0), one.score, one.payload)
        for one in lexical
        if one.product_id not in known
    ]


def _score_floor(found: Sequence[Candidate], limit: int) -> float | None:
    return found[-1].score if len(found) >= limit else None
