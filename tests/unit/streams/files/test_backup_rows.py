"""A backup published as a catalogue: what was stored comes back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from encoders.spec import EmbeddingSpec
from indexer.backup.files import BackupWriter
from indexer.backup.format import BackupHeader
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from tests.unit.streams.files.catalogues import send

SPEC = EmbeddingSpec("hash", "1", 3)
HEADER = BackupHeader(SPEC.key, SPEC.dim, "hash", 1, "products_g1", 1_700_000_000_000)


def write_backup(path: Path, products: dict[str, dict[str, Any]]) -> None:
    """A backup of products of version 7; those without fields were deleted."""
    with BackupWriter(path, HEADER) as writer:
        for product_id, fields in sorted(products.items()):
            stamp = EventStamp(7, "s", "e")
            change = ProductChange(product_id, stamp, fields, replaces_all_fields=True, deletes=not fields)
            stored = StoredProduct(ProductState().merge(change))
            row = build_row(product_id, stored, np.zeros(SPEC.fused_dim, np.float32))
            writer.add((product_id, row.stored, row.vector))


def test_products_of_a_backup_are_as_they_were_in_their_versions_and_deleted_ones_are_not_there(tmp_path: Path) -> None:
    fields = {
        "title": "[1, 2]: 5,99 > nan",
        "category": "Men, Women > Tops",
        "categories": ["Men, Women > Tops", "1.299"],
        "price": 1.299,
        "currency": "EUR",
        "attributes": {"version": "3", "Sizes": ["S", "M"]},
        "created_at": "2026-01-02T03:19:11.123456Z",
        "images": [{"url": "https://s/1.jpg"}],
    }
    write_backup(tmp_path / "x.parquet", {"a": fields, "gone": {}, "b": {"title": "Kettle"}})
    sent = send(tmp_path / "x.parquet")
    assert sent.products["a"] == {"product_id": "a", "version": 7} | fields
    assert sent.products["b"] == {"product_id": "b", "version": 7, "title": "Kettle"}
    assert list(sent.products) == ["a", "b"] and not sent.rejected and "backup" in sent.said[0]


def test_pictures_that_a_backup_has_not_in_it_are_left_out_and_counted(tmp_path: Path) -> None:
    pictures = [{"hash": "0" * 64}, {"url": "https://s/1.jpg"}]
    write_backup(tmp_path / "x.parquet", {"a": {"title": "Tee", "images": pictures}})
    sent = send(tmp_path / "x.parquet")
    assert sent.products["a"]["images"] == [{"url": "https://s/1.jpg"}]
    assert any("1 stored pictures" in line for line in sent.notice.lines())
