"""Exports of PrestaShop, as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.errors import UnreadableFile
from tests.unit.streams.files.catalogues import send_text
from tests.unit.streams.files.platforms.tables import table

PRESTASHOP = ["Product ID", "Active (0/1)", "Name *", "Categories (x,y,z...)", "Price tax excluded", "Discount amount"]
PRESTASHOP += ["Discount percent", "Discount to (yyyy-mm-dd)", "Reference #", "Manufacturer", "Quantity", "Visibility"]
PRESTASHOP += ["Summary", "Description", "Tags (x,y,z...)", "Image URLs (x,y,z...)", "Feature(Name:Value:Position)"]
COMBINATIONS = ["Product ID*", "Attribute (Name:Type:Position)*", "Value (Value:Position)*", "Reference", "Quantity"]
COMBINATIONS += ["Impact on price"]


def test_prestashop(tmp_path: Path) -> None:
    row = {"Product ID": 1, "Active (0/1)": 1, "Name *": "Mug", "Categories (x,y,z...)": "Home,Home/Mugs"}
    row |= {"Price tax excluded": "12.50", "Reference #": "m1", "Manufacturer": "Luma", "Quantity": 3}
    row |= {"Feature(Name:Value:Position)": "Material:Clay:1,Style:Plain:2", "Discount percent": "20"}
    rows: list[dict[str, Any]] = [
        row,
        row | {"Product ID": 2, "Reference #": "m2", "Discount to (yyyy-mm-dd)": "2020-01-01"},
        row | {"Product ID": 3, "Reference #": "m3", "Active (0/1)": 0},
    ]
    sent = send_text(tmp_path, table(PRESTASHOP, *rows, delimiter=";"))
    assert [product["price"] for product in sent.products.values()] == [10, 12.5]
    assert sent.products["m1"]["categories"] == ["Home", "Home/Mugs"]
    assert sent.products["m1"]["attributes"] == {"Material": "Clay", "Style": "Plain"}
    assert sent.withdrawn == {"m3"}


def test_prestashop_combinations_below_their_product_are_of_its_group_and_price(tmp_path: Path) -> None:
    columns = [*PRESTASHOP, *COMBINATIONS[1:4], "Impact on price"]
    mug = {"Product ID": 1, "Active (0/1)": 1, "Name *": "Mug", "Price tax excluded": "10.00", "Discount percent": 10}
    names = {"Product ID": 1, "Attribute (Name:Type:Position)*": "Size:select:0,Colour:color:1"}
    rows: list[dict[str, Any]] = [
        mug | {"Reference #": "m", "Quantity": 3},
        names | {"Value (Value:Position)*": "L:0,Red:1", "Reference": "m-l", "Impact on price": "2.50", "Quantity": 0},
        names | {"Value (Value:Position)*": "S:1,Red:1", "Impact on price": "-1.00"},
    ]
    sent = send_text(tmp_path, table(columns, *rows, delimiter=";"))
    assert {name: product["price"] for name, product in sent.products.items()} == {"m-l": 11.25, "1-S-Red": 8.1}
    large, small = sent.products.values()
    assert large["attributes"] == {"Size": "L", "Colour": "Red"} and large["title"] == "Mug"
    assert large["in_stock"] is False and small["in_stock"] is True
    assert large["group_id"] == small["group_id"] == "1"


def test_prestashop_combinations_may_name_their_product_by_its_reference(tmp_path: Path) -> None:
    columns = [*PRESTASHOP, "Product reference", *COMBINATIONS[1:4]]
    names = {"Attribute (Name:Type:Position)*": "Size:select:0"}
    rows: list[dict[str, Any]] = [
        {"Product ID": n, "Active (0/1)": 1, "Name *": name, "Price tax excluded": n, "Reference #": name}
        for n, name in ((1, "mug"), (2, "cup"))
    ]
    rows += [names | {"Product reference": "mug", "Value (Value:Position)*": value} for value in ("S:0", "L:1")]
    rows += [names | {"Product reference": "jug", "Value (Value:Position)*": "S:0", "Reference": "jug-s"}]
    sent = send_text(tmp_path, table(columns, *rows, delimiter=";"))
    assert {name: product["title"] for name, product in sent.products.items()} == {
        "cup": "cup",
        "1-S": "mug",
        "1-L": "mug",
    }
    assert sent.products["1-L"]["price"] == 1 and sent.products["1-L"]["group_id"] == "1"
    assert [row.line for row in sent.rejected] == [6]


def test_prestashop_combinations_without_their_products_are_refused(tmp_path: Path) -> None:
    row = {"Product ID*": 1, "Attribute (Name:Type:Position)*": "Size:select:0", "Value (Value:Position)*": "L:0"}
    with pytest.raises(UnreadableFile, match="PrestaShop's products without the products"):
        send_text(tmp_path, table(COMBINATIONS, row, delimiter=";"))


def test_prestashop_combinations_of_a_product_that_has_no_row_are_rejected(tmp_path: Path) -> None:
    mug = {"Product ID": 1, "Active (0/1)": 1, "Name *": "Mug", "Price tax excluded": "10.00", "Reference #": "m"}
    orphan = {"Product ID": 2, "Attribute (Name:Type:Position)*": "Size:select:0", "Value (Value:Position)*": "L:0"}
    sent = send_text(tmp_path, table([*PRESTASHOP, *COMBINATIONS[1:3]], mug, orphan, delimiter=";"))
    assert list(sent.products) == ["m"] and [row.line for row in sent.rejected] == [3]
