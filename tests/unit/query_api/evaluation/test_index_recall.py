"""Recall of an index against exact search, and what it says of the index to use."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts, normalise_rows
from indexer.criteria import Filters
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.products import ScoredIds
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from query_api.evaluation.index_choice import advise_index
from query_api.evaluation.index_recall import (
    WEIGHTS,
    RecallRow,
    draw_queries,
    measure_recall,
    price_filters,
    read_vectors,
    recall_at,
)

SPEC = EmbeddingSpec("test", "1", 8)


class Forgetful(InMemoryProductStore):
    """Finds every other product."""

    async def search_dense(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        found = await super().search_dense(vector, filters, limit)
        return ScoredIds(found.ids[::2], found.scores[::2])


async def filled(store: InMemoryProductStore) -> InMemoryProductStore:
    """300 products, of which each third has no picture; one of four has no price."""
    rng = np.random.default_rng(1)
    for at in range(300):
        text, image = normalise_rows(rng.standard_normal((2, SPEC.dim)).astype(np.float32))
        fields = {"title": "x"} | ({"price": float(at)} if at % 4 else {})
        state = ProductState().merge(
            ProductChange(f"p{at:03d}", EventStamp(1, "s", "e"), fields, replaces_all_fields=True)
        )
        vector = fuse_parts(SPEC, text, image if at % 3 else None)
        await store.write([build_row(f"p{at:03d}", StoredProduct(state, "hash"), vector)])
    return store


@pytest.mark.parametrize(("kind", "low", "high"), [(InMemoryProductStore, 1.0, 1.0), (Forgetful, 0.5, 0.7)])
async def test_recall_is_what_is_found_of_the_best(kind: type[InMemoryProductStore], low: float, high: float) -> None:
    store = await filled(kind(SPEC))
    stored = await read_vectors(store)
    rows = await measure_recall(store, SPEC, stored, draw_queries(SPEC, stored, 5), k=10, depth=20)
    assert {row.weights for row in rows} == set(WEIGHTS) and len(rows) == 4 * 5
    assert all(low <= row.recall <= high for row in rows if row.kept > 0.05 and row.weights != "image")


async def test_filters_keep_the_shares_that_they_are_to_keep() -> None:
    stored = await read_vectors(await filled(InMemoryProductStore(SPEC)))
    shares = {round(kept.share, 2): int(kept.passing.sum()) for kept in price_filters(stored)}
    assert shares == {1.0: 300, 0.5: 150, 0.1: 30, 0.01: 3, 0.0: 1}


def test_equal_scores_are_equally_right_and_nothing_counts_twice() -> None:
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    query, passing = np.array([1, 0], np.float32), np.array([True, True, True, True])
    assert recall_at(2, query, vectors, passing, [2, 0]) == 1.0
    assert recall_at(2, query, vectors, passing, [2, 2]) == 0.5
    assert recall_at(2, query, vectors, passing, [None, 3]) == 0.0
    assert recall_at(2, query, vectors, ~passing, []) == 1.0


def row(recall: float, p50_ms: float) -> RecallRow:
    return RecallRow("text", 1.0, recall, recall, p50_ms, p50_ms)


def test_a_fast_scan_stays_and_a_slow_one_makes_way() -> None:
    assert advise_index(100_000, "FLAT", [({}, [row(1, 20.0), row(1, 5.0)])], 50.0).settings == {
        "milvus.index_type": "FLAT"
    }
    advice = advise_index(1_000_000, "FLAT", [({}, [row(1, 200.0)])], 50.0)
    assert advice.settings == {"milvus.index_type": "HNSW"} and "250,000" in advice.reason


def test_of_parameters_that_find_enough_the_fastest_are_chosen() -> None:
    tried = [
        ({"hnsw_ef": ef}, [row(recall, ms)]) for ef, recall, ms in ((500, 0.97, 3), (1_000, 0.985, 5), (2_000, 1, 9))
    ]
    chosen = advise_index(1_000_000, "HNSW", tried, 50.0).settings
    assert chosen == {"milvus.index_type": "HNSW", "milvus.hnsw_ef": 1_000}
    assert advise_index(9_000, "HNSW", tried[:1], 50.0).settings == {"milvus.index_type": "FLAT"}
