"""The product store over Milvus: a cluster, or Milvus Lite behind gRPC."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from pymilvus import MilvusClient

from encoders.spec import EmbeddingSpec, FloatArray
from indexer.criteria import Filters, Ids, SortOrder
from indexer.errors import StoreUnavailable
from indexer.milvus.collection import BY_PRODUCT_ID, MilvusCollection
from indexer.milvus.columns import ColumnarMilvusClient
from indexer.milvus.connection import MilvusConfig, connect_blocking, connect_milvus, translated_errors
from indexer.milvus.generations import (
    check_generation,
    create_generation,
    drop_collection,
    load_active_generation,
    load_generation,
)
from indexer.milvus.limits import DEFAULT_LIMITS, MilvusLimits
from indexer.milvus.queries.excluded_words import replace_excluded_words
from indexer.milvus.queries.filter_expressions import to_milvus_expression
from indexer.milvus.queries.search import MilvusNumericRows, MilvusVectorSearch, cards_by_id
from indexer.milvus.queries.top_k import top_k_by_field
from indexer.milvus.registry import Generation
from indexer.milvus.schema import LEXICAL_FIELD
from indexer.milvus.stored_rows import MilvusStoredRows
from indexer.milvus.upsert_request import PackedRow, request_chunks, upsert_request
from indexer.milvus.vector_types import to_stored_type
from indexer.ports.products import NOTHING_FOUND, Candidate, ProductCounts, ScoredIds
from indexer.records import IndexRow, StoredProduct, StoredRow
from indexer.slices import map_in_slices
from indexer.text_analysis.analyzer import query_terms
from indexer.validation import check_rows

T = TypeVar("T")

_EMPTY_INDEX = "Invalid sparse row: NaN"
"""Milvus Lite 2.5 divides by the mean length of documents, which is 0 when it has none, and refuses the search."""


async def open_active_store(
    config: MilvusConfig,
    spec: EmbeddingSpec,
    *,
    create: bool,
    encoder_name: str = "",
    limits: MilvusLimits = DEFAULT_LIMITS,
) -> MilvusProductStore:
    """Connect to the active generation of the index.

    Args:
        config: where Milvus is.
        spec: the vector space that this process writes and asks in.
        create: make the index if there is none; safe when several workers do so at once.
        encoder_name: what the encoder is loaded by, to be noted with an index that is made.
        limits: how the store works.

    Raises:
        IndexMismatch: the index was made with another encoder or schema.
        StoreUnavailable: Milvus does not answer, or there is no index and `create` is false.
    """
    active = await _with_client(
        config, lambda client: load_active_generation(client, config, spec, create, encoder_name, limits.settle_s)
    )
    return _store_of(config, spec, active, limits)


async def open_generation_store(
    config: MilvusConfig, spec: EmbeddingSpec, generation: Generation, *, create: bool = False
) -> MilvusProductStore:
    """Connect to a generation, which is made first if it is to be. Raises what `open_active_store` raises."""
    check_generation(generation, spec)
    have = create_generation if create else partial(load_generation, write=True)
    await _with_client(config, lambda client: have(client, config, generation))
    return _store_of(config, spec, generation)


async def open_store_to_read(config: MilvusConfig, generation: Generation) -> MilvusProductStore:
    """Connect to a generation as it is, be it of another encoder or schema than this program's: to read it.

    Raises:
        StoreUnavailable: Milvus does not answer, or the generation is not there.
    """
    await _with_client(config, lambda client: load_generation(client, config, generation, write=False))
    return _store_of(config, EmbeddingSpec.from_key(generation.encoder, generation.dim), generation)


async def drop_generation(config: MilvusConfig, collection: str) -> None:
    """Remove the collection of a generation, if it is there. Raises `StoreUnavailable`."""
    await _with_client(config, lambda client: drop_collection(client, config, collection))


def _store_of(
    config: MilvusConfig, spec: EmbeddingSpec, generation: Generation, limits: MilvusLimits = DEFAULT_LIMITS
) -> MilvusProductStore:
    """The store of a generation, searched as that was made to be."""
    index_type = generation.index_type or config.index_type
    as_made = replace(config, index_type=index_type, vector_type=generation.vector_type, full_text=generation.full_text)
    return MilvusProductStore(connect_milvus(config), as_made, spec, generation.collection, limits)


async def _with_client(config: MilvusConfig, work: Callable[[MilvusClient], T]) -> T:
    """Do blocking work with a client of its own, in a thread."""

    def run() -> T:
        with closing(connect_blocking(config)) as client:
            return work(client)

    with translated_errors(config.deadline_s):
        return await asyncio.to_thread(run)


class MilvusProductStore:
    """`ProductStore` over one collection of Milvus, with strong reads. Bound to the event loop that opened it."""

    def __init__(
        self,
        client: ColumnarMilvusClient,
        config: MilvusConfig,
        spec: EmbeddingSpec,
        generation: str,
        limits: MilvusLimits = DEFAULT_LIMITS,
    ) -> None:
        """Args: generation: the collection's name; limits: how it is searched."""
        self._collection = MilvusCollection(client, generation, config.deadline_s, config.lite_database)
        self._stored = MilvusStoredRows(self._collection, config.vector_type)
        self._vectors = MilvusVectorSearch(self._collection, config, limits)
        self._spec = spec
        self._vector_type = config.vector_type
        self._limits = limits
        self.generation = generation
        self.has_full_text = config.full_text

    async def close(self) -> None:
        """Close the connection."""
        await self._collection.close()

    async def read(self, product_ids: Sequence[str]) -> dict[str, tuple[StoredProduct, FloatArray]]:
        return await self._stored.read(product_ids)

    async def read_rows(self, product_ids: Sequence[str]) -> dict[str, StoredRow]:
        return await self._stored.read_rows(product_ids)

    async def scan(self, after: str, limit: int) -> dict[str, tuple[StoredProduct, FloatArray]]:
        return await self._stored.scan(after, limit)

    async def read_states(self, product_ids: Sequence[str]) -> dict[str, StoredProduct]:
        return await self._stored.read_states(product_ids)

    async def scan_states(self, after: str, limit: int) -> dict[str, StoredProduct]:
        return await self._stored.scan_states(after, limit)

    async def write(self, rows: Sequence[IndexRow], until: float = math.inf) -> None:
        check_rows(self._spec, rows)
        parts = await self._vectors.has_approximate_index()
        packed = await map_in_slices(PackedRow.of, rows)
        for chunk in request_chunks(packed, vectors_per_row=3 if parts else 1):
            request = upsert_request(self.generation, chunk, parts=parts, vector_type=self._vector_type)
            await self._collection.upsert(request, until)

    async def search_dense(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        plain = await self._plain(filters)
        return await self._vectors.search(vector, plain, limit)

    async def search_lexical(self, text: str, filters: Filters, limit: int) -> ScoredIds:
        return await self.search_terms(query_terms(text), filters, limit)

    async def search_terms(self, terms: str, filters: Filters, limit: int) -> ScoredIds:
        if not (terms and self.has_full_text):
            return NOTHING_FOUND
        expression = to_milvus_expression(await self._plain(filters))
        return await _unless_empty(self._collection.search(LEXICAL_FIELD, terms, expression, limit), NOTHING_FOUND)

    async def search_dense_all(self, vectors: FloatArray, filters: Filters, limit: int) -> list[list[Candidate]]:
        plain = await self._plain(filters)
        return await self._vectors.search_all(vectors, plain, limit) if len(vectors) else []

    async def search_terms_all(self, terms: Sequence[str], filters: Filters, limit: int) -> list[list[Candidate]]:
        queries = [query for query in terms if query]
        if not (queries and self.has_full_text):
            return [[] for _ in terms]
        expression = to_milvus_expression(await self._plain(filters))
        search = self._collection.search_all(LEXICAL_FIELD, queries, expression, limit)
        nothing: list[Candidate] = []
        answers = iter(await _unless_empty(search, []))
        return [next(answers, nothing) if query else [] for query in terms]

    async def score_dense(self, vector: FloatArray, product_ids: Sequence[str]) -> dict[str, float]:
        expression = to_milvus_expression((Ids(tuple(product_ids)),))
        query = to_stored_type(vector, self._vector_type)
        return (await self._collection.search("vector", query, expression, len(product_ids))).by_id()

    async def score_lexical(self, text: str, product_ids: Sequence[str]) -> dict[str, float]:
        found = await self.search_lexical(text, (Ids(tuple(product_ids)),), len(product_ids))
        return found.by_id()

    async def browse(self, filters: Filters, limit: int, order: SortOrder | None = None) -> list[str]:
        expression = to_milvus_expression(await self._plain(filters))
        if order is not None:
            rows = MilvusNumericRows(self._collection, expression, order.field)
            return await top_k_by_field(rows, order, limit, self._limits)
        entities = await self._collection.query(expression, ["product_id"], limit=limit, **BY_PRODUCT_ID)
        return [entity["product_id"] for entity in entities]

    async def read_payloads(self, product_ids: Sequence[str]) -> dict[str, bytes]:
        return await cards_by_id(self._collection, product_ids)

    async def scan_payloads(self, filters: Filters, limit: int) -> dict[str, bytes]:
        expression = to_milvus_expression(await self._plain(filters))
        return await self._collection.cards(expression, limit=limit, **BY_PRODUCT_ID)

    async def count_matching(self, filters: Filters) -> int:
        return await self._collection.count(to_milvus_expression(await self._plain(filters)))

    async def count(self) -> ProductCounts:
        searchable, incomplete = await asyncio.gather(
            self._collection.count("searchable == true"),
            self._collection.count("searchable == false and deleted == false"),
        )
        return ProductCounts(searchable, incomplete)

    async def _plain(self, filters: Filters) -> Filters:
        """The filters, those by words as filters by ids."""
        return await replace_excluded_words(filters, self._ids_with_term, self._limits.listed)

    async def _ids_with_term(self, term: str, filters: Filters, limit: int) -> list[str]:
        """Ids of products that have a term."""
        if not self.has_full_text:
            return []
        search = self._collection.nearest(LEXICAL_FIELD, term, to_milvus_expression(filters), limit, {})
        return await _unless_empty(search, [])


async def _unless_empty(search: Awaitable[T], nothing: T) -> T:
    """What a search by words finds: nothing where no product has any."""
    try:
        return await search
    except StoreUnavailable as error:
        if _EMPTY_INDEX in str(error):
            return nothing
        raise
