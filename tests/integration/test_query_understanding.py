"""Queries as shoppers word them, in English and Chinese, against real servers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.shop import png
from tests.stack import Stack, start_stack

PICTURES = {name: base64.b64encode(png(name)).decode() for name in ("red", "blue")}
PRODUCTS = [
    {"id": "floral", "title": "Floral summer dress", "price": 49.0, "brand": "Luma", "category": "Women/Dresses"},
    {"id": "plain", "title": "Plain summer dress", "price": 59.0, "brand": "Luma", "category": "Women/Dresses"},
    {"id": "vneck", "title": "V-neck winter dress", "price": 99.0, "brand": "Luma", "category": "Women/Dresses"},
    {"id": "trainer", "title": "White trainers", "price": 30.0, "brand": "Zanzibar", "category": "Shoes"},
    {"id": "zh-floral", "title": "红色碎花连衣裙", "price": 45.0, "currency": "CNY", "category": "Women/Dresses"},
    {"id": "live", "title": "Quilted jacket"},
    *({"id": f"cup-{name}", "title": f"{name} cup", "images": [{"data": data}]} for name, data in PICTURES.items()),
    {"id": "zh-blue", "title": "蓝色连衣裙", "price": 80.0, "currency": "CNY", "category": "Women/Dresses"},
]


@dataclass
class Shop:
    """A running stack with its merchant's synonyms."""

    stack: Stack
    http: httpx.Client
    synonyms: Path

    def search(self, **request: Any) -> dict[str, Any]:
        response = self.http.post("/v1/search", json={"k": 100, **request})
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, **request: Any) -> list[str]:
        return [hit["product_id"] for hit in self.search(**request)["hits"]]

    def publish(self, kind: str, rows: list[dict[str, Any]]) -> None:
        file = self.stack.data_dir / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.stack.cli("publish", kind, file)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    data_dir = tmp_path_factory.mktemp("understanding")
    synonyms = data_dir / "synonyms.txt"
    synonyms.write_text("sneaker, trainer\n裙子 => 连衣裙\n", encoding="utf-8")
    settings = {"VITRINE_ENCODER_NAME": "hash", "VITRINE_QUERY_SYNONYMS": str(synonyms)}
    stack = start_stack(data_dir, **settings)
    with httpx.Client(base_url=stack.url, timeout=30, trust_env=False) as http:
        shop = Shop(stack, http, synonyms)
        shop.publish("products", PRODUCTS)
        stack.wait("all are found", lambda: shop.search()["total"] == len(PRODUCTS))
        yield shop
    stack.cli("down", "--data-dir", data_dir)


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_excluded_words_are_in_no_result_in_both_languages(shop, mode):
    english = shop.search(text="dress −floral –v-neck", mode=mode, facets=["brand"])
    assert "plain" in [hit["product_id"] for hit in english["hits"]]
    assert not {"floral", "vneck"} & {hit["product_id"] for hit in english["hits"]}
    assert english["understood"] == {"excluded": ["floral", "v-neck"]}
    assert {"value": "Luma", "count": 1} in english["facets"]["brand"]
    chinese = shop.ids(text="连衣裙 －碎花", mode=mode)
    assert "zh-blue" in chinese and "zh-floral" not in chinese
    assert "floral" not in shop.ids(text='summer dress -"floral summer"', mode=mode)
    assert shop.ids(text="-floral -碎花", filters={"category": "Women"}) == ["plain", "vneck", "zh-blue"]


def test_misspelt_words_are_corrected_by_what_the_catalogue_has(shop):
    shop.stack.wait("its words are counted", lambda: "did_you_mean" in shop.search(text="zanzibra"))
    found = shop.search(text="Zanzibra", mode="lexical")
    assert (found["did_you_mean"], found["corrected"]) == ("Zanzibar", True)
    assert [hit["product_id"] for hit in found["hits"]] == ["trainer"]
    literal = shop.search(text="Zanzibra", mode="lexical", correct=False)
    assert (literal["did_you_mean"], literal["corrected"], literal["total"]) == ("Zanzibar", False, 0)


def test_changes_are_seen_by_cached_exclusions_and_by_the_vocabulary(shop):
    shop.stack.wait("its words are counted", lambda: "did_you_mean" in shop.search(text="zanzibra"))
    cached = {"text": "quilted jacket -velvet"}
    assert "live" in shop.ids(**cached) and shop.search(**cached)["cache"] == "hit"
    changes = [
        ("product.updated", {"product_id": "live", "description": "With a velvet collar."}),
        ("product.created", {"product_id": "new", "title": "Quokka lantern", "description": "Zanzibra style"}),
    ]
    envelope = {"specversion": "1.0", "source": "test"}
    shop.publish("events", [{**envelope, "id": kind, "type": kind, "data": data} for kind, data in changes])
    shop.stack.wait("it is gone", lambda: "live" not in shop.ids(**cached))
    assert "live" in shop.ids(text="quilted jacket")
    shop.stack.wait("new words are known", lambda: shop.search(text="quoka").get("did_you_mean") == "quokka")
    assert "did_you_mean" not in shop.search(text="zanzibra")


def test_prices_in_words_are_filters_in_both_languages(shop):
    for text, price in [("dress under 50", {"lt": 50.0}), ("连衣裙 低于５０元", {"lt": 50.0})]:
        found = shop.search(text=text)
        assert found["understood"]["price"] == price
        assert all(hit["price"] < 50 for hit in found["hits"])
        assert {"floral", "zh-floral"} <= {hit["product_id"] for hit in found["hits"]}
        assert "understood" not in shop.search(text=text, price_phrases=False)
    between = shop.search(text="20到50元的连衣裙", filters={"price": {"gt": 50}})
    assert between["understood"]["price_applied"] is False and "zh-blue" in [
        hit["product_id"] for hit in between["hits"]
    ]


def test_synonyms_widen_the_words_and_are_read_anew(shop):
    found = shop.search(text="Sneakers", mode="lexical")
    assert [hit["product_id"] for hit in found["hits"]] == ["trainer"]
    assert found["understood"] == {"synonyms": {"sneaker": ["trainer"]}}
    assert set(shop.ids(text="新裙子", mode="lexical")) >= {"zh-floral", "zh-blue"}
    shop.synonyms.write_text("frock, dress\n", encoding="utf-8")
    shop.stack.wait("the file is read", lambda: "plain" in shop.ids(text="frock", mode="lexical"))
    shop.synonyms.write_text("broken\n", encoding="utf-8")
    assert "plain" in shop.ids(text="frock", mode="lexical")


def test_several_weighted_parts_are_searched_with_from_http_and_the_terminal(shop, tmp_path):
    parts = [{"image": PICTURES["red"]}, {"image": PICTURES["blue"], "weight": -1}]
    assert shop.ids(parts=parts)[0] == "cup-red"
    for name in PICTURES:
        (tmp_path / name).write_bytes(png(name))
    asked = ["--image", tmp_path / "blue", "--not-image", tmp_path / "red", "--like", "trainer", "--not-text", "dress"]
    found = [hit["product_id"] for hit in json.loads(shop.stack.cli("search", *asked, "--json").stdout)["hits"]]
    assert "trainer" not in found and found.index("cup-blue") < found.index("cup-red")
