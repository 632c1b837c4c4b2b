"""What is known of shoppers whose searches wait at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from encoders.port import HashEncoder
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.profiles import History, Interaction
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from query_api.cards.card_table import CardTable
from query_api.circuit_breaker import CircuitBreaker
from query_api.personalisation.shopper_profiles import LOOK_S, PAYLOAD_TTL_S, TASTE_TTL_S, PayloadCache, ShopperProfiles
from tests.shop import MakeShop


class SlowStore(InMemoryProfileStore):
    """Answers with what it had when it was asked, once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.may_answer = asyncio.Event()

    async def histories(self, user_ids: Sequence[str]) -> list[History]:
        self.asked.append(list(user_ids))
        found = await super().histories(user_ids)
        await self.may_answer.wait()
        return found


async def test_a_click_counts_in_every_search_after_it_though_others_wait_for_an_earlier_reading() -> None:
    store = SlowStore()
    profiles = ShopperProfiles(
        store, CircuitBreaker(5), PayloadCache(CardTable(InMemoryProductStore(HashEncoder().spec), 2**20))
    )
    before = asyncio.create_task(profiles.load("ann"))
    while not store.asked:
        await asyncio.sleep(0)
    await store.record([("ann", Interaction("e", "clicked", "mug", int(time.time() * 1000)))])
    after = [asyncio.create_task(profiles.load(one)) for one in ("ann", "bob", "ann")]
    await asyncio.sleep(0)
    store.may_answer.set()
    assert (await before).product_weights == {}
    anns, bobs, anns_again = await asyncio.gather(*after)
    assert set(anns.product_weights) == {"mug"} and bobs.product_weights == {}
    assert anns_again.product_weights.keys() == anns.product_weights.keys()
    assert store.asked == [["ann"], ["ann", "bob", "ann"]]
    # The same history needs no learning again.
    assert (await profiles.load("ann")).number == (await profiles.load("ann")).number
    await profiles.aclose()


async def test_tastes_that_were_learnt_together_are_not_learnt_again_together() -> None:
    store, now_s, shoppers = InMemoryProfileStore(), [0.0], [f"shopper-{number}" for number in range(60)]
    click = Interaction("e", "clicked", "mug", int(time.time() * 1000))
    await store.record([(shopper, click) for shopper in shoppers])
    payloads = PayloadCache(CardTable(InMemoryProductStore(HashEncoder().spec), 2**20))
    profiles = ShopperProfiles(store, CircuitBreaker(5), payloads, clock=lambda: now_s[0])

    async def numbers_at(time_s: float) -> list[int]:
        now_s[0] = time_s
        return [(await profiles.load(shopper)).number for shopper in shoppers]

    first = await numbers_at(0.0)
    assert await numbers_at(0.49 * TASTE_TTL_S) == first
    again = [new != old for new, old in zip(await numbers_at(0.75 * TASTE_TTL_S), first, strict=True)]
    assert any(again) and not all(again)
    assert not set(first) & set(await numbers_at(TASTE_TTL_S))
    await profiles.aclose()


async def test_a_taste_stays_as_long_as_its_products_do_and_is_learnt_anew_when_one_changed(
    make_shop: MakeShop,
) -> None:
    shop, now_s = make_shop(), [0.0]
    await shop.put("mug", title="mug", category="Kitchen/Mugs")
    await shop.interact("ann", ["mug"])

    def clock() -> float:
        return now_s[0]

    payloads = PayloadCache(CardTable(shop.services.store, 2**20), clock)
    profiles = ShopperProfiles(shop.profiles, CircuitBreaker(5), payloads, clock)
    first = await profiles.load("ann")
    now_s[0] = 2 * LOOK_S
    assert (await profiles.load("ann")).number == first.number
    await shop.put("mug", title="mug", category="Gifts")
    now_s[0] += LOOK_S + PAYLOAD_TTL_S
    changed = await profiles.load("ann")
    assert changed.number != first.number and changed.taste != first.taste
    await profiles.aclose()
