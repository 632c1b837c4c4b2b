"""Candidates: dense and lexical search joined, and mended when products change afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from encoders.spec import FloatArray
from indexer.errors import StoreUnavailable
from indexer.ports import Candidate, Filters, Ids, ProductStore

WORN = 0.8
"""A cut candidate set that lost a fifth of its products is searched anew."""
GROWN = 1.25


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What to look for. Neither vector nor text: everything that passes the filters."""

    vector: FloatArray | None
    """Query vector (2·dim,), the parts' weights within."""
    text: str | None
    """Words for lexical search."""
    filters: Filters = ()


@dataclass(frozen=True, slots=True)
class Depth:
    """How many products searches return."""

    search: int = 1_000
    browse: int = 10_000


class Scored(Struct, frozen=True, array_like=True, gc=False):
    """A candidate with its raw scores."""

    product_id: str
    dense: float
    """Weighted similarity, exact; 0 without a vector."""
    lexical: float
    """BM25; 0 where lexical search did not reach it."""
    card: bytes


class CandidateSet(Struct, frozen=True, array_like=True):
    """Products among which to rank.

    Each search's share is a prefix of its full ranking: a product belongs when its dense score reaches
    `dense_floor` or its lexical score `lexical_floor`. So whether a changed product belongs can be told from its
    own new scores, and the set after `mend` is again such a prefix, with no search of the others.
    """

    items: list[Scored]
    dense_floor: float | None
    """The least dense score found, when the depth cut that search; None: it found all there is."""
    lexical_floor: float | None
    cut: bool
    """Whether products that match were left out."""
    size: int
    """How many products were found at first."""
    without_lexical: bool = False
    """Lexical search did not answer and was left out."""

    @property
    def is_worn(self) -> bool:
        """Whether it has changed so much that it no longer stands for a search of the full depth."""
        lost = self.cut and len(self.items) < WORN * self.size
        return lost or len(self.items) > GROWN * max(self.size, 100)


async def retrieve(store: ProductStore, retrieval: Retrieval, depth: Depth) -> CandidateSet:
    """Search for candidates. Raises `StoreUnavailable`, unless just the lexical half of a hybrid search failed."""
    if retrieval.vector is None and retrieval.text is None:
        found = await store.browse(retrieval.filters, depth.browse)
        items = [Scored(one.product_id, 0.0, 0.0, one.card) for one in found]
        return CandidateSet(items, None, None, len(items) >= depth.browse, len(items))
    dense, lexical = await asyncio.gather(
        _dense(store, retrieval, retrieval.filters, depth.search),
        _lexical(store, retrieval, retrieval.filters, depth.search),
    )
    missing = _missing(lexical or (), dense) if retrieval.vector is not None else []
    extra = await _dense(store, retrieval, (*retrieval.filters, Ids(tuple(missing))), len(missing)) if missing else []
    items = _join([*dense, *extra], lexical or ())
    floors = _floor(dense, depth.search), _floor(lexical or (), depth.search)
    # A product that lexical search left out may still be among the dense ones: only a cut dense search hides any.
    hidden = floors[0] if retrieval.vector is not None else floors[1]
    return CandidateSet(items, *floors, hidden is not None, len(items), lexical is None)


async def mend(store: ProductStore, retrieval: Retrieval, old: CandidateSet, changed: Sequence[str]) -> CandidateSet:
    """The candidates after `changed` products changed in the index: those are scored anew, the others stay."""
    gone = set(changed)
    fresh = await _fresh(store, retrieval, old, changed)
    items = [one for one in old.items if one.product_id not in gone] + fresh
    return CandidateSet(items, old.dense_floor, old.lexical_floor, old.cut, old.size)


async def _fresh(store: ProductStore, retrieval: Retrieval, old: CandidateSet, changed: Sequence[str]) -> list[Scored]:
    filters, limit = (*retrieval.filters, Ids(tuple(changed))), len(changed)
    if retrieval.vector is None and retrieval.text is None:
        return [Scored(one.product_id, 0.0, 0.0, one.card) for one in await store.browse(filters, limit)]
    dense, lexical = await asyncio.gather(
        _dense(store, retrieval, filters, limit), _lexical(store, retrieval, filters, limit)
    )
    if lexical is None:
        raise StoreUnavailable("lexical search did not answer")
    reached = [one for one in lexical if old.lexical_floor is None or one.score >= old.lexical_floor]
    return [one for one in _join(dense, reached) if one.lexical or _belongs(one, retrieval, old)]


def _belongs(one: Scored, retrieval: Retrieval, old: CandidateSet) -> bool:
    if retrieval.vector is None:
        return False
    return old.dense_floor is None or one.dense >= old.dense_floor


async def _dense(store: ProductStore, retrieval: Retrieval, filters: Filters, limit: int) -> list[Candidate]:
    return [] if retrieval.vector is None else await store.search_dense(retrieval.vector, filters, limit)


async def _lexical(store: ProductStore, retrieval: Retrieval, filters: Filters, limit: int) -> list[Candidate] | None:
    """None: it did not answer, and dense search can do without."""
    if retrieval.text is None:
        return []
    try:
        return await store.search_lexical(retrieval.text, filters, limit)
    except StoreUnavailable:
        if retrieval.vector is None:
            raise
        return None


def _missing(lexical: Sequence[Candidate], dense: Sequence[Candidate]) -> list[str]:
    known = {one.product_id for one in dense}
    return [one.product_id for one in lexical if one.product_id not in known]


def _join(dense: Collection[Candidate], lexical: Collection[Candidate]) -> list[Scored]:
    scores: Mapping[str, float] = {one.product_id: one.score for one in lexical}
    items = [Scored(one.product_id, one.score, scores.get(one.product_id, 0.0), one.card) for one in dense]
    known = {one.product_id for one in dense}
    return items + [Scored(one.product_id, 0.0, one.score, one.card) for one in lexical if one.product_id not in known]


def _floor(found: Sequence[Candidate], limit: int) -> float | None:
    return found[-1].score if len(found) >= limit else None
