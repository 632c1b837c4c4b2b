"""What a backup file looks like: its header, its columns, the digest over what is restored from it."""

# pyarrow has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct

from encoders.spec import FloatArray
from indexer.records import StoredProduct, pack_product
from indexer.rows import is_searchable

FORMAT = 1
"""Goes up whenever older programs could not read a file, or would misunderstand it."""
HEADER_KEY, CHECKSUM_KEY = b"vitrine.backup", b"vitrine.backup.sum"
_TEXTS = ("title", "brand", "category", "currency", "group_id", "lang")

BackupProduct = tuple[str, StoredProduct, FloatArray]
"""(product id, stored, fused vector (2·dim,) float32)."""


class BackupHeader(Struct, frozen=True):
    """What a backup is of; JSON in the file's metadata."""

    encoder: str
    """`EmbeddingSpec.key` of the vectors."""
    dim: int
    """Of one part; a fused vector has twice as many."""
    encoder_name: str
    """What the encoder is loaded by; empty: not known."""
    schema_version: int
    generation: str
    created_ms: int
    """Unix milliseconds at which reading began."""
    group: str = ""
    """The consumer group that kept the generation up to date."""
    offsets: dict[str, dict[str, int]] | None = None
    """The next offset of that group, by topic and partition, before reading began: replaying from there adds all that
    a row may lack. None: Kafka was not asked."""
    format: int = FORMAT


class BackupChecksum(Struct, frozen=True):
    """What a whole backup holds."""

    count: int
    digest: str


def backup_schema(header: BackupHeader) -> pa.Schema:
    """The columns: those to read, and `state` and `vector`, from which a product is restored; the header with them."""
    fields = [
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        *(pa.field(name, pa.bool_(), nullable=False) for name in ("searchable", "deleted", "incomplete")),
        *(pa.field(name, pa.string()) for name in _TEXTS),
        pa.field("price", pa.float64()),
        pa.field("in_stock", pa.bool_()),
        pa.field("fields", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("vector", pa.list_(pa.float32(), 2 * header.dim), nullable=False),
    ]
    return pa.schema(fields, {HEADER_KEY: msgspec.json.encode(header)})


def backup_row(product_id: str, stored: StoredProduct, vector: FloatArray) -> dict[str, Any]:
    """A product and its fused vector (2·dim,) as a row. Raises `InvalidRecord` where its state is too long to store."""
    fields, searchable = stored.state.fields, is_searchable(stored)
    return {
        "product_id": product_id,
        "version": stored.state.version,
        "searchable": searchable,
        "deleted": stored.state.deleted and not searchable,
        "incomplete": stored.incomplete,
        **{name: fields.get(name) for name in _TEXTS},
        "price": fields.get("price"),
        "in_stock": fields.get("in_stock"),
        "fields": msgspec.json.encode(fields, order="deterministic").decode(),
        "state": pack_product(stored),
        "vector": vector,
    }


def backup_table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows as a row group."""
    plain = [pa.array([row[field.name] for row in rows], field.type) for field in schema if field.name != "vector"]
    numbers = pa.array(np.concatenate([row["vector"] for row in rows]), pa.float32())
    return pa.Table.from_arrays(
        [*plain, pa.FixedSizeListArray.from_arrays(numbers, type=schema.field("vector").type)], schema=schema
    )


def update_digest(digest: Any, product_id: str, state: str, vector: FloatArray) -> None:
    """Take a row into the digest: all that is restored from it, the fused vector (2·dim,) as float32 included."""
    # None of them holds a line break, and a vector has a fixed length.
    digest.update(f"{product_id}\n{state}\n".encode())
    digest.update(np.ascontiguousarray(vector, "<f4").tobytes())
