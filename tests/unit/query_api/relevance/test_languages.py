"""An index in two languages: listings in the other one than the query are found beside those in its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import json

from encoders.port import HashEncoder
from encoders.spec import FloatArray
from indexer.criteria import Filters
from indexer.errors import StoreUnavailable
from indexer.ports.products import ScoredIds
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.wiring.components import open_searcher, wire
from tests.shop import MakeShop


class TranslatingEncoder(HashEncoder):
    """Knows some Chinese by the English words for it."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        return super().encode_texts([text.replace("红鞋", "red shoe").replace("红李", "red plum") for text in texts])


@pytest.mark.parametrize("text", ["red shoe", "红鞋"])
async def test_a_translation_comes_before_what_just_has_a_word(make_shop: MakeShop, text: str):
    shop = make_shop(QueryConfig(text_trust=False), encoder=TranslatingEncoder())
    await shop.put("en", title="red shoe")
    await shop.put("zh", title="红鞋")
    for at in range(60):
        await shop.put(f"en{at}", title=f"red thing{at} kind{at}")
        await shop.put(f"zh{at}", title=f"红 物{at}")
    async with open_searcher(shop.services) as searcher:
        response = await searcher.search(SearchRequest(text=text, floor=0))
    assert {hit.product_id for hit in response.hits[:2]} == {"en", "zh"}


@pytest.mark.parametrize("multi_select", [False, True])
async def test_a_facet_counts_what_its_filter_shows_in_either_language(make_shop: MakeShop, multi_select: bool):
    shop = make_shop(QueryConfig(text_trust=False), encoder=TranslatingEncoder())
    for at in range(40):
        kind = "shoe" if at < 12 else "plum" if at < 24 else "thing"
        said = {"shoe": "红鞋", "plum": "红李"}.get(kind, f"物{at}")
        await shop.put(f"en{at}", title=f"red {kind} kind{at}", category=kind, brand=f"brand{at % 4}")
        await shop.put(f"zh{at}", title=said, category=kind, brand=f"brand{at % 4}")
    fields = ("category", "brand")
    async with open_searcher(shop.services) as searcher:
        found = await searcher.search(SearchRequest(text="red shoe", k=100, facets=fields, multi_select=multi_select))
        assert {hit.product_id[:2] for hit in found.hits} == {"en", "zh"} and found.facets
        for field in fields:
            for value in found.facets[field]:
                request = SearchRequest(text="red shoe", filters={field: [value.value]})
                assert (await searcher.search(request)).total == value.count, value


@pytest.mark.parametrize("user_id", [None, "somebody"])
@pytest.mark.parametrize(
    ("text", "asked_for"),
    [
        ("red shoe 7", {"title": "sandal of many colours", "attributes": {"line": "red shoe 7"}}),
        ("red shoe nine", {"title": "a nine of hearts in red, as a shoe for those who like to play"}),
    ],
)
async def test_nothing_near_in_another_language_comes_before_what_a_query_asks_for(
    make_shop: MakeShop, text: str, asked_for: dict[str, Any], user_id: str | None
):
    shop = make_shop(QueryConfig(text_trust=False), encoder=TranslatingEncoder())
    await shop.interact("somebody", ["en1", "en2"])
    for at in range(40):
        line = "nine" if at < 5 else "7" if at < 10 else "eight"
        await shop.put(f"en{at}", title=f"red shoe {line} kind{at}", category="shoe")
        await shop.put(f"zh{at}", title="红鞋 7 nine", category="shoe")
    await shop.put("asked-for", category="shoe", **asked_for)
    components = wire(shop.services)
    await components.floors.measure()
    request = SearchRequest(text=text, user_id=user_id)
    for cache in ("miss", "hit", "bypass"):
        answer = await components.answers.answer(request, use_cache=cache != "bypass")
        found = [hit["product_id"] for hit in json.decode(answer.body)["hits"]]
        assert answer.cache == cache
        assert found.index("asked-for") < min(at for at, hit in enumerate(found) if hit.startswith("zh"))
    await components.aclose()


async def test_where_there_is_no_telling_what_words_imply_a_filtered_search_is_answered_without_and_says_so(
    make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch
):
    shop = make_shop(QueryConfig(text_trust=False), encoder=TranslatingEncoder())
    for at in range(40):
        await shop.put(f"en{at}", title=f"red shoe kind{at}", category="shoe")
        await shop.put(f"zh{at}", title="红鞋", category="shoe")
    components, search_dense = wire(shop.services), shop.services.store.search_dense
    await components.floors.measure()

    async def search_with_filters_alone(vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        if not filters:
            raise StoreUnavailable("busy")
        return await search_dense(vector, filters, limit)

    monkeypatch.setattr(shop.services.store, "search_dense", search_with_filters_alone)
    request = SearchRequest(text="red shoe", filters={"category": "shoe"})
    answers = [json.decode((await components.answers.answer(request)).body) for _ in range(2)]
    assert [(answer["degraded"], answer["total"] >= 40) for answer in answers] == [(["lexical"], True)] * 2
    monkeypatch.undo()
    assert json.decode((await components.answers.answer(request)).body)["degraded"] == []
    await components.aclose()
