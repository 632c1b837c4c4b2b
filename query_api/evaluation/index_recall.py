"""How much of what exact search finds the index finds, and how fast: on the products that are in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoders.spec import EmbeddingSpec, FloatArray, PartWeights, fused_query_vector, normalise_rows, split_parts
from indexer.criteria import Filters, Range
from indexer.ports import ProductStore
from indexer.rows import is_searchable

PAGE = 256
WEIGHTS: Mapping[str, PartWeights] = {
    "text": PartWeights(1.0, 0.0),
    "image": PartWeights(0.0, 1.0),
    "mixed": PartWeights(0.5, 0.5),
    "negative": PartWeights(1.0, -0.4),
}
"""Of the products' parts; of queries that ask for all kinds of them."""
FILTER_SHARES = (1.0, 0.5, 0.1, 0.01, 0.001)
"""Of the products that filters keep."""
QUERY_NOISE = 0.5
"""Length of the random vector that makes a query of a product's unit part, which it then is like but does not equal."""
SCORE_TOLERANCE = 1e-5
"""Scores that are nearer than this are equal: engines sum in another order."""


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """The searchable products, as they are stored."""

    product_ids: Sequence[str]
    vectors: FloatArray
    """(n, 2·dim)."""
    prices: NDArray[np.float64]
    """(n,); not a number where there is none."""


@dataclass(frozen=True, slots=True)
class SelectiveFilter:
    """A filter and what it keeps."""

    share: float
    filters: Filters
    passing: NDArray[np.bool_]
    """(n,)."""


@dataclass(frozen=True, slots=True)
class RecallRow:
    """The figures of one kind of query under one filter."""

    weights: str
    kept: float
    """The share of products that the filter keeps, as it came out."""
    recall: float
    worst: float
    """Of the query with the least."""
    p50_ms: float
    p99_ms: float


async def read_vectors(store: ProductStore, progress: Callable[[int], None] = lambda _: None) -> StoredVectors:
    """All searchable products of a store; it takes some twenty seconds for 100,000. Raises `StoreUnavailable`."""
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
    live: StoredVectors, seed: int = 0, shares: Sequence[float] = FILTER_SHARES
) -> Iterator[SelectiveFilter]:
    """Ranges of prices that keep about such shares of the products, as far as prices tell them apart."""
    rng = np.random.default_rng(seed)
    ordered = np.sort(live.prices[~np.isnan(live.prices)])
    for share in shares:
        wanted = max(1, round(share * len(live.prices)))
        if share == 1.0:
            yield SelectiveFilter(1.0, (), np.ones(len(live.prices), bool))
        elif wanted <= len(ordered):
            start = int(rng.integers(0, len(ordered) - wanted + 1))
            low, high = float(ordered[start]), float(ordered[start + wanted - 1])
            passing = (live.prices >= low) & (live.prices <= high)
            yield SelectiveFilter(float(passing.mean()), (Range("price", gte=low, lte=high),), passing)


def draw_queries(spec: EmbeddingSpec, live: StoredVectors, count: int, seed: int = 0) -> list[tuple[FloatArray, ...]]:
    """Unit text and image vectors (dim,) near those of random products; where one has no picture, near its text."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(live.product_ids), count, replace=len(live.product_ids) < count)
    queries: list[tuple[FloatArray, ...]] = []
    for at in chosen:
        text, image = split_parts(spec, live.vectors[at])
        parts = (text if text.any() else image, image if image.any() else text)
        noise = normalise_rows(rng.standard_normal((2, spec.dim)).astype(np.float32)) * np.float32(QUERY_NOISE)
        queries.append(tuple(normalise_rows((np.stack(parts) + noise).astype(np.float32))))
    return queries


async def measure_recall(
    store: ProductStore,
    spec: EmbeddingSpec,
    live: StoredVectors,
    queries: Sequence[tuple[FloatArray, ...]],
    *,
    k: int,
    depth: int,
    progress: Callable[[], None] = lambda: None,
) -> list[RecallRow]:
    """Recall and latency of dense search for all weights under all filters.

    Args:
        store: what is measured.
        spec: of its vectors.
        live: the products in it; nothing should be written meanwhile.
        queries: text and image vectors (dim,).
        k: how many of the best are looked at.
        depth: how many are searched for, as the query worker does.
        progress: is told of each row.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    rows: list[RecallRow] = []
    for name, weights in WEIGHTS.items():
        vectors = [fused_query_vector(spec, text, image, weights) for text, image in queries]
        for kept in price_filters(live):
            rows.append(await _row(store, live, name, vectors, kept, k, depth))
            progress()
    return rows


async def _row(
    store: ProductStore,
    live: StoredVectors,
    name: str,
    vectors: Sequence[FloatArray],
    kept: SelectiveFilter,
    k: int,
    depth: int,
) -> RecallRow:
    places = {product_id: at for at, product_id in enumerate(live.product_ids)}
    recalls: list[float] = []
    took_ms: list[float] = []
    for vector in vectors:
        started_s = time.perf_counter()
        found = await store.search_dense(vector, kept.filters, max(k, depth))
        took_ms.append((time.perf_counter() - started_s) * 1000)
        recalls.append(recall_at(k, vector, live.vectors, kept.passing, [places.get(one.product_id) for one in found]))
    p50, p99 = np.percentile(took_ms, [50, 99])
    return RecallRow(name, kept.share, float(np.mean(recalls)), min(recalls), float(p50), float(p99))


def recall_at(
    k: int, vector: FloatArray, vectors: FloatArray, passing: NDArray[np.bool_], found: Sequence[int | None]
) -> float:
    """The share of the k best rows of `vectors` (n, d) that pass which are among the first k found.

    Equal scores are equally right. A row that was found twice, or does not pass, counts for nothing.
    """
    scores = np.where(passing, vectors @ vector, -np.inf)
    best = min(k, int(passing.sum()))
    if not best:
        return 1.0
    least = np.partition(scores, len(scores) - best)[len(scores) - best] - SCORE_TOLERANCE
    right = {at for at in found[:k] if at is not None and scores[at] >= least}
    return min(1.0, len(right) / best)
