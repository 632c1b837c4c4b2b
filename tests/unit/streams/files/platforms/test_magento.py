"""Exports of Magento, as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.streams.files.catalogues import send_text
from tests.unit.streams.files.platforms.tables import table

MAGENTO = ["sku", "store_view_code", "attribute_set_code", "product_type", "categories", "name", "product_online"]
MAGENTO += ["visibility", "price", "special_price", "special_price_to_date", "qty", "is_in_stock"]
MAGENTO += ["additional_attributes", "base_image", "additional_images", "configurable_variations"]


def magento(sku: str, **cells: object) -> dict[str, object]:
    row = {"sku": sku, "product_type": "simple", "name": sku, "product_online": 1, "visibility": "Catalog, Search"}
    return row | cells


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


def test_magento_offers_begin_and_end_on_days_as_it_writes_them(tmp_path: Path) -> None:
    columns = [*MAGENTO, "special_price_from_date"]
    spans = {
        "now": ("1/1/99, 12:00 AM", ""),
        "over": ("1/1/20", "1/31/20"),
        "later": ("12/31/67, 12:00 AM", ""),
        "until": ("", "12/31/67"),
        "always": ("", ""),
    }
    rows = [
        magento(sku, price="5.0000", special_price="4.0000", special_price_from_date=first, special_price_to_date=last)
        for sku, (first, last) in spans.items()
    ]
    sent = send_text(tmp_path, table(columns, *rows))
    prices = {sku: product["price"] for sku, product in sent.products.items()}
    assert prices == {"now": 4, "over": 5, "later": 5, "until": 4, "always": 4}


@pytest.mark.parametrize(
    ("cell", "attributes"),
    [
        ('desc="x=1, y=2",size=M', {"desc": "x=1, y=2", "size": "M"}),
        ('fit="A|B"|"C, ""d""",size=M', {"fit": ["A|B", 'C, "d"'], "size": "M"}),
        ('"colour=Black","note=a, b=1"', {"colour": "Black", "note": "a, b=1"}),
        ('screen=15" wide, flat,depth=2"', {"screen": '15" wide, flat', "depth": '2"'}),
        ("url=/a?b=1,size=M", {"url": "/a?b=1", "size": "M"}),
    ],
)
def test_signs_in_quoted_attributes_are_letters(tmp_path: Path, cell: str, attributes: dict[str, Any]) -> None:
    sent = send_text(tmp_path, table(MAGENTO, magento("a", additional_attributes=cell)))
    assert sent.products["a"]["attributes"] == attributes
