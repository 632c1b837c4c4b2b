"""What Milvus Lite lacks: an index by primary key, a log of commits, rows that are there while they are replaced."""

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from encoders.spec import EmbeddingSpec
from indexer.errors import StoreUnavailable
from indexer.milvus.connection import MilvusConfig, connect_blocking
from indexer.milvus.lite_file import create_primary_key_indexes, log_ahead
from indexer.milvus.registry import Generation, GenerationRegistry
from indexer.milvus.schema import SCHEMA_VERSION
from indexer.milvus.store import open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from tests import milvus3

SPEC = EmbeddingSpec("hash", "1", 4)
READS = 40
FIND_BY_KEY = "EXPLAIN QUERY PLAN DELETE FROM products_g1 WHERE milvus_id IN ('p1')"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    try:
        with milvus3.lite_2_5(tmp_path) as address:
            yield address
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


def rows(version: int, numbers: range) -> list[IndexRow]:
    return [_row(f"p{number}", version) for number in numbers]


def _row(name: str, version: int) -> IndexRow:
    change = ProductChange(
        name, EventStamp(version, "shop", name), {"title": f"edition {version}"}, replaces_all_fields=True
    )
    stored = StoredProduct(ProductState().merge(change), text_hash="h")
    return build_row(name, stored, np.full(SPEC.fused_dim, version, np.float32))


def _plan(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return " ".join(str(row[-1]) for row in connection.execute(FIND_BY_KEY))


def _journal(database: Path) -> str:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


async def test_products_are_replaced_by_an_index_and_not_by_reading_them_all(server: str, tmp_path: Path):
    database = tmp_path / "test.db"
    store = await open_active_store(MilvusConfig(server, deadline_s=10, lite_database=str(database)), SPEC, create=True)
    for version in (1, 2, 3):
        await store.write(rows(version, range(100)))
    assert "USING" in _plan(database) and "SCAN" not in _plan(database)
    found = await store.read([f"p{number}" for number in range(100)])
    assert len(found) == 100 and {vector[0] for _, vector in found.values()} == {3.0}
    assert (await store.count()).searchable == 100
    await store.close()


async def test_an_older_database_gets_it_when_a_worker_starts_and_a_restart_finds_all(tmp_path: Path):
    database = tmp_path / "test.db"
    with milvus3.lite_2_5(tmp_path) as address:
        old = await open_active_store(MilvusConfig(address, deadline_s=10), SPEC, create=True)
        await old.write(rows(1, range(50)))
        assert "SCAN" in _plan(database) and _journal(database) == "delete"
        new = await open_active_store(
            MilvusConfig(address, deadline_s=10, lite_database=str(database)), SPEC, create=True
        )
        assert "SCAN" not in _plan(database) and _journal(database) == "wal"
        # The connection that was open before writes on.
        await old.write(rows(2, range(25, 75)))
        await old.close()
        await new.close()
    # Killed, not stopped.
    with milvus3.lite_2_5(tmp_path) as address:
        config = MilvusConfig(address, deadline_s=10, lite_database=str(database))
        store = await open_active_store(config, SPEC, create=True)
        found = await store.read([f"p{number}" for number in range(80)])
        assert len(found) == 75 and [found[f"p{n}"][1][0] for n in (0, 24, 25, 74)] == [1, 1, 2, 2]
        await store.close()


async def test_no_product_is_missing_to_readers_while_it_is_replaced(server: str, tmp_path: Path):
    config = MilvusConfig(server, deadline_s=10, lite_database=str(tmp_path / "test.db"))
    writer, reader = [await open_active_store(config, SPEC, create=True) for _ in range(2)]
    replaced = rows(1, range(64))
    names, vector = [row.product_id for row in replaced], np.ones(SPEC.fused_dim, np.float32)
    await writer.write(replaced)

    async def replace_for_ever() -> None:
        for version in itertools.count(2):
            await writer.write(rows(version, range(64)))

    writing = asyncio.create_task(replace_for_ever())
    for _ in range(READS):
        found = await asyncio.gather(
            reader.read(names),
            reader.read_payloads(names),
            reader.browse((), 100),
            reader.search_dense(vector, (), 100),
            reader.search_lexical("edition", (), 100),
        )
        assert [len(one) for one in found] == [64] * 5
    writing.cancel()
    await asyncio.wait([writing])
    await writer.close()
    await reader.close()


async def test_no_generation_is_missing_to_readers_while_its_progress_is_noted(server: str, tmp_path: Path):
    config = MilvusConfig(server, deadline_s=10, lite_database=str(tmp_path / "test.db"))
    await (await open_active_store(config, SPEC, create=True)).close()
    async with GenerationRegistry(config) as rebuild, GenerationRegistry(config) as reader:
        built = Generation("products_g2", SPEC.key, SPEC.dim, SCHEMA_VERSION, stage="copying")
        await rebuild.save(built)

        async def note_for_ever() -> None:
            for copied in itertools.count(1):
                await rebuild.save(structs.replace(built, copied=copied))

        noting = asyncio.create_task(note_for_ever())
        for _ in range(READS):
            assert "products_g2" in (await reader.read()).others
        noting.cancel()
        await asyncio.wait([noting])


async def test_two_workers_that_make_the_index_at_once_both_get_it(server: str, tmp_path: Path):
    config = MilvusConfig(server, deadline_s=10, lite_database=str(tmp_path / "test.db"))
    for _ in range(50):
        # Each connects by itself, and makes what is missing in a thread of its own.
        stores = await asyncio.gather(*(open_active_store(config, SPEC, create=True) for _ in range(2)))
        assert [store.generation for store in stores] == ["products_g1", "products_g1"]
        assert "USING" in _plan(tmp_path / "test.db")
        for store in stores:
            await store.close()
        with closing(connect_blocking(config)) as client:
            for collection in client.list_collections():
                client.drop_collection(collection)


def test_what_is_no_database_is_left_alone_or_named(tmp_path: Path):
    create_primary_key_indexes(tmp_path / "absent.db", 1.0)
    assert not (tmp_path / "absent.db").exists()
    (tmp_path / "text.db").write_text("not a database" * 100)
    with pytest.raises(StoreUnavailable, match=r"text\.db"):
        create_primary_key_indexes(tmp_path / "text.db", 1.0)


def test_a_server_that_does_not_let_go_of_its_file_is_not_waited_for_for_ever(tmp_path: Path):
    database = tmp_path / "busy.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("CREATE TABLE shop (id INTEGER PRIMARY KEY, milvus_id VARCHAR(9), data BLOB)")
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="locked"):
            create_primary_key_indexes(database, 0.1)
        # It is slower as it was, and as good.
        log_ahead(database, 0.1)
        holder.execute("ROLLBACK")
    assert _journal(database) == "delete"
    create_primary_key_indexes(database, 0.1)
    create_primary_key_indexes(database, 0.1)
