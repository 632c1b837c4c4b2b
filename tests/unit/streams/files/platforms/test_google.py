"""Feeds of Google Merchant Center, as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.streams.files.catalogues import send_text
from tests.unit.streams.files.platforms.tables import table

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


@pytest.mark.parametrize(
    ("price", "number", "currency"),
    [("15.00 EUR", 15, "EUR"), ("15,00 EUR", 15, "EUR"), ("EUR 15.00", 15, "EUR"), ("1,500.00 USD", 1500, "USD")],
)
@pytest.mark.parametrize(("word", "is_there"), [("in_stock", True), ("in stock", True), ("backorder", False)])
def test_prices_and_availability_as_feeds_write_them(
    tmp_path: Path, price: str, number: float, currency: str, word: str, is_there: bool
) -> None:
    row = {"id": "1", "title": "Shoe", "price": price, "availability": word}
    product = send_text(tmp_path, table(GOOGLE, row, delimiter="\t"), "feed.tsv").products["1"]
    assert (product["price"], product["currency"], product["in_stock"]) == (number, currency, is_there)
