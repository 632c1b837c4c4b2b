"""Pairs of texts about one product, from a real shop's listings: what real words go together, without pictures."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as parquet

from vitrine.samples.mini.data.photos import is_held_out


def read_listing_texts(data: Path) -> list[list[str]]:
    """Each listing in one row, its title, its points, and its brand, colour and category; judgments are not read."""
    path = data / "esci_products.parquet"
    if not path.is_file():
        return []
    rows = parquet.read_table(path).to_pylist()
    texts = [_texts(row) for row in rows if not is_held_out(row["asin"])]
    return [row for row in texts if len(row) > 1]


def _texts(row: dict[str, object]) -> list[str]:
    def cell(name: str) -> str:
        value = row.get(name)
        return value.strip() if isinstance(value, str) else ""

    points = cell("bullet_points").split("\n")
    kind = " ".join(part for part in (cell("brand"), cell("color"), cell("category").split(">")[-1].strip()) if part)
    half = len(points) // 2 + 1
    whole = ". ".join((cell("title"), kind, cell("bullet_points").replace("\n", " ")))[:240]
    texts = (
        whole,
        cell("title"),
        " ".join(points[:half])[:160],
        " ".join(points[half:])[:160],
        cell("description")[:160],
        kind,
    )
    return [text for text in texts if len(text) > 3]
