"""Products of files as training data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from streams.errors import NoCatalogue
from streams.training_data.files import catalogue_file, read_listings

ROWS = [
    {"id": f"p-{number}", "title": f"{colour} {kind}", "category": f"Home > {kind}", "images": f"{colour}.png"}
    for number, (colour, kind) in enumerate((colour, kind) for colour in ("red", "blue") for kind in ("lamp", "vase"))
]


def test_rows_that_cannot_be_read_are_named_and_the_last_row_of_a_product_counts(tmp_path: Path) -> None:
    for colour in ("red", "blue"):
        Image.new("RGB", (20, 20), colour).save(tmp_path / f"{colour}.png")
    rows = [*ROWS, {"title": "no id"}, {**ROWS[0], "title": "green lamp", "images": "https://shop.example/a.png"}]
    file = tmp_path / "more.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    lines: list[str] = []
    listings = read_listings(file, tmp_path, {}, None, lines.append)
    assert len(listings) == 4
    assert listings[0].passages[0] == "green lamp"
    assert listings[0].pictures == ()
    assert listings[1].category == "Home/vase"
    assert "line 5: no product_id" in "\n".join(lines)
    assert "1 pictures are addresses" in "\n".join(lines)


def test_a_directory_without_products_says_what_it_looks_for(tmp_path: Path) -> None:
    with pytest.raises(NoCatalogue, match=r"products\.jsonl"):
        catalogue_file(tmp_path)
