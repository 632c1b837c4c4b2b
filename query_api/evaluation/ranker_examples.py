"""What a ranker of candidates is trained on: judged queries with the vectors that the index has of their products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray, PartWeights, fused_query_vector, split_parts
from indexer.ports.products import ProductStore
from query_api.errors import NotEnoughData
from query_api.evaluation.judgments import JudgedQuery

UNJUDGED_NEIGHBOURS = 50
"""Products found for a query that nobody judged; they count as wrong."""


class RatedPair(NamedTuple):
    """How relevant a product is for a query."""

    query: int
    """Row among the queries."""
    product: int
    """Row among the products."""
    relevance: float
    """From 0 to 1, the query's best product."""


@dataclass(frozen=True, slots=True)
class RankerExamples:
    """The unit embeddings of n products, and which of them are how relevant for which query."""

    texts: FloatArray
    """(n, dim) float32; a row of zeros where a product has no text."""
    images: FloatArray
    """(n, dim) float32; a row of zeros where a product has no picture."""
    pairs: list[RatedPair]


async def ranker_examples(
    store: ProductStore,
    spec: EmbeddingSpec,
    queries: Sequence[JudgedQuery],
    query_embeddings: FloatArray,
    weights: PartWeights,
) -> RankerExamples:
    """The judged products that are indexed, and others near each query, with their relevance.

    Args:
        store: the index.
        spec: of its vectors.
        queries: with their judged products.
        query_embeddings: of the queries' texts, (len(queries), dim).
        weights: of products' texts and pictures in the search for others.

    Raises:
        NotEnoughData: no product with a gain above 0 is in the index.
        StoreUnavailable: the index does not answer.
    """
    relevance = [
        await _relevance(store, query, fused_query_vector(spec, embedding, None, weights))
        for query, embedding in zip(queries, query_embeddings, strict=True)
    ]
    stored = await store.read(sorted({product_id for products in relevance for product_id in products}))
    rows = {product_id: row for row, product_id in enumerate(stored)}
    pairs = [
        RatedPair(query, rows[product_id], value)
        for query, products in enumerate(relevance)
        for product_id, value in products.items()
        if product_id in rows
    ]
    if not any(pair.relevance for pair in pairs):
        raise NotEnoughData("no judged product is in the index: publish those that the judgments speak of")
    parts = [split_parts(spec, vector) for _, vector in stored.values()]
    return RankerExamples(np.stack([text for text, _ in parts]), np.stack([image for _, image in parts]), pairs)


async def _relevance(store: ProductStore, query: JudgedQuery, vector: FloatArray) -> dict[str, float]:
    """Relevance by product id: near products that nobody judged have 0, judged ones their share of the highest gain."""
    neighbours = await store.search_dense(vector, (), UNJUDGED_NEIGHBOURS)
    highest_gain = max(query.gains.values(), default=0.0) or 1.0
    relevance = dict.fromkeys(neighbours.ids, 0.0)
    return relevance | {product_id: gain / highest_gain for product_id, gain in query.gains.items()}
