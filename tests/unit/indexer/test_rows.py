"""From a stored product to its row."""

from typing import Any

import numpy as np

from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import HIT_PAYLOAD_MAX_BYTES, build_row, embedding_text, is_searchable, text_hash

VECTOR = np.zeros(8, np.float32)


def stored(*, image_keys: tuple[str, ...] = (), broken: tuple[str, ...] = (), **fields: Any) -> StoredProduct:
    state = ProductState().merge(ProductChange("p", EventStamp(7, "shop", "e"), fields, replaces_all_fields=True))
    return StoredProduct(state, "h", image_keys, broken)


def test_the_encoder_sees_what_tells_most_first():
    fields = {
        "title": "Chaz  Hoodie.",
        "brand": "Luma",
        "category": "Men/Tops",
        "attributes": {"colour": ["red", "blue"], "fit": "slim"},
        "description": "Warm.\n" * 400,
        "price": 5.0,
    }
    text = embedding_text(fields)
    assert text.startswith("Chaz Hoodie. Luma. Men Tops. red, blue. slim. Warm. Warm")
    assert len(text) < 600


def test_no_text_has_the_empty_hash():
    assert embedding_text({"price": 5.0, "title": "  "}) == ""
    assert text_hash("") == ""
    assert text_hash("a") != text_hash("b") == text_hash("b")


def test_a_card_shows_the_product():
    fields = {
        "title": "Hoodie",
        "price": 52.0,
        "currency": "USD",
        "in_stock": False,
        "tags": ["eco"],
        "attributes": {"colour": ["red"]},
        "created_at": "2026-01-01T00:00:00Z",
        "images": [{"hash": "gone"}, {"hash": "abc"}],
        "url": "https://shop.example/1",
    }
    card = decode_hit_payload(build_row("p", stored(broken=("gone",), **fields), VECTOR).hit_payload)
    assert card == HitPayload(
        title="Hoodie",
        price=52.0,
        currency="USD",
        in_stock=False,
        tags=["eco"],
        attributes={"colour": ["red"]},
        created_at_ms=1_767_225_600_000,
        image_url="/media/abc",
        url="https://shop.example/1",
        version=7,
    )


def test_text_or_an_embedded_picture_makes_a_product_searchable():
    assert is_searchable(stored(title="Hoodie"))
    assert is_searchable(stored(description="Warm"))
    assert is_searchable(stored(image_keys=("abc",)))
    assert not is_searchable(stored(title="  ", brand="Luma", price=5.0))
    assert not is_searchable(stored(images=[{"url": "https://shop.example/unreachable.jpg"}]))


def test_a_product_that_is_not_searchable_has_no_terms():
    row = build_row("p", stored(brand="Luma", price=5.0, category="Men"), VECTOR)
    assert (row.searchable, row.lexical, row.filter_terms, dict(row.numbers)) == (False, "", (), {})
    assert decode_hit_payload(row.hit_payload).brand == "Luma"


def test_a_huge_card_loses_its_largest_attributes_but_filters_do_not():
    attributes = {f"a{number}": [f"{number}-{index}" + "值" * 250 for index in range(14)] for number in range(60)}
    row = build_row("p", stored(title="Hoodie", attributes=attributes | {"colour": "red"}), VECTOR)
    assert len(row.hit_payload) <= HIT_PAYLOAD_MAX_BYTES
    assert decode_hit_payload(row.hit_payload).attributes["colour"] == "red"
    assert len(row.filter_terms) == 60 * 14 + 1


def test_a_card_of_only_huge_tags_fits_too():
    row = build_row("p", stored(title="Hoodie", tags=[f"{number}" + "😀" * 255 for number in range(64)]), VECTOR)
    assert len(row.hit_payload) <= HIT_PAYLOAD_MAX_BYTES
