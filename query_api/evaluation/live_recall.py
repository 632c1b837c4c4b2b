"""Recall of a live index: measured with each of the search parameters that trade speed for recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from encoders.spec import EmbeddingSpec
from indexer.ports.products import ProductStore
from query_api.errors import NotEnoughData
from query_api.evaluation.index_choice import IndexAdvice, advise_index
from query_api.evaluation.index_recall import RecallRow, StoredVectors, draw_queries, measure_recall, read_vectors

_TRIED_PARAMETERS: Mapping[str, tuple[str, Sequence[int]]] = {
    "HNSW": ("hnsw_ef", (1_000, 1_500, 2_500, 4_000)),
    "IVF_FLAT": ("ivf_nprobe", (32, 64, 128, 256, 512)),
    "IVF_SQ8": ("ivf_nprobe", (32, 64, 128, 256, 512)),
}
"""By index type, the setting under `milvus` that trades speed for recall, and its values that are tried."""


@dataclass(frozen=True, slots=True)
class LiveIndex:
    """A generation of the index, to be measured."""

    generation: str
    index_type: str
    """As `milvus.index_type` names it: FLAT, HNSW, IVF_FLAT, …"""
    spec: EmbeddingSpec
    open_store: Callable[[Mapping[str, int]], AbstractAsyncContextManager[ProductStore]]
    """Opens it to be read, with these settings under `milvus` in place of those in force."""


@dataclass(frozen=True, slots=True)
class RecallTrial:
    """Figures with some search parameters."""

    parameters: Mapping[str, int]
    """Settings under `milvus`; empty: those in force."""
    rows: Sequence[RecallRow]


@dataclass(frozen=True, slots=True)
class RecallReport:
    """What was measured on a generation, and what follows."""

    generation: str
    index_type: str
    products: int
    k: int
    depth: int
    """How many products each search looked for."""
    queries: int
    """Queries of each kind, under each filter."""
    trials: Sequence[RecallTrial]
    advice: IndexAdvice


async def evaluate_recall(
    index: LiveIndex, *, k: int, depth: int, queries: int, budget_ms: float, say: Callable[[str], None]
) -> RecallReport:
    """Compare the searches of an index with exact search over the vectors that it holds.

    Args:
        index: what is measured; nothing should be written to it meanwhile.
        k: how many of the best are compared.
        depth: how many each search looks for, as the query worker does.
        queries: of each kind, under each filter.
        budget_ms: how long the slowest kind of search may take at the median.
        say: is told what is being done.

    Raises:
        NotEnoughData: no searchable product is in the index.
        StoreUnavailable: the store does not answer.
    """
    stored = await _read_vectors(index, say)
    if not stored.product_ids:
        raise NotEnoughData("no searchable product is in the index: publish some first")
    drawn = draw_queries(index.spec, stored, queries)
    trials: list[RecallTrial] = []
    for parameters in _tried_parameters(index.index_type):
        shown = ", ".join(f"{name} {value}" for name, value in parameters.items())
        say(f"measuring {index.index_type} {shown}".rstrip())
        async with index.open_store(parameters) as store:
            rows = await measure_recall(store, index.spec, stored, drawn, k=k, depth=depth)
        trials.append(RecallTrial(parameters, rows))
    tried = [(trial.parameters, trial.rows) for trial in trials]
    advice = advise_index(len(stored.product_ids), index.index_type, tried, budget_ms)
    return RecallReport(index.generation, index.index_type, len(stored.product_ids), k, depth, queries, trials, advice)


async def _read_vectors(index: LiveIndex, say: Callable[[str], None]) -> StoredVectors:
    say(f"reading the vectors of {index.generation}")
    async with index.open_store({}) as store:
        return await read_vectors(store)


def _tried_parameters(index_type: str) -> list[dict[str, int]]:
    if index_type not in _TRIED_PARAMETERS:
        return [{}]
    name, values = _TRIED_PARAMETERS[index_type]
    return [{name: value} for value in values]
