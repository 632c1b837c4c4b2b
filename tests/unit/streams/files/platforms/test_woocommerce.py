"""Exports of WooCommerce, as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.streams.files.catalogues import send_text
from tests.unit.streams.files.platforms.tables import WOO, table, woo


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


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"Regular price": "1.299,00", "Sale price": "999,50"}, {"price": 999.5}),
        ({"Regular price": "20", "Sale price": "25"}, {"price": 20}),
        ({"Regular price": "20", "In stock?": "", "Stock": "0"}, {"in_stock": False}),
        ({"Regular price": "20", "In stock?": "0", "Stock": "5"}, {"in_stock": False}),
        ({"Attribute 1 value(s)": "Red"}, {"attributes": None}),
        ({"SKU": "", "ID": "41"}, {"product_id": "41"}),
        ({"Regular price": "", "Sale price": "4,50"}, {"price": 4.5}),
    ],
)
def test_a_woocommerce_row_says(tmp_path: Path, cells: dict[str, Any], said: dict[str, Any]) -> None:
    (product,) = send_text(tmp_path, table(WOO, woo("a") | cells)).products.values()
    assert {name: product.get(name) for name in said} == said
