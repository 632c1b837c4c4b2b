"""What is stored of products, read by their ids or one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from encoders.spec import FloatArray
from indexer.criteria import Ids
from indexer.filters import PRODUCT_ID_PATTERN
from indexer.milvus.collection import BY_PRODUCT_ID, MilvusCollection
from indexer.milvus.queries.filter_expressions import ids_expression
from indexer.milvus.vector_types import field_vectors, to_float32
from indexer.records import StoredProduct, StoredRow, unpack_product
from indexer.slices import map_in_slices

READ_CHUNK = 256
"""Ids a read: 5 ms on Milvus Lite, and far below the 64 MB that a message may take even with the longest states."""


class MilvusStoredRows:
    """The stored products of one collection; for each method see `ProductStore`."""

    def __init__(self, collection: MilvusCollection, vector_type: str) -> None:
        """Args: vector_type: of the collection's vectors."""
        self._collection = collection
        self._vector_type = vector_type

    async def read(self, product_ids: Sequence[str]) -> dict[str, tuple[StoredProduct, FloatArray]]:
        return {name: (row.stored, row.vector) for name, row in (await self._rows(product_ids, [])).items()}

    async def read_rows(self, product_ids: Sequence[str]) -> dict[str, StoredRow]:
        return await self._rows(product_ids, ["lexical"])

    async def scan(self, after: str, limit: int) -> dict[str, tuple[StoredProduct, FloatArray]]:
        entities = await self._page(after, limit, ["state", "vector"])
        return dict(await map_in_slices(self._unpacked, entities))

    async def read_states(self, product_ids: Sequence[str]) -> dict[str, StoredProduct]:
        products: dict[str, StoredProduct] = {}
        for expression in _id_expressions(product_ids):
            fields = await self._collection.fields(expression, ["state"])
            if fields:
                products |= dict(zip(_texts(fields["product_id"]), await _products(fields), strict=True))
        return products

    async def scan_states(self, after: str, limit: int) -> dict[str, StoredProduct]:
        return await _unpacked_states(await self._page(after, limit, ["state"]))

    async def _rows(self, product_ids: Sequence[str], texts: list[str]) -> dict[str, StoredRow]:
        """Rows with the fields of text that are asked for; the others are empty."""
        rows: dict[str, StoredRow] = {}
        for expression in _id_expressions(product_ids):
            fields = await self._collection.fields(expression, ["state", "vector", *texts])
            if fields:
                ids = _texts(fields["product_id"])
                lexical = _texts(fields["lexical"]) if "lexical" in fields else [""] * len(ids)
                made = map(StoredRow, await _products(fields), field_vectors(fields["vector"]), lexical)
                rows |= dict(zip(ids, made, strict=True))
        return rows

    async def _page(self, after: str, limit: int, output: list[str]) -> list[dict[str, Any]]:
        bounds = {"limit": min(limit, READ_CHUNK), **BY_PRODUCT_ID}
        return await self._collection.query(f'product_id > "{after}"', output, **bounds)

    def _unpacked(self, entity: Mapping[str, Any]) -> tuple[str, tuple[StoredProduct, FloatArray]]:
        vector = to_float32(entity["vector"], self._vector_type)
        return entity["product_id"], (unpack_product(entity["state"]), vector)


async def _products(fields: Mapping[str, Any]) -> list[StoredProduct]:
    return await map_in_slices(unpack_product, _texts(fields["state"]))


async def _unpacked_states(entities: Sequence[Mapping[str, Any]]) -> dict[str, StoredProduct]:
    stored = await map_in_slices(lambda entity: unpack_product(entity["state"]), entities)
    return dict(zip((entity["product_id"] for entity in entities), stored, strict=True))


def _texts(field: Any) -> list[str]:
    return list(field.scalars.string_data.data)


def _id_expressions(product_ids: Sequence[str]) -> Iterator[str]:
    """What lets some of these products pass each; what is no id is left out."""
    known = [product_id for product_id in dict.fromkeys(product_ids) if PRODUCT_ID_PATTERN.fullmatch(product_id)]
    for start in range(0, len(known), READ_CHUNK):
        yield ids_expression(Ids(tuple(known[start : start + READ_CHUNK])))
