"""Only products that match are results: of a catalogue where it is known which do."""

from __future__ import annotations

from typing import Any

import msgspec

from query_api.contract.requests import SearchRequest, Weights
from query_api.contract.responses import SearchResponse
from query_api.relevance.background import MIN_SAMPLE
from query_api.wiring.components import QueryComponents, wire
from tests.shop import MakeShop, Shop, png
from tests.unit.query_api.relevance.conftest import PRODUCTS, TOPICS, topic

OWN = PRODUCTS // TOPICS


async def answer(components: QueryComponents, text: str, **more: Any) -> SearchResponse:
    """Through the caches, as a client gets it."""
    request = SearchRequest(text=text, correct=False, **more)
    found = await components.answers.answer(request)
    return msgspec.json.decode(found.body, type=SearchResponse)


async def test_products_of_another_topic_are_no_results(components: QueryComponents):
    found = await answer(components, topic(3), k=100, facets=["category"])
    assert found.total == OWN and {hit.category for hit in found.hits} == {topic(3)}
    assert isinstance(found.facets, dict)
    assert [(value.value, value.count) for value in found.facets["category"]] == [(topic(3), OWN)]
    assert found.approximate is msgspec.UNSET


async def test_words_that_nobody_knows_find_nothing_but_what_is_nearest(components: QueryComponents):
    found = await answer(components, "xqzvw blorp")
    assert found.total == 0 and found.hits == []
    assert isinstance(found.nearest, list) and 0 < len(found.nearest) <= 5


async def test_what_matches_has_no_nearest_beside_it(components: QueryComponents):
    assert (await answer(components, topic(3))).nearest is msgspec.UNSET


async def test_a_floor_of_0_takes_all_that_is_near(components: QueryComponents):
    assert (await answer(components, topic(3), floor=0.0)).total == PRODUCTS
    assert (await answer(components, "xqzvw blorp", floor=0.0)).total == PRODUCTS


async def test_the_floor_is_the_same_under_a_filter(components: QueryComponents):
    whole = await answer(components, topic(3), facets=["category"], floor=0.2)
    assert isinstance(whole.facets, dict)
    for counted in whole.facets["category"]:
        narrowed = await answer(components, topic(3), filters={"category": counted.value}, floor=0.2)
        assert narrowed.total == counted.count


async def test_counts_without_a_facets_own_filter_are_of_what_matches(components: QueryComponents):
    found = await answer(components, topic(3), filters={"category": topic(5)}, facets=["category"], multi_select=True)
    assert found.total == 0 and isinstance(found.facets, dict)
    assert [(value.value, value.count) for value in found.facets["category"]] == [(topic(3), OWN)]


async def test_any_order_is_of_what_matches(components: QueryComponents):
    found = await answer(components, topic(3), sort="price")
    assert [hit.price for hit in found.hits] == [float(3 + TOPICS * at) for at in range(10)]


async def test_taste_pulls_nothing_from_below_the_floor(topics: Shop, components: QueryComponents):
    await topics.interact("ann", [f"p{5 + TOPICS * at:03d}" for at in range(10)], "purchased")
    for _ in range(3):
        found = await answer(components, topic(3), user_id="ann", k=100, weights=Weights(personal=50))
        assert {hit.category for hit in found.hits} == {topic(3)} and found.total == OWN


async def test_a_product_that_comes_over_the_floor_is_seen_at_once(topics: Shop, components: QueryComponents):
    await answer(components, topic(3))
    assert (await answer(components, topic(3))).cache == "hit"
    await topics.put("p004", title=f"{topic(3)}1 {topic(3)}2 {topic(3)} thing4", category=topic(3))
    assert (await answer(components, topic(3))).total == OWN + 1
    await topics.put("p004", title=f"{topic(4)}1 {topic(4)}2 {topic(4)} thing4", category=topic(4))
    assert (await answer(components, topic(3))).total == OWN


async def test_what_was_nearest_to_nothing_is_seen_when_it_matches(topics: Shop, components: QueryComponents):
    assert (await answer(components, "blorp")).total == 0
    await topics.put("new", title="blorp", category="new")
    assert [hit.product_id for hit in (await answer(components, "blorp")).hits][:1] == ["new"]


async def test_below_the_floor_is_a_verdict(components: QueryComponents):
    explained = await components.explainer.explain(SearchRequest(text=topic(3), correct=False), "p004")
    [reason] = explained.reasons
    assert explained.verdict == reason.kind == "below_the_floor" and explained.total == OWN
    assert reason.evidence["words"] == 0 and reason.evidence["spreads_alone"] is None
    unknown = await components.explainer.explain(SearchRequest(text="xqzvw blorp", correct=False), "p004")
    assert unknown.verdict == "below_the_floor"
    assert unknown.reasons[0].evidence["spreads"] < unknown.reasons[0].evidence["spreads_alone"]
    shown = await components.explainer.explain(SearchRequest(text=topic(3), correct=False, k=100), "p003")
    assert shown.verdict == "shown"


async def test_without_a_query_all_products_match(components: QueryComponents):
    assert (await components.searcher.search(SearchRequest())).total == PRODUCTS


async def test_of_few_products_nothing_can_be_told(make_shop: MakeShop):
    shop = make_shop()
    for at in range(MIN_SAMPLE - 1):
        await shop.put(f"p{at}", title=f"mug {at}")
    components = wire(shop.services)
    await components.floors.measure()
    assert (await answer(components, "blorp")).total == MIN_SAMPLE - 1


async def test_pages_of_a_floor_are_not_shown_where_too_few_products_are_left_for_one(
    topics: Shop, components: QueryComponents
):
    assert (await answer(components, "blorp")).total == 0
    for at in range(MIN_SAMPLE - 1, PRODUCTS):
        await topics.delete(f"p{at:03d}")
    assert (await answer(components, "blorp")).total == 0
    await components.floors.measure()
    assert (await answer(components, "blorp")).total == MIN_SAMPLE - 1


async def test_a_photo_finds_what_stands_out(make_shop: MakeShop):
    shop = make_shop()
    for at in range(MIN_SAMPLE):
        await shop.put(f"grey{at}", png("grey", "white" if at % 2 else "silver"), title=f"thing {at}")
    for at in range(4):
        await shop.put(f"red{at}", png("red"), title=f"other {at}")
    components = wire(shop.services)
    await components.floors.measure()
    found = await components.searcher.search(SearchRequest(image=png("red"), k=100))
    assert [hit.product_id for hit in found.hits[:4]] == ["red0", "red1", "red2", "red3"]
    assert found.total < MIN_SAMPLE
