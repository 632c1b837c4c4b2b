"""Tables of tests, as platforms export them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

WOO = ["ID", "Type", "SKU", "Name", "Published", "Visibility in catalog", "Description", "Date sale price ends"]
WOO += ["In stock?", "Stock", "Sale price", "Regular price", "Categories", "Tags", "Images", "Parent", "Meta: _wp_x"]
WOO += ["Attribute 1 name", "Attribute 1 value(s)", "Attribute 1 visible", "Attribute 2 name", "Attribute 2 value(s)"]


def table(columns: Sequence[str], *rows: Mapping[str, object], delimiter: str = ",") -> str:
    """A CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def woo(sku: str, **cells: object) -> dict[str, object]:
    row = {"Type": "simple", "SKU": sku, "Name": sku, "Published": 1, "Visibility in catalog": "visible"}
    return row | {"In stock?": 1} | {name.replace("_", " "): cell for name, cell in cells.items()}
