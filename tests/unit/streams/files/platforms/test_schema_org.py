"""Products of schema.org, as they are."""

from __future__ import annotations

import json
from pathlib import Path

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
