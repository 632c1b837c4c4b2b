"""Exports of BigCommerce, as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.streams.files.catalogues import send_text
from tests.unit.streams.files.platforms.tables import table

BIGCOMMERCE = [
    "Item Type",
    "Product ID",
    "Product Name",
    "Product Code/SKU",
    "Brand Name",
    "Product Description",
    "Price",
]
BIGCOMMERCE += ["Sale Price", "Product Visible?", "Current Stock Level", "Category", "Product Image URL - 1"]
BIGCOMMERCE += ["Product Image URL - 2", "Product Custom Fields", "Search Keywords"]
PRESENT = ["Item", "ID", "Name", "Type", "SKU", "Options", "Inventory Tracking", "Current Stock", "Price", "Sale Price"]
PRESENT += ["Categories", "Description", "Is Visible", "Variant Image URL", "Internal Image URL (Export)", "YouTube ID"]


def test_bigcommerce(tmp_path: Path) -> None:
    row = {
        "Item Type": "Product",
        "Product ID": 1,
        "Product Name": "Lamp",
        "Product Code/SKU": "l1",
        "Brand Name": "Luma",
    }
    row |= {"Price": "49.00", "Sale Price": "39.00", "Product Visible?": "Y", "Current Stock Level": 0}
    row |= {"Category": "Shop All/Lamps;Sale", "Product Image URL - 1": "https://s/1.jpg"}
    row |= {"Product Image URL - 2": "https://s/2.jpg", "Product Custom Fields": "Material=Oak;Watts=40"}
    sent = send_text(tmp_path, table(BIGCOMMERCE, row, row | {"Product Code/SKU": "l2", "Product Visible?": "N"}))
    lamp = sent.products["l1"]
    assert lamp["price"] == 39 and lamp["in_stock"] is False and lamp["categories"] == ["Shop All/Lamps", "Sale"]
    assert lamp["attributes"] == {"Material": "Oak", "Watts": "40"} and len(lamp["images"]) == 2
    assert sent.withdrawn == {"l2"}


def test_bigcommerce_rows_of_skus_are_variants_of_the_product_above(tmp_path: Path) -> None:
    tee = {"Item Type": "Product", "Product Name": "Tee", "Product Code/SKU": "t", "Price": "20.00", "Sale Price": 15}
    tee |= {
        "Product Visible?": "Y",
        "Category": "Tops",
        "Current Stock Level": 0,
        "Product Image URL - 1": "https://s/1",
    }
    rows: list[dict[str, Any]] = [
        tee,
        {"Item Type": "  SKU", "Product Name": "[S]Size=S,[CS]Colour=Red:#ff0000", "Product Code/SKU": "t-s"}
        | {"Current Stock Level": 4},
        {"Item Type": "SKU", "Product Name": "[RB]Size= XL long", "Price": "25.00", "Current Stock Level": 0},
        {"Item Type": "  Rule", "Product Code/SKU": "t-s", "Price": "[FIXED]29.00"},
        tee | {"Product Code/SKU": "other", "Product Name": "Other"},
    ]
    sent = send_text(tmp_path, table(BIGCOMMERCE, *rows))
    assert list(sent.products) == ["t-s", "t-XL-long", "other"]
    small, large, _ = sent.products.values()
    assert small["attributes"] == {"Size": "S", "Colour": "Red"} and large["attributes"] == {"Size": "XL long"}
    assert (small["title"], small["price"], small["in_stock"]) == ("Tee", 29, True)
    assert (large["title"], large["price"], large["in_stock"]) == ("Tee", 25, False)
    assert small["group_id"] == large["group_id"] == "t" and small["images"] == [{"url": "https://s/1"}]
    assert not sent.rejected


def test_bigcommerce_rows_of_variants_and_pictures_in_the_present_columns(tmp_path: Path) -> None:
    options = "Type=Swatch|Name=Colour|Value={}[#111111]Type=Rectangle|Name=Size|Value=M"
    hat = {"Item": "Product", "ID": 8, "Name": "Hat", "SKU": "h", "Is Visible": "FALSE", "Price": 5}
    rows: list[dict[str, Any]] = [
        {"Item": "Product", "ID": 7, "Name": "Tee", "SKU": "t", "Inventory Tracking": "product", "Current Stock": 3}
        | {"Price": "20.00", "Categories": "23;41", "Is Visible": "TRUE"},
        {"Item": "Variant", "ID": 70, "SKU": "t-b", "Options": options.format("Black"), "Current Stock": 0},
        {"Item": "Variant", "ID": 71, "SKU": "t-w", "Options": options.format("White"), "Price": 22}
        | {"Variant Image URL": "https://s/w"},
        {"Item": "Image", "ID": 9, "Internal Image URL (Export)": "https://s/1"},
        {"Item": "Video", "ID": 10, "YouTube ID": "x"},
        hat,
        {"Item": "Variant", "SKU": "h-1", "Options": "Type=Rectangle|Name=Size|Value=1"},
    ]
    sent = send_text(tmp_path, table(PRESENT, *rows))
    black, white = sent.products.values()
    assert black["attributes"] == {"Colour": "Black", "Size": "M"} and black["in_stock"] is True
    assert (black["price"], white["price"]) == (20, 22) and "category" not in black
    assert white["images"] == [{"url": "https://s/w"}, {"url": "https://s/1"}]
    assert black["group_id"] == white["group_id"] == "t"
    assert sent.withdrawn == {"h-1"} and not sent.notice.unknown_columns and not sent.rejected


def test_bigcommerce_rules_say_what_variants_of_an_id_or_of_options_cost(tmp_path: Path) -> None:
    tee = {"Item Type": "Product", "Product Name": "Tee", "Product Code/SKU": "t", "Price": "20.00", "Sale Price": "18"}
    sizes = [{"Item Type": "  SKU", "Product Name": f"[RB]Size={size}", "Product Code/SKU": size} for size in "SMLX"]
    rules = [
        {
            "Item Type": "  Rule",
            "Product Code/SKU": "S",
            "Price": "[FIXED]13.00",
            "Product Image URL - 1": "https://s/s",
        },
        {"Item Type": "  Rule", "Product Name": "[S]Size=M", "Price": "[ADD]2.50"},
        {"Item Type": "  Rule", "Product Code/SKU": "L", "Price": "[REMOVE]1"},
        {"Item Type": "  Rule", "Product Code/SKU": "X", "Price": "[ADD]10%"},
        {"Item Type": "  Rule", "Product Name": "[C]Wrapping=Yes", "Price": "[ADD]5"},
    ]
    sent = send_text(tmp_path, table(BIGCOMMERCE, tee, *sizes, *rules))
    assert {name: product.get("price") for name, product in sent.products.items()} == {
        "S": 13,
        "M": 20.5,
        "L": 17,
        "X": None,
    }
    assert sent.products["S"]["images"] == [{"url": "https://s/s"}] and "images" not in sent.products["M"]
    assert [(row.line, "[ADD]10%" in row.reason) for row in sent.rejected] == [(10, True)]
    assert any("1 rules of options" in line for line in sent.notice.lines())


def test_bigcommerce_columns_of_a_template_of_ones_own(tmp_path: Path) -> None:
    columns = [
        "Item Type",
        "Product SKU",
        "Name",
        "Brand",
        "Category String",
        "Price",
        "Product Visible",
        "Stock Level",
    ]
    columns += ["Track Inventory", "Product Image URL", "Brand + Name", "Allow Purchases"]
    lamp = {"Item Type": "Product", "Product SKU": "l", "Name": "Lamp", "Brand": "Luma", "Price": "15.60"}
    lamp |= {"Category String": "Home & Garden/Lamps", "Product Visible": "1", "Stock Level": "0"}
    lamp |= {"Track Inventory": "by product", "Product Image URL": "https://s/l", "Brand + Name": "Luma Lamp"}
    sent = send_text(tmp_path, table(columns, lamp, lamp | {"Product SKU": "x", "Product Visible": "0"}))
    assert sent.products == {
        "l": {
            "product_id": "l",
            "title": "Lamp",
            "brand": "Luma",
            "category": "Home & Garden/Lamps",
            "price": 15.6,
            "in_stock": False,
            "images": [{"url": "https://s/l"}],
        }
    }
    assert sent.withdrawn == {"x"} and not sent.notice.unknown_columns


def test_bigcommerce_variants_without_their_product_are_rejected(tmp_path: Path) -> None:
    orphan = {"Item Type": "SKU", "Product Name": "[RB]Size=S", "Product Code/SKU": "s", "Price": "5"}
    lamp = {"Item Type": "Product", "Product Name": "Lamp", "Product Code/SKU": "l", "Price": "5"}
    sent = send_text(tmp_path, table(BIGCOMMERCE, orphan, lamp))
    assert list(sent.products) == ["l"] and [row.line for row in sent.rejected] == [2]
