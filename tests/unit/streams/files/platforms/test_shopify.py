"""Exports of Shopify, as they are."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.streams.files.catalogues import send_text
from tests.unit.streams.files.platforms.tables import table

SHOPIFY = ["Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value"]
SHOPIFY += ["Option2 Name", "Option2 Value", "Variant SKU", "Variant Inventory Qty", "Variant Inventory Policy"]
SHOPIFY += ["Variant Price", "Variant Compare At Price", "Image Src", "Image Position", "Variant Image", "Status"]


def shopify(handle: str, sku: str = "", **cells: object) -> dict[str, object]:
    return {"Handle": handle, "Variant SKU": sku} | {name.replace("_", " "): cell for name, cell in cells.items()}


def test_shopify_rows_of_variants_and_pictures_are_products_of_one_group(tmp_path: Path) -> None:
    first = {
        "Title": "Tee",
        "Body (HTML)": "Soft",
        "Vendor": "Luma",
        "Type": "Tees",
        "Tags": "a, b",
        "Published": "true",
    }
    first |= {"Option1 Name": "Size", "Option1 Value": "S", "Variant Price": "20.00", "Image Src": "https://s/1.jpg"}
    rows = [
        shopify("tee", "t-s", Status="active", Variant_Inventory_Qty=0, Variant_Inventory_Policy="deny") | first,
        shopify("tee", "t-m", Option1_Value="M", Variant_Price="22.00", Variant_Image="https://s/m.jpg"),
        shopify("tee", Image_Src="https://s/2.jpg", Image_Position=2),
        shopify("mug", "", Title="Mug", Option1_Name="Title", Option1_Value="Default Title", Variant_Price="9.00"),
        shopify("draft", "d", Title="Draft", Variant_Price="9.00", Status="draft"),
    ]
    sent = send_text(tmp_path, table(SHOPIFY, *rows))
    small, medium = sent.products["t-s"], sent.products["t-m"]
    assert (small["price"], medium["price"], small["in_stock"]) == (20, 22, False)
    assert small["group_id"] == medium["group_id"] == "tee"
    assert medium["title"] == "Tee" and medium["brand"] == "Luma" and medium["attributes"] == {"Size": "M"}
    assert medium["images"] == [{"url": f"https://s/{name}.jpg"} for name in ("m", "1", "2")]
    assert sent.products["mug"] == {"product_id": "mug", "title": "Mug", "price": 9.0}
    assert sent.withdrawn == {"d"}


def test_shopify_json_has_its_variants_inside(tmp_path: Path) -> None:
    product = {
        "id": 1,
        "title": "Tee",
        "handle": "tee",
        "body_html": "<p>Soft</p>",
        "vendor": "Luma",
        "product_type": "Tees",
        "tags": ["a", "b"],
        "variants": [
            {"id": 11, "sku": "t-s", "price": "20.00", "option1": "S", "available": True},
            {"id": 12, "sku": "", "price": "22.00", "option1": "M", "available": False},
        ],
        "options": [{"name": "Size", "values": ["S", "M"]}],
        "images": [{"src": "https://s/1.jpg"}, {"src": "https://s/2.jpg"}],
    }
    sent = send_text(tmp_path, json.dumps({"products": [product]}), "products.json")
    assert list(sent.products) == ["t-s", "12"]
    assert sent.products["12"]["price"] == 22 and sent.products["12"]["in_stock"] is False
    assert sent.products["12"]["attributes"] == {"Size": "M"} and sent.products["12"]["group_id"] == "tee"
    assert len(sent.products["t-s"]["images"]) == 2


def test_shopify_variants_with_one_sku_or_none_are_told_apart_by_their_options(tmp_path: Path) -> None:
    options = {"Title": "Tee", "Option1 Name": "Colour", "Variant Price": "20.00"}
    rows = [
        shopify("tee", sku, Option1_Value=colour) | options
        for sku, colour in zip(["", "", "T", "T"], "红蓝绿黄", strict=True)
    ]
    sent = send_text(tmp_path, table(SHOPIFY, *rows))
    assert sorted(product["attributes"]["Colour"] for product in sent.products.values()) == sorted("红蓝绿黄")
    assert all(name.startswith("tee-") for name in sent.products)


def test_shopify_variants_whose_inventory_nobody_tracks_are_in_stock(tmp_path: Path) -> None:
    columns = [*SHOPIFY, "Variant Inventory Tracker"]
    rows = [
        shopify(name, name, Title=name, Variant_Inventory_Qty=0, Variant_Price=5) | {"Variant Inventory Tracker": how}
        for name, how in (("any", ""), ("none", "shopify"))
    ]
    sent = send_text(tmp_path, table(columns, *rows))
    assert {name: product["in_stock"] for name, product in sent.products.items()} == {"any": True, "none": False}
