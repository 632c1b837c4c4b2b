"""Writes the products of a store to a backup, and a backup's into a store.

Each row of a backup is a product as it was when its page was read; it is no snapshot of one instant when events come
meanwhile. The offsets in its header were noted before the first page: replaying events from there on adds what rows
may lack, as events are merged by their versions. Tombstones are rows too, so that late events do not bring deleted
products back. Pictures are not in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from indexer.backup.files import BackupReader, BackupWriter
from indexer.backup.format import BackupProduct
from indexer.errors import IndexNotEmpty
from indexer.plain_text import with_plain_texts
from indexer.ports.products import ProductStore
from indexer.records import IndexRow
from indexer.rows import build_row

PAGE = 256

OnWritten = Callable[[Sequence[str]], Awaitable[None]]
"""Is told the ids of products that have just been written."""


async def _nothing() -> None:
    """For who has nothing to do before a page."""


@dataclass(slots=True)
class ImportResult:
    """What came of an import."""

    written: int = 0
    already_present: list[str] = field(default_factory=list[str])
    """Products that were in the store already, which were left as they are."""


async def export_rows(
    store: ProductStore, writer: BackupWriter, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write all products of a store, tombstones too; how many there are.

    Args:
        store: a generation.
        writer: open.
        progress: is told how many are written so far.

    Raises:
        StoreUnavailable: the store does not answer.
        InvalidBackup: the file cannot be written.
    """
    count, last = 0, ""
    while page := await store.scan(last, PAGE):
        products = [(product_id, *page[product_id]) for product_id in sorted(page)]
        await asyncio.to_thread(_add_products, writer, products)
        count, last = count + len(products), products[-1][0]
        progress(count)
    return count


async def check_empty(store: ProductStore) -> None:
    """Check that nothing is in a store, not even a tombstone. Raises `IndexNotEmpty`, `StoreUnavailable`."""
    if found := await store.scan("", 1):
        raise IndexNotEmpty(
            f"the index holds products already, {next(iter(found))} among them: import into an empty one (another data "
            "directory or Milvus), or finish an import that was cut off with --resume"
        )


async def import_rows(
    store: ProductStore,
    reader: BackupReader,
    changed: OnWritten,
    progress: Callable[[int], None] = lambda _: None,
    before_page: Callable[[], Awaitable[object]] = _nothing,
    *,
    replace: bool = False,
) -> ImportResult:
    """Write all products of a backup; check the file first, with `reader.verify`.

    Idempotent: cut off, it can be done again. A product that is in the store already may have had events since the
    backup, and stays as it is, unless those events are read again.

    Args:
        store: a generation of the same encoder.
        reader: open.
        changed: is told of products after they are written.
        progress: is told how many of the file have been dealt with.
        before_page: is called before each page is written.
        replace: products that are in the store already, too: all events since the backup will come once more.

    Raises:
        StoreUnavailable: the store does not answer.
        InvalidBackup: the file is damaged.
        InvalidRecord: the store cannot hold a row.
    """
    imported, done = ImportResult(), 0
    batches = reader.batches()
    while batch := await asyncio.to_thread(next, batches, None):
        present = {} if replace else await store.read([product_id for product_id, _, _ in batch])
        rows = await asyncio.to_thread(_build_rows, [product for product in batch if product[0] not in present])
        await before_page()
        await store.write(rows)
        await changed([row.product_id for row in rows])
        imported.written += len(rows)
        imported.already_present += present
        done += len(batch)
        progress(done)
    return imported


def _add_products(writer: BackupWriter, products: Sequence[BackupProduct]) -> None:
    for product in products:
        writer.add(product)


def _build_rows(products: Sequence[BackupProduct]) -> list[IndexRow]:
    return [build_row(product_id, with_plain_texts(stored), vector) for product_id, stored, vector in products]
