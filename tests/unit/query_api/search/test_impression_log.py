"""What answers showed is remembered behind them, and is no reason for one to fail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from indexer.errors import StoreUnavailable
from indexer.ports.impressions import Impression
from indexer.redis.impressions import InMemoryImpressionStore
from indexer.shown_hits import unpack_shown
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.learning_to_rank.features import FEATURE_SET, FEATURES
from query_api.search import impression_log
from query_api.search.impression_log import ImpressionLog
from query_api.wiring.components import wire
from tests.shop import MakeShop, Shop


class Away(InMemoryImpressionStore):
    async def remember(self, impressions: Sequence[Impression]) -> None:
        raise StoreUnavailable("Redis did not answer")


async def remembered(shop: Shop, log: ImpressionLog) -> list[Impression]:
    await log.flush()
    return [impression async for impression in shop.services.impressions.all()]  # type: ignore[union-attr]


async def shop_of(make_shop: MakeShop, store: InMemoryImpressionStore, **config: float) -> Shop:
    shop = make_shop(QueryConfig(text_trust=False, **config), impressions=store)  # type: ignore[arg-type]
    for colour, price in (("red", 10.0), ("blue", 20.0), ("green", 40.0)):
        await shop.put(f"mug-{colour}", title=f"{colour} mug", price=price, in_stock=colour != "blue", category="Mugs")
    return shop


async def test_answers_new_and_kept_personal_and_not_are_remembered_with_what_they_showed(make_shop: MakeShop):
    shop = await shop_of(make_shop, InMemoryImpressionStore())
    await shop.interact("ada", ["mug-blue"])
    parts = wire(shop.services)
    plain, personal = SearchRequest(text="red mug"), SearchRequest(text="red mug", user_id="ada")
    for request in (plain, plain, personal, personal, personal):
        await parts.answers.answer(request)
    kept = await remembered(shop, parts.impressions)
    await parts.aclose()
    assert [impression.user_id for impression in kept] == ["", "", "ada", "ada", "ada"]
    assert len({impression.query_id for impression in kept}) == 5 and {impression.text for impression in kept} == {
        "red mug"
    }
    shown = [unpack_shown(impression.shown) for impression in kept]
    assert [len(impression.product_ids) for impression in shown] == [3] * 5
    assert {impression.feature_set for impression in shown} == {FEATURE_SET}
    # A kept answer was ranked by the same numbers as a new one, but for how old its products are by now.
    np.testing.assert_array_equal(shown[0].features, shown[1].features)
    np.testing.assert_array_equal(shown[2].features, shown[4].features)
    blue = shown[2].features[shown[2].product_ids.index("mug-blue")]
    named = dict(zip(FEATURES, blue.tolist(), strict=True))
    assert named["known"] > 0 and named["taste"] > 0 and named["in_stock"] == 0 and named["category_fit"] == 1
    assert named["price_level"] == pytest.approx(0) and named["price_habit"] == pytest.approx(0)


async def test_a_store_that_is_away_costs_no_answer(make_shop: MakeShop):
    shop = await shop_of(make_shop, Away())
    parts = wire(shop.services)
    assert (await parts.answers.answer(SearchRequest(text="mug"))).cache == "miss"
    await parts.impressions.flush()
    assert (await parts.answers.answer(SearchRequest(text="mug"))).cache == "hit"
    await parts.aclose()


async def test_a_share_of_the_answers_is_remembered_and_no_more_wait_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(impression_log, "WAITING", 3)
    store = InMemoryImpressionStore()
    log = ImpressionLog(store, share=0.5)
    for query_id in ("00000000aa", "7fffffffaa", "80000000aa", "ffffffffaa", "01000000aa", "02000000aa"):
        log.note(SearchRequest(text="mug"), query_id, b"shown")
    await log.flush()
    assert {impression.query_id async for impression in store.all()} == {"00000000aa", "7fffffffaa", "01000000aa"}
    off = ImpressionLog(store, share=0.0)
    assert not off.is_on and not ImpressionLog(None).is_on


async def test_answers_to_nobody_leave_room_for_those_to_shoppers_under_load(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(impression_log, "NOBODYS_WAITING", 2)
    store = InMemoryImpressionStore()
    log = ImpressionLog(store)
    for query_id in ("0a", "0b", "0c"):
        log.note(SearchRequest(text="mug"), query_id, b"shown")
        log.note(SearchRequest(text="mug", user_id="ada"), f"1{query_id}", b"shown")
    await log.flush()
    log.note(SearchRequest(text="mug"), "0d", b"shown")
    await log.flush()
    assert {impression.query_id async for impression in store.all()} == {"0a", "0b", "0d", "10a", "10b", "10c"}
