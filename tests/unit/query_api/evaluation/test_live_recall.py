"""The recall of a live index, with each of its search parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from encoders.spec import FloatArray
from indexer.criteria import Filters
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.products import ProductStore, ScoredIds
from query_api.errors import NotEnoughData
from query_api.evaluation.live_recall import LiveIndex, RecallReport, evaluate_recall
from tests.unit.query_api.evaluation.test_index_recall import SPEC, filled


class EfStore(InMemoryProductStore):
    """Finds every other product unless `ef` is at least 2,500."""

    ef = 0

    async def search_dense(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        found = await super().search_dense(vector, filters, limit)
        return found if self.ef >= 2_500 else ScoredIds(found.ids[::2], found.scores[::2])


async def evaluate(store: EfStore, index_type: str, opened: list[Mapping[str, int]]) -> RecallReport:
    open_stores = 0

    @asynccontextmanager
    async def open_store(parameters: Mapping[str, int]) -> AsyncIterator[ProductStore]:
        nonlocal open_stores
        opened.append(parameters)
        open_stores += 1
        store.ef = parameters.get("hnsw_ef", 2_500)
        yield store
        open_stores -= 1

    index = LiveIndex("products_1", index_type, SPEC, open_store)
    report = await evaluate_recall(index, k=10, depth=20, queries=3, budget_ms=1_000, say=lambda _: None)
    assert open_stores == 0
    return report


async def test_an_approximate_index_is_measured_with_each_value_and_the_first_that_finds_enough_is_advised() -> None:
    opened: list[Mapping[str, int]] = []
    report = await evaluate(await filled(EfStore(SPEC)), "HNSW", opened)
    assert opened == [{}, *({"hnsw_ef": ef} for ef in (1_000, 1_500, 2_500, 4_000))]
    lowest = [min(row.recall for row in trial.rows) for trial in report.trials]
    assert all(recall < 0.9 for recall in lowest[:2]) and lowest[2:] == [1.0, 1.0]
    assert (report.generation, report.products, report.queries) == ("products_1", 300, 3)
    assert report.advice.settings["milvus.index_type"] == "HNSW"
    assert report.advice.settings["milvus.hnsw_ef"] in (2_500, 4_000)


async def test_an_exact_index_is_measured_once() -> None:
    opened: list[Mapping[str, int]] = []
    report = await evaluate(await filled(EfStore(SPEC)), "FLAT", opened)
    assert opened == [{}, {}] and [trial.parameters for trial in report.trials] == [{}]
    assert report.advice.settings == {"milvus.index_type": "FLAT"}


async def test_an_empty_index_has_no_recall() -> None:
    with pytest.raises(NotEnoughData, match="no searchable product"):
        await evaluate(EfStore(SPEC), "FLAT", [])
