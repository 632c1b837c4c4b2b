"""A fusion ranker trained from judged queries, on the vectors that the index has of their products."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from encoders.ranking.ranker import FusionRanker, RankerConfig, RankerInputs
from encoders.ranking.training import RankerTrainingConfig, RelevanceJudgment, train_ranker
from encoders.spec import FloatArray, fused_query_vector, split_parts
from indexer.milvus.registry import Generations
from query_api.config import QueryConfig
from query_api.contract.requests import Weights
from query_api.embedding.query_vectors import part_weights
from query_api.evaluation.judgments import JudgedQuery
from query_api.wiring import QueryPorts
from vitrine.errors import VitrineError
from vitrine.generations.binding import open_registry
from vitrine.settings import Settings
from vitrine.wiring.gate_services import open_gate_services

UNJUDGED_NEIGHBOURS = 50
"""Products found for a query that nobody judged, which count as wrong."""


async def train_ranker_for_index(
    settings: Settings, queries: Sequence[JudgedQuery], output: Path, config: RankerTrainingConfig
) -> list[float]:
    """Train a ranker for the active generation, and write it; returns the mean loss of each epoch.

    Raises:
        VitrineError: there is no index, or none of the judged products is in it.
        IndexerError, EncoderError: Milvus does not answer, or the encoder cannot be loaded.
    """
    async with open_registry(settings.milvus) as registry:
        found: Generations = await registry.read()
    if found.active is None:
        raise VitrineError("there is no index yet: publish products first")
    async with open_gate_services(settings, found.active) as services:
        asked, products, judged = await ranker_examples(services, queries)
    spec = services.encoder.spec
    torch.manual_seed(config.seed)
    ranker = FusionRanker(RankerConfig(spec.key, spec.dim))
    losses = await asyncio.to_thread(train_ranker, ranker, asked, products, judged, config)
    ranker.save(output)
    return losses


async def ranker_examples(
    services: QueryPorts, queries: Sequence[JudgedQuery]
) -> tuple[RankerInputs, RankerInputs, list[RelevanceJudgment]]:
    """Queries, products and what is known of their pairs; raises `VitrineError` when no judged product is indexed."""
    encoder, thread = services.encoder, services.encoder_thread
    texts = [one.text for one in queries]
    asked = await asyncio.get_running_loop().run_in_executor(thread, encoder.encode_texts, texts)
    relevance = [await _relevance(services, one, row) for one, row in zip(queries, asked, strict=True)]
    stored = await services.store.read(sorted({product_id for some in relevance for product_id in some}))
    rows = {product_id: row for row, product_id in enumerate(stored)}
    judged = [
        RelevanceJudgment(query, rows[product_id], value)
        for query, some in enumerate(relevance)
        for product_id, value in some.items()
        if product_id in rows
    ]
    if not any(one.relevance for one in judged):
        raise VitrineError("no judged product is in the index: publish those that the judgments speak of")
    halves = [split_parts(encoder.spec, vector) for _, vector in stored.values()]
    text, image = (torch.from_numpy(np.stack(side)) for side in zip(*halves, strict=True))
    both = torch.from_numpy(asked)
    return RankerInputs(both, both), RankerInputs(text, image), judged


async def _relevance(services: QueryPorts, query: JudgedQuery, asked: FloatArray) -> dict[str, float]:
    """From 0 to 1 by product id: the judged ones, and near ones that nobody judged as 0."""
    weights = part_weights(QueryConfig(), Weights(), ("text",))
    vector = fused_query_vector(services.encoder.spec, asked, None, weights)
    near = await services.store.search_dense(vector, (), UNJUDGED_NEIGHBOURS)
    most = max(query.gains.values(), default=0.0) or 1.0
    return {one.product_id: 0.0 for one in near} | {name: gain / most for name, gain in query.gains.items()}
