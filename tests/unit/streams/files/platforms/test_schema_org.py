"""Products of schema.org, as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.streams.files.catalogues import send_text


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


@pytest.mark.parametrize(
    ("told", "field", "value"),
    [
        ({"offers": {"@type": "AggregateOffer", "lowPrice": "9.50", "highPrice": "20"}}, "price", 9.5),
        ({"offers": [{"priceSpecification": {"price": 3.5, "priceCurrency": "EUR"}}]}, "price", 3.5),
        ({"offers": {"price": 1, "availability": "OutOfStock"}}, "in_stock", False),
        ({"offers": {"price": 1, "availability": "http://schema.org/LimitedAvailability"}}, "in_stock", True),
        ({"category": ["Home > Mugs", "Sale"]}, "categories", ["Home/Mugs", "Sale"]),
        ({"image": {"@type": "ImageObject", "contentUrl": "https://s/1"}}, "images", [{"url": "https://s/1"}]),
        (
            {"image": ["https://s/1", {"@type": "ImageObject", "url": "https://s/2"}]},
            "images",
            [{"url": "https://s/1"}, {"url": "https://s/2"}],
        ),
        ({"brand": "Stabilo"}, "brand", "Stabilo"),
    ],
)
def test_ways_of_schema_org_to_say_a_thing(tmp_path: Path, told: dict[str, Any], field: str, value: Any) -> None:
    item = {"@context": "https://schema.org", "@type": "Product", "productID": "p", "name": "Pen"} | told
    listed = {"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "position": 1, "item": item}]}
    for text in (json.dumps([item]), json.dumps(listed)):
        assert send_text(tmp_path, text, "x.json").products["p"][field] == value
