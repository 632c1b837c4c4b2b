"""The recall of the live index, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from encoders.spec import EmbeddingSpec
from indexer.milvus.registry import Generation
from indexer.milvus.store import open_store_to_read
from query_api.evaluation.index_choice import IndexAdvice, advise_index
from query_api.evaluation.index_recall import RecallRow, StoredVectors, draw_queries, measure_recall, read_vectors
from vitrine.errors import VitrineError
from vitrine.generations.binding import open_registry
from vitrine.settings import Settings

_TRIED_PARAMETERS: Mapping[str, tuple[str, Sequence[int]]] = {
    "HNSW": ("hnsw_ef", (1_000, 1_500, 2_500, 4_000)),
    "IVF_FLAT": ("ivf_nprobe", (32, 64, 128, 256, 512)),
    "IVF_SQ8": ("ivf_nprobe", (32, 64, 128, 256, 512)),
}
"""The setting of each index that trades speed for recall, and its values that are tried."""


@dataclass(frozen=True, slots=True)
class RecallTrial:
    """Figures with some search parameters."""

    parameters: Mapping[str, int]
    rows: Sequence[RecallRow]


@dataclass(frozen=True, slots=True)
class RecallReport:
    """What was measured on a generation, and what follows."""

    generation: str
    index_type: str
    products: int
    k: int
    depth: int
    queries: int
    trials: Sequence[RecallTrial]
    advice: IndexAdvice


async def evaluate_recall(
    settings: Settings, k: int, queries: int, budget_ms: float, say: Callable[[str], None]
) -> RecallReport:
    """Measure the active generation.

    Raises:
        VitrineError: there is no index, or nothing is in it.
        StoreUnavailable: Milvus does not answer.
    """
    async with open_registry(settings.milvus) as registry:
        active = (await registry.read()).active
    if active is None:
        raise VitrineError("there is no index yet: publish products first")
    spec = EmbeddingSpec.from_key(active.encoder, active.dim)
    live = await _read_vectors(settings, active, say)
    if not live.product_ids:
        raise VitrineError("no searchable product is in the index: publish some first")
    drawn = draw_queries(spec, live, queries)
    index_type = active.index_type or settings.milvus.index_type
    trials: list[RecallTrial] = []
    for parameters in _parameters(index_type):
        say(f"measuring {index_type} {', '.join(f'{name} {one}' for name, one in parameters.items())}".rstrip())
        store = await open_store_to_read(replace(settings.milvus, **parameters), active)
        try:
            rows = await measure_recall(store, spec, live, drawn, k=k, depth=settings.query.candidates)
            trials.append(RecallTrial(parameters, rows))
        finally:
            await store.close()
    advice = advise_index(len(live.product_ids), index_type, [(one.parameters, one.rows) for one in trials], budget_ms)
    return RecallReport(
        active.collection, index_type, len(live.product_ids), k, settings.query.candidates, queries, trials, advice
    )


def _parameters(index_type: str) -> list[dict[str, int]]:
    if index_type not in _TRIED_PARAMETERS:
        return [{}]
    name, values = _TRIED_PARAMETERS[index_type]
    return [{name: value} for value in values]


async def _read_vectors(settings: Settings, generation: Generation, say: Callable[[str], None]) -> StoredVectors:
    say(f"reading the vectors of {generation.collection}")
    store = await open_store_to_read(settings.milvus, generation)
    try:
        return await read_vectors(store)
    finally:
        await store.close()
