"""Searches a collection of Milvus by vector, and reads it in the order of a number."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from encoders.spec import FloatArray
from indexer.criteria import Filters, Ids
from indexer.milvus.collection import BY_PRODUCT_ID, MilvusCollection
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.limits import DEFAULT_LIMITS, MilvusLimits
from indexer.milvus.queries.approximate import JOINT_FIELD, search_with_rescoring
from indexer.milvus.queries.filter_expressions import to_milvus_expression
from indexer.milvus.vector_types import StoredArray, to_stored_type
from indexer.ports.products import Candidate, ScoredIds

_COUNT_KEPT_S = 5.0
"""How long a count of what passes a filter is good enough to choose the way of searching by."""
_COUNTS_KEPT = 1_000
CARDS_CHUNK = 1_000
"""Cards a read: 9 ms on Milvus Lite; even of the longest cards, they fit into the 64 MB that a message may take."""


class MilvusVectorSearch:
    """Vector search, exact whatever the index; implements `VectorIndex`."""

    def __init__(
        self, collection: MilvusCollection, config: MilvusConfig, limits: MilvusLimits = DEFAULT_LIMITS
    ) -> None:
        self._collection = collection
        self._config = config
        self._limits = limits
        self._index_type: str | None = None
        self._counts: dict[int, tuple[float, int]] = {}
        """By the hash of an expression, which may name thousands of ids."""

    async def has_approximate_index(self) -> bool:
        """Whether the collection has a field for each part of the vector, with an approximate index."""
        return bool(await self._approximate_index_type())

    async def search(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        """Products by inner product with `vector` (2·dim,) float32, greatest first."""
        if not await self._approximate_index_type():
            return await self.exact(vector, filters, limit)
        return await search_with_rescoring(
            self, vector, filters, limit, self._config.exact_below, self._limits.proposed
        )

    async def search_all(self, vectors: FloatArray, filters: Filters, limit: int) -> list[list[Candidate]]:
        """As `search`, for vectors (n, 2·dim) float32: in one call where the index is exact, else one by one."""
        if not await self._approximate_index_type():
            expression = to_milvus_expression(filters)
            return await self._collection.search_all("vector", [*map(self._query_vector, vectors)], expression, limit)
        answers = [await self.search(vector, filters, limit) for vector in vectors]
        found = {product_id for answer in answers for product_id in answer.ids}
        payloads = await cards_by_id(self._collection, list(found))
        return [_with_payloads(answer, payloads) for answer in answers]

    async def exact(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        return await self._collection.search("vector", self._query_vector(vector), to_milvus_expression(filters), limit)

    async def nearest(self, field: str, vector: FloatArray, filters: Filters, limit: int) -> list[str]:
        parameters = self._config.search_parameters(await self._approximate_index_type(), limit)
        return await self._collection.nearest(
            field, self._query_vector(vector), to_milvus_expression(filters), limit, parameters
        )

    async def count_matching(self, filters: Filters) -> int:
        expression, now = to_milvus_expression(filters), time.monotonic()
        counted_at, count = self._counts.get(hash(expression), (-_COUNT_KEPT_S, 0))
        if now - counted_at < _COUNT_KEPT_S:
            return count
        # It chooses the way of searching alone, and is kept for seconds besides.
        count = await self._collection.count(expression, "Bounded")
        if len(self._counts) >= _COUNTS_KEPT:
            self._counts.clear()
        self._counts[hash(expression)] = now, count
        return count

    def _query_vector(self, vector: FloatArray) -> StoredArray:
        return to_stored_type(vector, self._config.vector_type)

    async def _approximate_index_type(self) -> str:
        """The approximate index of the collection, as it was made; empty: it has none."""
        if self._index_type is None:
            self._index_type = (await self._collection.index_types()).get(JOINT_FIELD, "")
        return self._index_type


async def cards_by_id(collection: MilvusCollection, product_ids: Sequence[str]) -> dict[str, bytes]:
    """The cards of those of these products that are searchable."""
    cards: dict[str, bytes] = {}
    for start in range(0, len(product_ids), CARDS_CHUNK):
        ids = Ids(tuple(product_ids[start : start + CARDS_CHUNK]))
        fields = await collection.fields(to_milvus_expression((ids,)), ["card"])
        if fields:
            names, texts = (fields[name].scalars.string_data.data for name in ("product_id", "card"))
            cards |= zip(names, map(str.encode, texts), strict=True)
    return cards


def _with_payloads(found: ScoredIds, payloads: Mapping[str, bytes]) -> list[Candidate]:
    """What was found, less what has gone since."""
    return [
        Candidate(product_id, score, payloads[product_id])
        for product_id, score in found.by_id().items()
        if product_id in payloads
    ]


class MilvusNumericRows:
    """The entities that pass an expression, by one of their numbers; implements `NumericRows`."""

    def __init__(self, collection: MilvusCollection, expression: str, field: str) -> None:
        self._collection = collection
        self._expression = expression
        self._field = field

    async def count(self, clause: str) -> int:
        return await self._collection.count(self._narrowed(clause))

    async def numbers(self, clause: str, limit: int) -> list[float]:
        entities = await self._collection.query(self._narrowed(clause), [self._field], limit=limit)
        return [entity[self._field] for entity in entities]

    async def fetch(self, clause: str, limit: int) -> list[tuple[float, str]]:
        # As columns: by objects of 10,000 rows, the client takes 30 ms.
        bounds = {"limit": limit, **BY_PRODUCT_ID}
        fields = await self._collection.fields(self._narrowed(clause), [self._field], **bounds)
        if not fields:
            return []
        numbers, ids = fields[self._field].scalars.double_data.data, fields["product_id"].scalars.string_data.data
        return list(zip(numbers, ids, strict=True))

    def _narrowed(self, clause: str) -> str:
        return f"{self._expression} and {clause}"
