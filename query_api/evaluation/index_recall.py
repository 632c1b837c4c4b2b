"""Recall and latency of an index's vector search, against exact search over the products that are in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.spec import EmbeddingSpec, FloatArray, PartWeights, fused_query_vector, normalise_rows, split_parts
from indexer.criteria import Filters, Range
from indexer.ports.products import ProductStore
from indexer.rows import is_searchable

PAGE = 256
WEIGHTS: Mapping[str, PartWeights] = {
    "text": PartWeights(1.0, 0.0),
    "image": PartWeights(0.0, 1.0),
    "mixed": PartWeights(0.5, 0.5),
    "negative": PartWeights(1.0, -0.4),
}
"""By name, the part weights of the kinds of queries that are measured."""
FILTER_SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
"""The shares of products that the measured filters keep."""
QUERY_NOISE = 0.5
"""Length of the random vector that is added to a product's unit part, so that the query is near it, not equal."""
SCORE_TOLERANCE = 1e-5
"""Scores that differ by less count as equal: engines sum in different orders."""


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """The n searchable products of a store."""

    product_ids: Sequence[str]
    vectors: FloatArray
    """(n, 2·dim) float32."""
    prices: NDArray[np.float64]
    """(n,) float64; NaN where a product has none."""


@dataclass(frozen=True, slots=True)
class SelectiveFilter:
    """A filter, and the products that pass it."""

    share: float
    """Of all products."""
    filters: Filters
    passing: NDArray[np.bool_]
    """(n,) bool."""


@dataclass(frozen=True, slots=True)
class RecallRow:
    """What was measured of one kind of query under one filter."""

    weights: str
    """The kind of query, a key of `WEIGHTS`."""
    kept: float
    """The share of products that pass the filter."""
    recall: float
    """Mean over the queries."""
    worst: float
    """The recall of the query with the lowest."""
    p50_ms: float
    p99_ms: float


async def read_vectors(store: ProductStore, progress: Callable[[int], None] = lambda _: None) -> StoredVectors:
    """Read all searchable products of a store; 100,000 take some twenty seconds.

    Args:
        store: what is read.
        progress: is told how many products have been read.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    ids: list[str] = []
    vectors: list[FloatArray] = []
    prices: list[float] = []
    last = ""
    while page := await store.scan(last, PAGE):
        last = max(page)
        for product_id, (stored, vector) in page.items():
            if is_searchable(stored):
                ids.append(product_id)
                vectors.append(vector)
                prices.append(float(stored.state.fields.get("price", np.nan)))
        progress(len(ids))
    return StoredVectors(ids, np.stack(vectors) if vectors else np.zeros((0, 2), np.float32), np.array(prices))


def price_filters(
    stored: StoredVectors, seed: int = 0, shares: Sequence[float] = FILTER_SHARES
) -> Iterator[SelectiveFilter]:
    """Random ranges of prices that keep about the given shares of the products.

    Products of equal price pass together, so that a share may come out higher. A share of 1 is no filter; shares that
    are larger than that of the products with a price are left out.
    """
    rng = np.random.default_rng(seed)
    ordered = np.sort(stored.prices[~np.isnan(stored.prices)])
    for share in shares:
        count = max(1, round(share * len(stored.prices)))
        if share == 1.0:
            yield SelectiveFilter(1.0, (), np.ones(len(stored.prices), bool))
        elif count <= len(ordered):
            start = int(rng.integers(0, len(ordered) - count + 1))
            low, high = float(ordered[start]), float(ordered[start + count - 1])
            passing = (stored.prices >= low) & (stored.prices <= high)
            yield SelectiveFilter(float(passing.mean()), (Range("price", gte=low, lte=high),), passing)


def draw_queries(spec: EmbeddingSpec, stored: StoredVectors, count: int, seed: int = 0) -> list[tuple[FloatArray, ...]]:
    """Draw queries near random products.

    Args:
        spec: of the vectors.
        stored: the products; one is drawn twice only if there are fewer than `count`.
        count: how many queries.
        seed: of the drawing.

    Returns:
        For each query unit vectors (dim,) float32 near a product's text and image part; a part that the product lacks
        is replaced by the other.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(stored.product_ids), count, replace=len(stored.product_ids) < count)
    queries: list[tuple[FloatArray, ...]] = []
    for at in chosen:
        text, image = split_parts(spec, stored.vectors[at])
        parts = (text if text.any() else image, image if image.any() else text)
        noise = normalise_rows(rng.standard_normal((2, spec.dim)).astype(np.float32)) * np.float32(QUERY_NOISE)
        queries.append(tuple(normalise_rows((np.stack(parts) + noise).astype(np.float32))))
    return queries


async def measure_recall(
    store: ProductStore,
    spec: EmbeddingSpec,
    stored: StoredVectors,
    queries: Sequence[tuple[FloatArray, ...]],
    *,
    k: int,
    depth: int,
    progress: Callable[[], None] = lambda: None,
) -> list[RecallRow]:
    """Measure recall and latency of dense search, for each of `WEIGHTS` under each of `FILTER_SHARES`.

    Args:
        store: what is measured; nothing should be written to it meanwhile.
        spec: of its vectors.
        stored: the products in it.
        queries: text and image vectors (dim,) float32 of each.
        k: how many of the best are compared.
        depth: how many each search looks for, as the query worker does.
        progress: called after each row.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    rows: list[RecallRow] = []
    for name, weights in WEIGHTS.items():
        vectors = [fused_query_vector(spec, text, image, weights) for text, image in queries]
        for selective in price_filters(stored):
            rows.append(await _row(store, stored, name, vectors, selective, k, depth))
            progress()
    return rows


async def _row(
    store: ProductStore,
    stored: StoredVectors,
    name: str,
    vectors: Sequence[FloatArray],
    selective: SelectiveFilter,
    k: int,
    depth: int,
) -> RecallRow:
    positions = {product_id: at for at, product_id in enumerate(stored.product_ids)}
    recalls: list[float] = []
    took_ms: list[float] = []
    for vector in vectors:
        started_s = time.perf_counter()
        candidates = await store.search_dense(vector, selective.filters, max(k, depth))
        took_ms.append((time.perf_counter() - started_s) * 1000)
        found = [positions.get(product_id) for product_id in candidates.ids]
        recalls.append(recall_at(k, vector, stored.vectors, selective.passing, found))
    p50, p99 = np.percentile(took_ms, [50, 99])
    return RecallRow(name, selective.share, float(np.mean(recalls)), min(recalls), float(p50), float(p99))


def recall_at(
    k: int, vector: FloatArray, vectors: FloatArray, passing: NDArray[np.bool_], found: Sequence[int | None]
) -> float:
    """Recall@k of one search against exact search.

    A row that scores as high as the k-th best is right, whichever of several equal ones exact search would return. A
    row that was found twice counts once, one that does not pass not at all.

    Args:
        k: how many of the best are compared.
        vector: (d,) float32, the query.
        vectors: (n, d) float32, of all rows.
        passing: (n,) bool, the rows that pass the filter.
        found: positions of the rows that the search returned, best first; None: a row that is not among them.

    Returns:
        The share of the k best passing rows that are among the first k found; 1 if none passes.
    """
    scores = np.where(passing, vectors @ vector, -np.inf)
    best_count = min(k, int(passing.sum()))
    if not best_count:
        return 1.0
    least = np.partition(scores, len(scores) - best_count)[len(scores) - best_count] - SCORE_TOLERANCE
    right = {at for at in found[:k] if at is not None and scores[at] >= least}
    return min(1.0, len(right) / best_count)
