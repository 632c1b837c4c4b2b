"""The product store over Milvus: a cluster, or Milvus Lite behind gRPC."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import numpy as np
from pymilvus import AsyncMilvusClient, MilvusClient, MilvusException

from encoders.spec import EmbeddingSpec, FloatArray
from indexer.errors import StoreUnavailable
from indexer.filters import PRODUCT_ID, ids_clause, to_expression
from indexer.generations import active_generation, check_generation, create_generation, load_generation
from indexer.lexical import query_text
from indexer.milvus_connection import (
    COLLECTION_NOT_LOADED,
    MilvusConfig,
    connect,
    connect_for_schema,
    translated_errors,
)
from indexer.milvus_schema import entity_bytes, to_entity
from indexer.ports import Candidate, Counts, Filters, Ids
from indexer.records import IndexRow, StoredProduct, unpack
from indexer.registry import Generation
from indexer.validation import check_rows

Answer = TypeVar("Answer")

_EMPTY_INDEX = "Invalid sparse row: NaN"
"""Milvus Lite 2.5 divides by the mean length of documents, which is 0 when it has none, and refuses the search."""
READ_CHUNK = 256
"""Ids a read: 5 ms on Milvus Lite, and far below the 64 MB that a message may take even with the longest states."""
WRITE_CHUNK_ROWS = 256
WRITE_CHUNK_BYTES = 8 * 2**20
"""A request's rows and bytes: on Milvus Lite a call costs some 22 ms at 10,000 rows and a row 0.3 ms more, up to so
many; beyond, each row costs more again."""


async def open_store(
    config: MilvusConfig, spec: EmbeddingSpec, *, create: bool, encoder_name: str = ""
) -> MilvusProductStore:
    """Connect to the active generation of the index.

    Args:
        config: where Milvus is.
        spec: the vector space that this process writes and asks in.
        create: make the index if there is none; safe when several workers do so at once.
        encoder_name: what the encoder is loaded by, to be noted with an index that is made.

    Raises:
        IndexMismatch: the index was made with another encoder or schema.
        StoreUnavailable: Milvus does not answer, or there is no index and `create` is false.
    """
    found = await _with_client(config, lambda client: active_generation(client, config, spec, create, encoder_name))
    return MilvusProductStore(connect(config), config, spec, found.collection)


async def open_generation(
    config: MilvusConfig, spec: EmbeddingSpec, generation: Generation, *, create: bool = False
) -> MilvusProductStore:
    """Connect to a generation, which is made first if it is to be. Raises what `open_store` raises."""
    check_generation(generation, spec)
    have = create_generation if create else partial(load_generation, write=True)
    await _with_client(config, lambda client: have(client, config, generation))
    return MilvusProductStore(connect(config), config, spec, generation.collection)


async def _with_client(config: MilvusConfig, work: Callable[[MilvusClient], Answer]) -> Answer:
    """Do blocking work with a client of its own, in a thread."""

    def run() -> Answer:
        with closing(connect_for_schema(config)) as client:
            return work(client)

    with translated_errors(config.deadline_s):
        return await asyncio.to_thread(run)


class MilvusProductStore:
    """`ProductStore` over one collection of Milvus, with strong reads. Bound to the event loop that opened it."""

    def __init__(self, client: AsyncMilvusClient, config: MilvusConfig, spec: EmbeddingSpec, generation: str) -> None:
        self._client = client
        self._deadline_s = config.deadline_s
        self._spec = spec
        self.generation = generation

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def read(self, product_ids: Sequence[str]) -> dict[str, tuple[StoredProduct, FloatArray]]:
        known = [product_id for product_id in dict.fromkeys(product_ids) if PRODUCT_ID.fullmatch(product_id)]
        found: dict[str, tuple[StoredProduct, FloatArray]] = {}
        for start in range(0, len(known), READ_CHUNK):
            found |= await self._stored(ids_clause(Ids(tuple(known[start : start + READ_CHUNK]))))
        return found

    async def scan(self, after: str, limit: int) -> dict[str, tuple[StoredProduct, FloatArray]]:
        # As the client's own iterators ask for the least keys, in order.
        ordered = {"iterator": "True", "reduce_stop_for_best": "True"}
        return await self._stored(f'product_id > "{after}"', limit=min(limit, READ_CHUNK), **ordered)

    async def write(self, rows: Sequence[IndexRow], until: float = math.inf) -> None:
        check_rows(self._spec, rows)
        for chunk in _chunks([to_entity(row) for row in rows]):
            await self._call(partial(self._client.upsert, self.generation, chunk), until)

    async def search_dense(self, vector: FloatArray, filters: Filters, limit: int) -> list[Candidate]:
        return await self._search("vector", vector.astype(np.float32, copy=False), filters, limit)

    async def search_lexical(self, text: str, filters: Filters, limit: int) -> list[Candidate]:
        return await self.search_terms(query_text(text), filters, limit)

    async def search_terms(self, terms: str, filters: Filters, limit: int) -> list[Candidate]:
        try:
            return await self._search("lexical_weights", terms, filters, limit) if terms else []
        except StoreUnavailable as error:
            if _EMPTY_INDEX in str(error):
                return []
            raise

    async def browse(self, filters: Filters, limit: int) -> list[Candidate]:
        found = await self._query(to_expression(filters), ["card"], limit=limit)
        return [Candidate(one["product_id"], 0.0, one["card"].encode()) for one in found]

    async def count(self) -> Counts:
        searchable, incomplete = await asyncio.gather(
            self._count("searchable == true"), self._count("searchable == false and deleted == false")
        )
        return Counts(searchable, incomplete)

    async def _search(self, field: str, query: FloatArray | str, filters: Filters, limit: int) -> list[Candidate]:
        # Nothing but cards comes back: of 1,000 rows, arrays would take 300 ms to decode, vectors 70 ms, texts 2 ms.
        search = partial(
            self._client.search,
            self.generation,
            data=[query],
            anns_field=field,
            filter=to_expression(filters),
            limit=limit,
            output_fields=["card"],
            consistency_level="Strong",
        )
        return [_candidate(field, hit) for hit in (await self._call(search))[0]]

    async def _stored(self, expression: str, **bounds: Any) -> dict[str, tuple[StoredProduct, FloatArray]]:
        found = await self._query(expression, ["state", "vector"], **bounds)
        return {one["product_id"]: (unpack(one["state"]), np.asarray(one["vector"], np.float32)) for one in found}

    async def _query(self, expression: str, output: list[str], **bounds: Any) -> list[dict[str, Any]]:
        query = partial(self._client.query, self.generation, filter=expression, output_fields=output, **bounds)
        return await self._call(partial(query, consistency_level="Strong"))

    async def _count(self, expression: str) -> int:
        return int((await self._query(expression, ["count(*)"]))[0]["count(*)"])

    async def _call(self, request: Callable[..., Awaitable[Answer]], until: float = math.inf) -> Answer:
        """Make a request within the deadline; the client's own timeout does not hold while it connects."""
        deadline_s = min(self._deadline_s, until - time.monotonic())
        with translated_errors(deadline_s):
            async with asyncio.timeout(deadline_s):
                try:
                    return await request(timeout=deadline_s)
                except MilvusException as error:
                    if error.code != COLLECTION_NOT_LOADED:
                        raise
                # Lite 3 forgets what was loaded when it is restarted.
                await self._client.load_collection(self.generation, timeout=deadline_s)
                return await request(timeout=deadline_s)


def _candidate(field: str, hit: Any) -> Candidate:
    # Lite 3 gives BM25 as a negative distance.
    score = float(hit["distance"]) if field == "vector" else abs(float(hit["distance"]))
    return Candidate(hit.id, score, hit["entity"]["card"].encode())


def _chunks(entities: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Entities in requests of bounded rows and bytes."""
    chunk: list[dict[str, Any]] = []
    size = 0
    for entity in entities:
        taken = entity_bytes(entity)
        if chunk and (len(chunk) >= WRITE_CHUNK_ROWS or size + taken > WRITE_CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(entity)
        size += taken
    if chunk:
        yield chunk
