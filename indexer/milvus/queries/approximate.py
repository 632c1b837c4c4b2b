"""Exact scores from an approximate index: the index proposes candidates, and a scan of those alone scores them.

An approximate index over fused vectors answers well only for the weights that it was built with. So the parts of the
vector are indexed by themselves beside the whole. A query takes candidates from the parts that its weights ask for and
from the whole, and scores their union by the fused vectors, for which there is no index. Filters that leave few
products make an approximate index lose hits: then all that pass are scored.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Protocol

import numpy as np

from encoders.spec import FloatArray
from indexer.criteria import Filters, Ids
from indexer.milvus.limits import DEFAULT_LIMITS
from indexer.ports.products import ScoredIds

TEXT_FIELD, IMAGE_FIELD, JOINT_FIELD = "text_vector", "image_vector", "joint_vector"
"""Where an approximate index finds products by their text part, by their image part, and by both as stored."""


class VectorIndex(Protocol):
    """An engine's approximate fields, and the exact one."""

    async def nearest(self, field: str, vector: FloatArray, filters: Filters, limit: int) -> list[str]:
        """Ids of products about nearest to a vector (2·dim,) or (dim,) in one of the fields; some may be missing."""
        ...

    async def exact(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        """Products by inner product with a fused vector (2·dim,), greatest first, every one of them looked at."""
        ...

    async def count_matching(self, filters: Filters) -> int:
        """About how many products pass the filters."""
        ...


async def search_with_rescoring(
    index: VectorIndex,
    vector: FloatArray,
    filters: Filters,
    limit: int,
    exact_below: int,
    proposed: int = DEFAULT_LIMITS.proposed,
) -> ScoredIds:
    """Products by inner product with `vector` (2·dim,), greatest first.

    Args:
        index: where to look.
        vector: the query, the parts' weights within.
        filters: all must hold.
        limit: how many products at most.
        exact_below: with no more products than this that pass the filters, all of them are scored.
        proposed: candidates that each field proposes at least.
    """
    fields = _searched_fields(vector)
    if not fields or any(isinstance(criterion, Ids) for criterion in filters):
        return await index.exact(vector, filters, limit)
    matching, depth = await index.count_matching(filters), max(limit, proposed)
    if matching <= max(exact_below, depth):
        return await index.exact(vector, filters, limit)
    near = await asyncio.gather(*(index.nearest(name, part, filters, depth) for name, part in fields.items()))
    if min(map(len, near)) < depth:
        # It says itself that it lost hits to the filters: more pass than it found.
        return await index.exact(vector, filters, limit)
    ids = Ids(tuple(dict.fromkeys(chain.from_iterable(near))))
    # The filters again: a product may have changed since it was proposed.
    return await index.exact(vector, (*filters, ids), limit)


def _searched_fields(vector: FloatArray) -> dict[str, FloatArray]:
    """The fields of an approximate index that a query (2·dim,) has a part for, each with that part."""
    text, image = np.split(vector, 2)
    parts = {name: part for name, part in ((TEXT_FIELD, text), (IMAGE_FIELD, image)) if np.any(part)}
    # What the index of a part misses by chance, that of the whole may still find.
    return parts | {JOINT_FIELD: vector} if parts else {}
