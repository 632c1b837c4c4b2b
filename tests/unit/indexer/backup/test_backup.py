"""Backups: an exact round trip, whole files or none, and one sentence for every file that is something else."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.spec import EmbeddingSpec
from indexer.backup.export_import import ImportResult, check_empty, export_rows, import_rows
from indexer.backup.files import BackupReader, BackupWriter
from indexer.backup.format import CHECKSUM_KEY, HEADER_KEY, BackupHeader
from indexer.errors import IndexNotEmpty, InvalidBackup
from indexer.in_memory_store import InMemoryProductStore
from indexer.plain_text import plain_text
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct, merge_all
from indexer.rows import build_row

SPEC = EmbeddingSpec("hash", "1", 3)
HEADER = BackupHeader(SPEC.key, SPEC.dim, "hash", 1, "products_g1", 1_700_000_000_000, "g", {"t": {"0": 7}})

ids = st.text("abcXYZ019._:-", min_size=1, max_size=12)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(plain_text)
fields = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "brand": texts | st.none(),
        "description": texts,
        "price": st.floats(0, 1e12),
        "in_stock": st.booleans(),
        "tags": st.lists(texts, max_size=3),
        "attributes": st.dictionaries(texts, texts | st.lists(texts, max_size=2), max_size=3),
        "images": st.lists(st.fixed_dictionaries({"hash": ids}), max_size=2),
    },
)
stamps = st.builds(EventStamp, st.integers(0, 2**63 - 1), ids, ids)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def rows(draw: st.DrawFn) -> IndexRow:
    product_id = draw(ids)
    changes = [
        ProductChange(
            product_id, draw(stamps), {} if deletes else draw(fields), replaces_all_fields=whole, deletes=deletes
        )
        for whole, deletes in draw(
            st.lists(st.sampled_from([(True, False), (False, False), (True, True)]), min_size=1, max_size=3)
        )
    ]
    keys = st.lists(ids, max_size=2).map(tuple)
    stored = StoredProduct(merge_all(ProductState(), changes), draw(ids), draw(keys), draw(keys), draw(keys))
    vector = draw(st.lists(numbers, min_size=SPEC.fused_dim, max_size=SPEC.fused_dim))
    return build_row(product_id, stored, np.array(vector, np.float32))


def by_id(rows: Sequence[IndexRow]) -> list[IndexRow]:
    return list({row.product_id: row for row in rows}.values())


def product(product_id: str, version: int = 1, **given: Any) -> IndexRow:
    change = ProductChange(
        product_id, EventStamp(version, "s", "e"), given, replaces_all_fields=True, deletes=not given
    )
    return build_row(product_id, StoredProduct(ProductState().merge(change)), np.full(6, version, np.float32))


async def store_of(rows: Sequence[IndexRow]) -> InMemoryProductStore:
    store = InMemoryProductStore(SPEC)
    await store.write(rows)
    return store


async def exported(store: InMemoryProductStore, path: Path, **bounds: int) -> int:
    with BackupWriter(path, HEADER, **bounds) as writer:
        return await export_rows(store, writer)


async def imported(path: Path, store: InMemoryProductStore, **bounds: int) -> tuple[ImportResult, list[str]]:
    told: list[str] = []

    async def changed(product_ids: Sequence[str]) -> None:
        told.extend(product_ids)

    with BackupReader(path, **bounds) as reader:
        reader.verify()
        return await import_rows(store, reader, changed), told


async def contents(store: InMemoryProductStore) -> dict[str, tuple[StoredProduct, bytes]]:
    found = await store.scan("", 10_000)
    return {product_id: (stored, vector.tobytes()) for product_id, (stored, vector) in found.items()}


@settings(max_examples=30)
@given(st.lists(rows(), max_size=12).map(by_id))
def test_an_export_and_an_import_give_the_same_rows(some: list[IndexRow]) -> None:
    async def round_trip(directory: Path) -> None:
        before, after = await store_of(some), InMemoryProductStore(SPEC)
        assert await exported(before, directory / "a.parquet") == len(some)
        done, told = await imported(directory / "a.parquet", after)
        assert (done.written, done.already_present, told) == (len(some), [], sorted(row.product_id for row in some))
        assert await contents(after) == await contents(before)
        found = [await store.search_lexical("a b 0", (), 100) for store in (before, after)]
        assert found[0].by_id() == found[1].by_id()
        assert await after.count() == await before.count()
        await exported(after, directory / "b.parquet")
        assert (directory / "a.parquet").read_bytes() == (directory / "b.parquet").read_bytes()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(round_trip(Path(directory)))


async def test_columns_can_be_read_by_anybody(tmp_path: Path) -> None:
    await exported(await store_of([product("b", 7, title="Mug", price=5), product("a", 9)]), tmp_path / "x.parquet")
    table = pq.read_table(tmp_path / "x.parquet")
    first, second = table.select(["product_id", "version", "searchable", "deleted", "title", "price"]).to_pylist()
    assert first == {
        "product_id": "a",
        "version": 9,
        "searchable": False,
        "deleted": True,
        "title": None,
        "price": None,
    }
    assert second["title"] == "Mug" and second["price"] == 5.0 and second["searchable"]
    assert table["fields"].to_pylist()[1] == '{"price":5,"title":"Mug"}'
    assert table["vector"].type == pa.list_(pa.float32(), 6)
    assert msgspec.json.decode(table.schema.metadata[HEADER_KEY], type=BackupHeader) == HEADER


async def test_many_rows_come_in_bounded_groups(tmp_path: Path) -> None:
    store = await store_of([product(f"p{at:04}", title=f"mug {at}") for at in range(1_000)])
    await exported(store, tmp_path / "x.parquet", group_rows=100)
    groups = pq.ParquetFile(tmp_path / "x.parquet").metadata
    assert groups.num_row_groups == 10 and groups.row_group(0).num_rows == 100
    after = InMemoryProductStore(SPEC)
    await imported(tmp_path / "x.parquet", after, read_rows=64)
    assert await contents(after) == await contents(store)


async def test_media_are_kept_before_each_page_until_their_products_are_there(tmp_path: Path) -> None:
    await exported(await store_of([product(f"p{at}", title="mug") for at in range(5)]), tmp_path / "x.parquet")
    after, seen = InMemoryProductStore(SPEC), list[int]()

    async def nobody(_product_ids: Sequence[str]) -> None:
        return None

    async def keep() -> None:
        seen.append((await after.count()).searchable)

    with BackupReader(tmp_path / "x.parquet", read_rows=2) as reader:
        await import_rows(after, reader, nobody, before_page=keep)
    assert seen == [0, 2, 4]


async def test_what_the_index_has_stays_and_is_named(tmp_path: Path) -> None:
    await exported(await store_of([product("a", title="old"), product("b", title="b")]), tmp_path / "x.parquet")
    after = await store_of([product("a", 5, title="new")])
    with pytest.raises(IndexNotEmpty, match="--resume"):
        await check_empty(after)
    done, told = await imported(tmp_path / "x.parquet", after)
    assert (done.written, done.already_present, told) == (1, ["a"], ["b"])
    assert (await after.read(["a"]))["a"][0].state.fields["title"] == "new"
    again, _ = await imported(tmp_path / "x.parquet", after)
    assert (again.written, again.already_present) == (0, ["a", "b"])
    await check_empty(InMemoryProductStore(SPEC))
    with pytest.raises(IndexNotEmpty, match="t1"):
        await check_empty(await store_of([product("t1")]))


async def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), BackupWriter(path, HEADER) as writer:
        row = product("a", title="a")
        writer.add(("a", row.stored, row.vector))
        raise RuntimeError
    assert path.read_bytes() == b"old" and names(tmp_path) == [path.name]
    with pytest.raises(InvalidBackup, match="nowhere"), BackupWriter(tmp_path / "nowhere" / "x", HEADER):
        pass


def names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


def damaged(path: Path, fault: str) -> None:
    data = bytearray(path.read_bytes())
    match fault:
        case "cut off":
            path.write_bytes(data[: len(data) // 2])
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_bytes(b"product_id,title\n")
        case "foreign":
            pq.write_table(pa.table({"product_id": ["a"], "title": ["Mug"]}), path)
        case "a row less" | "no sum" | "later" | "changed":
            table = pq.read_table(path)
            if fault == "later":
                header = msgspec.json.decode(table.schema.metadata[HEADER_KEY]) | {"format": 2}
                table = table.replace_schema_metadata({HEADER_KEY: msgspec.json.encode(header)})
            table = table.slice(0, 2) if fault == "a row less" else table
            if fault == "changed":
                table = pa.concat_tables([table.slice(0, 1), table.slice(0, 1).take([0]), table.slice(2)])
                ids = pa.array(["p2", "p3", "p4"])
                table = table.set_column(0, table.schema.field("product_id"), ids)
            noted = pq.read_metadata(path).metadata[CHECKSUM_KEY]
            with pq.ParquetWriter(path, table.schema) as writer:
                writer.write_table(table)
                if fault != "no sum":
                    writer.add_key_value_metadata({CHECKSUM_KEY.decode(): noted.decode()})


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("cut off", "no whole Parquet file"),
        ("empty", "no whole Parquet file"),
        ("text", "no whole Parquet file"),
        ("changed", "not what was written"),
        ("foreign", "no backup of an index"),
        ("a row less", "2 products of 3"),
        ("no sum", "not written to its end"),
        ("later", "has format 2, this program reads 1"),
    ],
)
async def test_a_file_that_is_no_whole_backup_is_refused(tmp_path: Path, fault: str, said: str) -> None:
    path = tmp_path / "x.parquet"
    await exported(await store_of([product(f"p{at}", at, title=str(at)) for at in (2, 3, 4)]), path)
    damaged(path, fault)
    with pytest.raises(InvalidBackup, match=said) as refused, BackupReader(path) as reader:
        reader.verify()
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


async def test_rows_of_an_older_version_lose_their_markup_on_the_way_in(tmp_path: Path) -> None:
    after = InMemoryProductStore(SPEC)
    await exported(await store_of([product("p", title="Salt &amp; <b>pepper</b>")]), tmp_path / "a.parquet")
    await imported(tmp_path / "a.parquet", after)
    assert (await after.read(["p"]))["p"][0].state.fields == {"title": "Salt & pepper"}
