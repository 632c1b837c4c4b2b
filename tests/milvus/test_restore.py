"""A drill: a real Milvus server loses all its data; an export and what was written since bring the index back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from encoders.spec import FloatArray
from indexer.backup.export_import import check_empty, export_rows, import_rows
from indexer.backup.files import BackupReader, BackupWriter
from indexer.backup.format import BackupHeader
from indexer.milvus.config import MilvusConfig
from indexer.milvus.connection import connect_blocking
from indexer.milvus.schema import SCHEMA_VERSION
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from tests import milvus3
from tests.milvus.made_products import SPEC, made_row, made_vectors
from tests.milvus_server import milvus_server

EXPORTED, PRODUCTS = 1_000, 1_200
"""Products before the export, and in all: some come after it, and a hundred are changed or deleted."""


async def test_a_server_that_lost_everything_is_as_before_after_an_import_and_the_events_since(tmp_path: Path) -> None:
    vectors, file = made_vectors(PRODUCTS), tmp_path / "index.parquet"
    try:
        with _server(tmp_path / "before") as address:
            store = await open_active_store(_config(address), SPEC, create=True)
            await store.write([made_row(number, 1, vectors[number]) for number in range(EXPORTED)])
            with BackupWriter(file, _header(store.generation)) as writer:
                assert await export_rows(store, writer) == EXPORTED
            await _events_since(store, vectors)
            lost = await _contents(store)
            await store.close()
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
    began = time.monotonic()
    with _server(tmp_path / "after") as address:
        store = await open_active_store(_config(address), SPEC, create=True)
        await check_empty(store)
        with BackupReader(file) as reader:
            reader.verify()
            assert (await import_rows(store, reader, _ignore)).written == EXPORTED
        # From the offsets of the export on, which is before its first row: some come twice.
        await _events_since(store, vectors)
        assert await _contents(store) == lost
        query = vectors[7]
        counts, found = await store.count(), await store.search_dense(query, (), 100)
        assert (counts.searchable, len(set(found.ids)), found.ids[0]) == (PRODUCTS - 50, 100, "p000007")
        with closing(connect_blocking(_config(address))) as client:
            client.flush(store.generation)
        assert await _contents(store) == lost
        print(
            f"{EXPORTED} products and {PRODUCTS - EXPORTED + 100} events restored in {time.monotonic() - began:.0f} s"
        )
        await store.close()


def _config(address: str) -> MilvusConfig:
    return MilvusConfig(address, deadline_s=30, full_text=False)


@contextmanager
def _server(directory: Path) -> Iterator[str]:
    directory.mkdir()
    with milvus_server(directory) as server:
        yield server.address


def _header(generation: str) -> BackupHeader:
    return BackupHeader(SPEC.key, SPEC.dim, "hash", SCHEMA_VERSION, generation, 1, "group", None)


async def _events_since(store: MilvusProductStore, vectors: FloatArray) -> None:
    """What came after the export: new products, changed ones, deleted ones; the same whatever is there already."""
    await store.write([made_row(number, 2, vectors[number]) for number in range(EXPORTED, PRODUCTS)])
    await store.write([made_row(number, 2, vectors[number], price=1.5) for number in range(100, 150)])
    await store.write([_tombstone(number) for number in range(200, 250)])


def _tombstone(number: int) -> IndexRow:
    product_id = f"p{number:06d}"
    change = ProductChange(product_id, EventStamp(2, "made", "2"), {}, replaces_all_fields=True, deletes=True)
    stored = StoredProduct(ProductState().merge(change))
    return build_row(product_id, stored, np.zeros(SPEC.fused_dim, np.float32))


async def _contents(store: MilvusProductStore) -> dict[str, tuple[StoredProduct, bytes]]:
    found: dict[str, tuple[StoredProduct, bytes]] = {}
    while page := await store.scan(max(found, default=""), 256):
        found |= {product_id: (stored, vector.tobytes()) for product_id, (stored, vector) in page.items()}
    return found


async def _ignore(_: Sequence[str]) -> None:
    """Nobody caches anything."""
