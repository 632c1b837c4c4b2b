"""New products get a few places, the same for a shopper all day."""

from __future__ import annotations

import time

import httpx
from hypothesis import given
from hypothesis import strategies as st

from query_api.config import QueryConfig
from query_api.recommending.exploring import BLOCK, DAY_MS, with_new
from query_api.recommending.suggestions import Suggestion
from tests.shop import MakeShop

NOW_MS = 1_795_000_000_000
NEW = [Suggestion(f"new-{at}", 1.0 - at / 100, None, "new here") for at in range(30)]


def suggestions(count: int) -> list[Suggestion]:
    return [Suggestion(f"p-{at}", 1.0 - at / 1_000) for at in range(count)]


def ids(found: list[Suggestion]) -> list[str]:
    return [one.product_id for one in found]


@given(count=st.integers(0, 80), each=st.integers(1, 5), known=st.sets(st.integers(0, 29), max_size=8))
def test_no_block_has_more_new_products_than_it_may_and_nothing_is_lost(count: int, each: int, known: set[int]) -> None:
    plain = [*suggestions(count), *[NEW[at]._replace(score=0.1) for at in known]]
    mixed = with_new(plain, NEW, each, "ann", NOW_MS)
    assert set(ids(plain)) <= {*ids(mixed), *ids(NEW)} and len(set(ids(mixed))) == len(mixed)
    assert [one for one in ids(mixed) if one.startswith("p-")] == [one for one in ids(plain) if one.startswith("p-")]
    assert [one.score for one in mixed] == sorted((one.score for one in mixed), reverse=True)
    for start in range(0, count - count % BLOCK, BLOCK):
        block = ids(mixed)[start : start + BLOCK]
        assert sum(one.startswith("new") for one in block) <= each
        assert not any(one.startswith("new") for one in block[: BLOCK - each])


def test_which_ones_stays_the_same_for_a_day_and_all_are_shown_to_somebody() -> None:
    def shown(user_id: str, now_ms: int = NOW_MS) -> set[str]:
        return {one for one in ids(with_new(suggestions(50), NEW, 1, user_id, now_ms)) if one.startswith("new")}

    assert shown("ann") == shown("ann", NOW_MS - NOW_MS % DAY_MS) and shown("ann") != shown("ann", NOW_MS + DAY_MS)
    assert set().union(*(shown(f"shopper-{at}") for at in range(60))) == set(ids(NEW))


async def test_a_new_product_is_tried_on_a_shopper_who_would_not_have_come_to_it(make_shop: MakeShop) -> None:
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3_600))
    for explored in (0, 1):
        shop = make_shop(QueryConfig(explored=explored))
        for at in range(15):
            await shop.put(f"mug-{at}", title=f"mug {at}", category="Home/Mugs")
        await shop.put("drill", title="drill", category="Tools", created_at=created)
        await shop.put("saw", title="saw", category="Tools", created_at="2020-01-01T00:00:00Z")
        await shop.interact("ann", ["mug-0", "mug-1"])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(shop.app), base_url="http://shop") as client:
            hits = (await client.get("/v1/users/ann/recommendations", params={"k": 10})).json()["hits"]
        at_ten = {hit["product_id"]: hit.get("reason") for hit in hits}
        assert ("drill" in at_ten) == bool(explored) and "saw" not in at_ten
        assert not explored or (hits[9]["product_id"], hits[9]["reason"]) == ("drill", "new here")
