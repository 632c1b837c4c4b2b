"""Queries as shoppers word them, over HTTP: what is understood, what is searched for, and how that is told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from query_api.config import QueryConfig
from query_api.errors import InvalidSynonyms
from query_api.understanding.background_refresh import RefreshIntervals
from tests.shop import MakeShop, Shop, png

ALL = {"k": 100}
FREQUENT = RefreshIntervals(poll_s=0.01)


async def search(client: httpx.AsyncClient, **request: Any) -> dict[str, Any]:
    response = await client.post("/v1/search", json=ALL | request)
    assert response.status_code == 200, response.text
    return response.json()


async def refused(client: httpx.AsyncClient, **request: Any) -> tuple[str, str]:
    response = await client.post("/v1/search", json=request)
    assert response.status_code == 422, response.text
    [error] = response.json()["errors"]
    return error["field"], error["detail"]


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["product_id"] for hit in found["hits"]]


def encoded(*colours: str) -> str:
    return base64.b64encode(png(*colours)).decode()


class TestParts:
    async def test_text_picture_and_product_are_the_same_by_themselves_as_among_the_parts(self, client):
        for part in ({"text": "red mug"}, {"image": encoded("red")}, {"product_id": "mug-red"}):
            assert (await search(client, **part))["hits"] == (await search(client, parts=[part]))["hits"]

    async def test_a_parts_weight_moves_results_towards_it(self, client):
        def both(blue: float) -> dict[str, Any]:
            parts = [{"text": "red hoodie"}, {"text": "blue mug", "weight": blue}]
            return {"parts": parts, "mode": "dense", "weights": {"text": 1, "image": 0}}

        assert ids(await search(client, **both(0.1)))[0] == "hoodie-red"
        least, most = [ids(await search(client, **both(blue))) for blue in (0.1, 10)]
        assert most.index("mug-blue") < least.index("mug-blue") and most.index("hoodie-red") > 0

    async def test_pictures_and_texts_with_negative_weight_are_moved_away_from(self, client):
        plain = ids(await search(client, text="hoodie", mode="dense"))
        for away in ({"text": "red", "weight": -1}, {"image": encoded("red"), "weight": -1}):
            moved = ids(await search(client, text="hoodie", mode="dense", parts=[away]))
            assert moved.index("hoodie-red") > plain.index("hoodie-red")

    async def test_several_pictures_are_sent_as_files(self, client):
        files = [("image", ("a.png", png("red"))), ("image", ("b.png", png("blue")))]
        by_form = await client.post("/v1/search", files=files, data=ALL)
        by_json = await search(client, parts=[{"image": encoded("red")}, {"image": encoded("blue")}])
        assert by_form.json()["hits"] == by_json["hits"]
        assert set(ids(by_json)[:2]) == {"hoodie-red", "hoodie-blue"}

    async def test_products_that_are_asked_with_are_no_results(self, client):
        parts = [{"product_id": "mug-red"}, {"product_id": "mug-blue"}, {"product_id": "mug-black", "weight": -1}]
        found = ids(await search(client, parts=parts))
        assert len(found) == 5 and not {"mug-red", "mug-blue", "mug-black"} & set(found)

    async def test_every_part_is_part_of_the_cache_key(self, client):
        requests: list[dict[str, Any]] = [
            {"text": "mug"},
            {"text": "mug", "parts": [{"text": "red"}]},
            {"text": "mug", "parts": [{"text": "red", "weight": 2}]},
            {"text": "mug", "parts": [{"text": "red", "weight": -2}]},
            {"text": "mug", "parts": [{"product_id": "mug-red", "weight": -2}]},
            {"text": "mug", "parts": [{"image": encoded("red"), "weight": -2}]},
            {"text": "mug", "parts": [{"image": encoded("blue"), "weight": -2}]},
            {"text": "mug -red"},
            {"text": "mug -red -blue"},
            {"text": "mug under 6"},
        ]
        for state in ("miss", "hit"):
            assert [(await search(client, **request))["cache"] for request in requests] == [state] * len(requests)

    async def test_a_change_of_any_product_that_is_asked_with_is_a_new_search(self, client, shop):
        request = {"parts": [{"product_id": "mug-red"}, {"product_id": "mug-blue", "weight": -0.5}]}
        await search(client, **request)
        await shop.put("mug-blue", title="black hoodie")
        assert (await search(client, **request))["cache"] == "miss"

    @pytest.mark.parametrize(
        ("request_", "field", "reason"),
        [
            ({"parts": [{}]}, "parts[0]", "one of `text`, `image` and `product_id`; 0 are given"),
            ({"parts": [{"text": "a", "product_id": "b"}]}, "parts[0]", "2 are given"),
            ({"parts": [{"text": "a", "weight": 0}]}, "parts[0]", "must not be 0"),
            ({"parts": [{"text": "a", "weight": 11}]}, "parts[0].weight", "<= 10"),
            ({"parts": [{"text": "a"}, {"text": "a", "colour": 1}]}, "parts[1].colour", "unknown field"),
            ({"parts": [{"text": "a"}] * 17}, "parts", "16"),
            ({"parts": [{"image": ""}]}, "parts[0].image", "empty"),
            ({"parts": [{"image": "AAAA"}]}, "image", "known format"),
            ({"parts": [{"product_id": "nobody"}]}, "product_id", "nobody"),
            ({"parts": [{"text": "a", "weight": -1}]}, "parts", "only what to leave out"),
            ({"parts": [{"text": "a"}, {"text": "a", "weight": -1}]}, "parts", "cancel"),
            ({"parts": [{"text": "a", "weight": -1}], "text": "b", "mode": "lexical"}, "mode", "hybrid"),
            ({"parts": [{"product_id": "mug-red"}], "mode": "lexical"}, "mode", "compares words"),
        ],
    )
    async def test_impossible_parts_are_refused_by_name(self, client, request_, field, reason):
        at, detail = await refused(client, **request_)
        assert at == field and reason in detail


class TestExclusions:
    async def test_an_excluded_word_is_in_no_result_facet_or_total(self, client):
        for mode in ("hybrid", "dense", "lexical"):
            found = await search(client, text="mug −red", mode=mode, facets=["attributes.colour"])
            assert "mug-red" in ids(await search(client, text="mug", mode=mode))
            assert not [product_id for product_id in ids(found) if "red" in product_id]
            assert "red" not in [facet["value"] for facet in found["facets"]["attributes.colour"]]
            assert found["total"] == len(found["hits"]) and found["understood"] == {"excluded": ["red"]}

    async def test_a_product_that_comes_to_hold_an_excluded_word_leaves_cached_results_and_the_other_way_round(
        self, client, shop
    ):
        request = {"text": 'mug -floral -"gift set"', "mode": "hybrid"}
        await search(client, **request)
        await shop.put("mug-red", title="red mug", description="with a floral print")
        await shop.put("mug-blue", title="blue mug", tags=["set", "gift"])
        await shop.put("mug-new", title="gift mug")
        found = await search(client, **request)
        assert found["cache"] == "hit"
        assert "mug-new" in ids(found) and not {"mug-red", "mug-blue"} & set(ids(found))
        await shop.put("mug-red", title="red mug")
        found = await search(client, **request)
        assert found["cache"] == "hit" and "mug-red" in ids(found)

    async def test_only_exclusions_are_refused_unless_something_else_is_asked_for(self, client):
        assert await refused(client, text="-red") == (
            "text",
            "text: says only what to leave out; add what to look for, or a filter",
        )
        home = {"category": "Home"}
        assert ids(await search(client, text="-red", filters=home)) == ["mug-black", "mug-blue", "mug-green"]
        assert ids(await search(client, text="-red under 7"))[0] == "mug-blue"
        assert "hoodie-red" not in ids(await search(client, text="-red", image=encoded("red")))
        many = " ".join(f"-w{at}x" for at in range(17))
        assert "at most 16" in (await refused(client, text=f"mug {many}"))[1]

    async def test_chinese_words_are_excluded(self, make_shop: MakeShop):
        shop = make_shop()
        for name, title in {"plain": "红色连衣裙", "floral": "红色碎花连衣裙", "vase": "红色花瓶 连衣裙形"}.items():
            await shop.put(name, title=title)
        async with shop.client() as client:
            assert set(ids(await search(client, text="连衣裙 －碎花"))) == {"plain", "vase"}


class TestPrices:
    async def test_a_price_in_words_filters_is_named_and_can_be_switched_off(self, client):
        found = await search(client, text="mug under 7")
        assert set(ids(found)) == {"mug-red", "mug-blue"}
        assert found["understood"] == {"price": {"lt": 7.0}, "phrase": "under 7"}
        assert found["hits"] == (await search(client, text="mug", filters={"price": {"lt": 7}}))["hits"]
        off = await search(client, text="mug under 7", price_phrases=False)
        assert off["total"] == 8 and "understood" not in off

    async def test_a_price_filter_of_the_request_wins(self, client):
        found = await search(client, text="mug under 7", filters={"price": {"gte": 7}, "category": "Home"})
        assert set(ids(found)) == {"mug-green", "mug-black"}
        assert found["understood"] == {"price": {"lt": 7.0}, "phrase": "under 7", "price_applied": False}

    async def test_a_price_alone_is_a_look_at_what_costs_that(self, client):
        found = await search(client, text="低于7元")
        assert set(ids(found)) == {"mug-red", "mug-blue"}
        assert found["understood"] == {"price": {"lt": 7.0}, "phrase": "低于7元", "currency": "CNY"}

    async def test_parameters_switch_it_off_too(self, client):
        found = await client.get("/v1/search", params={"q": "mug under 7", "price_phrases": "false"})
        assert found.json()["total"] == 8


class TestSpelling:
    @pytest.fixture
    def shop_options(self) -> dict[str, Any]:
        return {"refresh_intervals": FREQUENT}

    @pytest.fixture
    async def client(self, shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
        """The shop, whose words are counted."""
        async with shop.app.router.lifespan_context(shop.app), shop.client() as client:
            async with asyncio.timeout(5):
                while "did_you_mean" not in await search(client, text="hoodei"):
                    await asyncio.sleep(0.01)
            yield client

    async def test_a_misspelt_word_is_corrected_and_told(self, client):
        found = await search(client, text="Blak Hodie -red", mode="lexical")
        assert found["did_you_mean"] == "Black Hoodie -red" and found["corrected"] is True
        assert found["hits"] == (await search(client, text="black hoodie -red", mode="lexical"))["hits"]

    async def test_corrections_can_be_switched_off(self, client):
        found = await search(client, text="hoodei", mode="lexical", correct=False)
        assert found["did_you_mean"] == "hoodie" and found["corrected"] is False and found["total"] == 0

    @pytest.mark.parametrize("text", ["hoodies", "BOLT", "hoodie with mugs", "xyzzyplugh", "m00g", "mgu", "红色", ""])
    async def test_words_that_exist_or_look_like_none_stay(self, client, text):
        assert "did_you_mean" not in await search(client, text=text)

    async def test_words_of_new_products_are_known_soon_and_those_of_descriptions_are_never_corrected(
        self, client, shop
    ):
        await shop.put("new", title="Zanzibar lantern", description="for any hoodle")
        async with asyncio.timeout(5):
            while (await search(client, text="zanzibra")).get("did_you_mean") != "zanzibar":
                await asyncio.sleep(0.01)
        assert "did_you_mean" not in await search(client, text="hoodle")

    async def test_without_a_vocabulary_nothing_is_corrected(self, make_shop: MakeShop):
        shop = make_shop()
        await shop.put("p", title="hoodie")
        async with shop.client() as client:
            assert "did_you_mean" not in await search(client, text="hoodei")


class TestSynonyms:
    async def test_synonyms_are_found_told_and_read_anew(self, make_shop: MakeShop, tmp_path: Path):
        file = tmp_path / "synonyms.txt"
        file.write_text("sneaker, trainer\n裙子 => 连衣裙\n")
        shop = make_shop(QueryConfig(synonyms=str(file)), refresh_intervals=FREQUENT)
        await shop.put("trainer", title="White trainers")
        await shop.put("dress", title="红色连衣裙")
        await shop.put("slipper", title="Slippers")
        async with shop.app.router.lifespan_context(shop.app), shop.client() as client:
            found = await search(client, text="Sneakers", mode="lexical")
            assert ids(found) == ["trainer"] and found["understood"] == {"synonyms": {"sneaker": ["trainer"]}}
            assert ids(await search(client, text="新裙子", mode="lexical")) == ["dress"]
            file.write_text("sneaker, slipper\n")
            async with asyncio.timeout(5):
                while ids(await search(client, text="sneakers", mode="lexical")) != ["slipper"]:
                    await asyncio.sleep(0.01)

    async def test_a_bad_file_is_refused_at_the_start(self, make_shop: MakeShop, tmp_path: Path):
        file = tmp_path / "synonyms.txt"
        file.write_text("a, b\nc => d => e\n")
        with pytest.raises(InvalidSynonyms, match=r"synonyms.txt, line 2: more than one =>"):
            make_shop(QueryConfig(synonyms=str(file)))
        with pytest.raises(InvalidSynonyms, match="cannot be read"):
            make_shop(QueryConfig(synonyms=str(tmp_path / "none")))
