"""Exports of shops' platforms, as they are."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from streams.files.platforms.profile import NAMES, load_profile
from tests.unit.streams.files.catalogues import send, send_text

WOO = ["ID", "Type", "SKU", "Name", "Published", "Visibility in catalog", "Description", "Date sale price ends"]
WOO += ["In stock?", "Stock", "Sale price", "Regular price", "Categories", "Tags", "Images", "Parent", "Meta: _wp_x"]
WOO += ["Attribute 1 name", "Attribute 1 value(s)", "Attribute 1 visible", "Attribute 2 name", "Attribute 2 value(s)"]
MAGENTO = ["sku", "store_view_code", "attribute_set_code", "product_type", "categories", "name", "product_online"]
MAGENTO += ["visibility", "price", "special_price", "special_price_to_date", "qty", "is_in_stock"]
MAGENTO += ["additional_attributes", "base_image", "additional_images", "configurable_variations"]
SHOPIFY = ["Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value"]
SHOPIFY += ["Option2 Name", "Option2 Value", "Variant SKU", "Variant Inventory Qty", "Variant Inventory Policy"]
SHOPIFY += ["Variant Price", "Variant Compare At Price", "Image Src", "Image Position", "Variant Image", "Status"]


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


def magento(sku: str, **cells: object) -> dict[str, object]:
    row = {"sku": sku, "product_type": "simple", "name": sku, "product_online": 1, "visibility": "Catalog, Search"}
    return row | cells


def shopify(handle: str, sku: str = "", **cells: object) -> dict[str, object]:
    return {"Handle": handle, "Variant SKU": sku} | {name.replace("_", " "): cell for name, cell in cells.items()}


def test_woocommerce_offers_count_while_they_run(tmp_path: Path) -> None:
    rows = [
        woo("now") | {"Sale price": "18,50", "Regular price": 20},
        woo("over") | {"Sale price": "18,00", "Regular price": 20, "Date sale price ends": "2020-01-31"},
        woo("later") | {"Sale price": "18,00", "Regular price": 20, "Date sale price ends": "2999-01-31"},
    ]
    sent = send_text(tmp_path, table(WOO, *rows))
    assert {name: product["price"] for name, product in sent.products.items()} == {"now": 18.5, "over": 20, "later": 18}
    assert "WooCommerce" in sent.said[0] and "--from woocommerce" in sent.said[0]


def test_woocommerce_categories_attributes_and_pictures_are_lists_with_escapes(tmp_path: Path) -> None:
    row = woo("a") | {"Categories": "Home > Rugs, Sale > Rugs\\, mats", "Tags": "soft, warm", "Meta: _wp_x": "9"}
    row |= {
        "Attribute 1 name": "Fit",
        "Attribute 1 value(s)": "Slim, Wide",
        "Images": "https://s/1.jpg, https://s/2.jpg",
    }
    row |= {"Attribute 2 name": "Material", "Attribute 2 value(s)": "Wool\\, washed"}
    product = send_text(tmp_path, table(WOO, row)).products["a"]
    assert product["categories"] == ["Home/Rugs", "Sale/Rugs, mats"] and product["category"] == "Home/Rugs"
    assert product["attributes"] == {"Fit": ["Slim", "Wide"], "Material": "Wool, washed"}
    assert product["tags"] == ["soft", "warm"]
    assert product["images"] == [{"url": "https://s/1.jpg"}, {"url": "https://s/2.jpg"}]


def test_woocommerce_variations_are_of_their_parents_group_and_have_what_it_has(tmp_path: Path) -> None:
    rows = [
        woo("tee", Type="variable", ID=7, Description="Soft", Categories="Tees", Regular_price=""),
        woo("tee-s", Type="variation", Parent="tee") | {"Attribute 1 name": "Size", "Attribute 1 value(s)": "S"},
        woo("tee-m", Type="variation", Parent="id:7") | {"In stock?": "backorder"},
        woo("draft", Type="variable", Published=-1),
        woo("draft-s", Type="variation", Parent="draft"),
        woo("hidden") | {"Visibility in catalog": "hidden"},
    ]
    sent = send_text(tmp_path, table(WOO, *rows))
    assert {name: product["group_id"] for name, product in sent.products.items()} == dict.fromkeys(
        ["tee", "tee-s", "tee-m"], "tee"
    )
    assert sent.products["tee-s"]["description"] == "Soft" and sent.products["tee-s"]["category"] == "Tees"
    assert sent.products["tee-m"]["in_stock"] is False
    assert sent.withdrawn == {"draft", "draft-s", "hidden"}
    assert sent.notice.hidden == 3


def test_a_products_rows_are_one_however_far_apart(tmp_path: Path) -> None:
    rows = [
        magento("a", price="63.0000", categories="D/Men,D/Sale", additional_attributes="color=Black,size=M"),
        magento("b", price="5.0000"),
        {"sku": "a", "store_view_code": "de", "name": "Übersetzt", "categories": "D/Neu", "price": ""},
        {"sku": "a", "store_view_code": "fr", "additional_attributes": "color=Noir"},
    ]
    sent = send_text(tmp_path, table(MAGENTO, *rows))
    assert list(sent.products) == ["b", "a"]
    assert sent.products["a"]["title"] == "a" and sent.products["a"]["price"] == 63
    assert sent.products["a"]["categories"] == ["D/Men", "D/Sale", "D/Neu"]
    assert sent.products["a"]["attributes"] == {"color": ["Black", "Noir"], "size": "M"}
    assert sent.notice.merged == 2


def test_magento_attributes_offers_groups_and_visibility(tmp_path: Path) -> None:
    hidden = {"visibility": "Not Visible Individually"}
    rows = [
        magento("tee-s", price="20.0000", special_price="15.0000", additional_attributes='size=S,note="a, b",fit=A|B')
        | hidden,
        magento("tee", product_type="configurable", configurable_variations="sku=tee-s,size=S|sku=tee-m,size=M"),
        magento("alone") | hidden,
        magento("off", product_online=2),
        magento("browse", visibility="Catalog"),
    ]
    sent = send_text(tmp_path, table(MAGENTO, *rows))
    assert sent.products["tee-s"]["group_id"] == sent.products["tee"]["group_id"] == "tee"
    assert sent.products["tee-s"]["price"] == 15
    assert sent.products["tee-s"]["attributes"] == {"size": "S", "note": "a, b", "fit": ["A", "B"]}
    assert sent.withdrawn == {"alone", "off", "browse"}


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


GOOGLE = ["id", "title", "description", "link", "image link", "additional image link", "availability", "price"]
GOOGLE += ["sale price", "sale price effective date", "product type", "item group id", "color", "custom label 0"]


def test_a_google_feed_in_a_table(tmp_path: Path) -> None:
    row = {"id": "g1", "title": "Shoe", "link": "https://s/1", "availability": "preorder", "price": "89.00 EUR"}
    row |= {"sale price": "59.00 EUR", "product type": "Shoes > Running", "item group id": "g", "color": "Red"}
    row |= {"image link": "https://s/1.jpg", "additional image link": "https://s/2.jpg,https://s/3.jpg"}
    spans = {"g1": "2020-01-01T00:00+0100/2999-01-01T00:00+0100", "g2": "2020-01-01T00:00Z/2020-02-01T00:00Z"}
    rows = [
        row | {"id": name, "sale price effective date": span, "custom label 0": "x"} for name, span in spans.items()
    ]
    sent = send_text(tmp_path, table(GOOGLE, *rows, delimiter="\t"), "feed.txt")
    assert [product["price"] for product in sent.products.values()] == [59, 89]
    first = sent.products["g1"]
    assert first["currency"] == "EUR" and first["category"] == "Shoes/Running" and first["group_id"] == "g"
    assert first["in_stock"] is False and first["attributes"] == {"color": "Red", "availability": "preorder"}
    assert len(first["images"]) == 3


def test_a_google_feed_in_xml(tmp_path: Path) -> None:
    item = """<item><g:id>g1</g:id><title>Shoe &amp; sock</title><link>https://s/1</link>
      <g:image_link>https://s/1.jpg</g:image_link><g:additional_image_link>https://s/2.jpg</g:additional_image_link>
      <g:additional_image_link>https://s/3.jpg</g:additional_image_link><g:availability>in_stock</g:availability>
      <g:price>1,299.00 USD</g:price><g:product_type>Shoes &gt; Running</g:product_type>
      <g:product_type>Sale</g:product_type><g:shipping><g:price>4 USD</g:price></g:shipping></item>"""
    head = '<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>'
    sent = send_text(tmp_path, f"{head}{item}{item.replace('g1', 'g2')}</channel></rss>", "feed.xml")
    assert list(sent.products) == ["g1", "g2"]
    product = sent.products["g1"]
    assert product["title"] == "Shoe & sock" and product["price"] == 1299 and len(product["images"]) == 3
    assert product["categories"] == ["Shoes/Running", "Sale"]


PRESTASHOP = ["Product ID", "Active (0/1)", "Name *", "Categories (x,y,z...)", "Price tax excluded", "Discount amount"]
PRESTASHOP += ["Discount percent", "Discount to (yyyy-mm-dd)", "Reference #", "Manufacturer", "Quantity", "Visibility"]
PRESTASHOP += ["Summary", "Description", "Tags (x,y,z...)", "Image URLs (x,y,z...)", "Feature(Name:Value:Position)"]


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


def test_products_of_schema_org(tmp_path: Path) -> None:
    lamp = {
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": "l1",
        "name": "Lamp",
        "brand": {"@type": "Brand", "name": "Luma"},
        "image": ["https://s/1.jpg", "https://s/2.jpg"],
        "offers": [
            {
                "@type": "Offer",
                "price": "49.00",
                "priceCurrency": "EUR",
                "availability": "https://schema.org/OutOfStock",
            },
            {"@type": "Offer", "price": 45, "priceCurrency": "EUR", "availability": "https://schema.org/InStock"},
        ],
        "aggregateRating": {"ratingValue": "4.5", "reviewCount": 12},
        "review": [{"reviewBody": "Bright"}, {"reviewBody": "Warm"}],
        "additionalProperty": [{"@type": "PropertyValue", "name": "Watts", "value": 40}],
        "color": "Black",
    }
    group = {
        "@type": "ProductGroup",
        "productGroupID": "tee",
        "name": "Tee",
        "description": "Soft",
        "hasVariant": [
            {"@type": "Product", "sku": f"t-{size}", "size": size, "offers": {"price": 20, "priceCurrency": "USD"}}
            for size in "SM"
        ],
    }
    sent = send_text(tmp_path, json.dumps({"@context": "https://schema.org", "@graph": [lamp, group]}), "x.json")
    product = sent.products["l1"]
    assert (product["price"], product["currency"], product["in_stock"]) == (45, "EUR", True)
    assert (product["rating"], product["rating_count"], product["reviews"]) == (4.5, 12, ["Bright", "Warm"])
    assert product["attributes"] == {"color": "Black", "Watts": "40"} and len(product["images"]) == 2
    assert sent.products["t-S"]["group_id"] == sent.products["t-M"]["group_id"] == "tee"
    assert sent.products["t-M"]["description"] == "Soft" and sent.products["t-M"]["attributes"] == {"size": "M"}


@pytest.mark.parametrize("name", ["x.csv.gz", "x.zip", "x.csv.zip"])
def test_a_packed_export_is_read_as_its_contents(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / name, table(WOO, woo("a") | {"Regular price": 5}).encode()
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("export.csv", text)
            archive.writestr("__MACOSX/export.csv", b"")
    assert send(path).products["a"]["price"] == 5


def test_who_names_the_platform_and_the_columns_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("sku,name,price,headline\n1,a,5,b\n", encoding="utf-8")
    sent = send(path, {"headline": "title"}, "magento")
    assert sent.products["1"]["title"] == "b" and not sent.said


def test_columns_that_a_profile_does_not_know_are_attributes_and_told(tmp_path: Path) -> None:
    sent = send_text(tmp_path, table([*WOO, "Ribbon"], woo("a") | {"Ribbon": "New"}))
    assert sent.products["a"]["attributes"] == {"Ribbon": "New"}
    assert list(sent.notice.unknown_columns) == ["Ribbon"]
    assert any("Ribbon (1)" in line for line in sent.notice.lines())


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_knows_the_columns_by_which_it_is_recognised(name: str) -> None:
    profile = load_profile(name)
    assert profile.title and profile.recognised_by and "product_id" in profile.fields
