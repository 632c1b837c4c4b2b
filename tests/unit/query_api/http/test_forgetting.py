"""Forgetting a shopper: said to everyone, or not at all."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from indexer.errors import StoreUnavailable
from indexer.ports.profiles import Identification, Interaction, TraitChange
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from streams.errors import PublishFailed
from streams.events.cloudevents import decode_event, encode_event
from streams.events.schema import Event, UserForgotten
from tests.histories import recent
from tests.shop import MakeShop, Shop


class NoKafka:
    """Takes no events."""

    async def publish(self, topic: str, event: Any) -> None:
        raise PublishFailed("away", retry_after_s=3)


class NoRedis(InMemoryProfileStore):
    """Keeps no profiles."""

    async def latest_ms(self, user_id: str) -> int | None:
        raise StoreUnavailable("away")


async def test_it_is_published_so_that_nobody_brings_the_shopper_back(client: httpx.AsyncClient, shop: Shop) -> None:
    assert (await client.delete("/v1/users/a%2Fb%20ü")).status_code == 204
    ((topic, event),) = shop.published.events
    assert topic == "shop.user-events" and event.type == "user.forgotten" and event.data == UserForgotten("a/b ü")
    assert abs(event.time_ms - time.time() * 1000) < 60_000
    assert decode_event(topic, encode_event(event), {}, 0) == event


async def test_the_anonymous_ids_that_are_joined_to_the_shopper_are_forgotten_too(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    await shop.interact("cookie", ["mug-red"])
    await shop.profiles.identify([("ann", Identification("cookie", int(time.time() * 1000)))])
    assert (await client.delete("/v1/users/ann")).status_code == 204
    assert [event.data for _, event in shop.published.events] == [UserForgotten("ann"), UserForgotten("cookie")]
    assert await recent(shop.profiles, "cookie") == [] and await shop.behaviour.sessions_of("cookie", 9) == []


async def test_what_comes_late_is_ignored_and_what_is_new_counts(client: httpx.AsyncClient, shop: Shop) -> None:
    ahead = int(time.time() * 1000) + 60_000
    known = [("ann", Interaction("e", "clicked", "mug-red", ahead))]
    await shop.profiles.record(known)
    await shop.profiles.set_traits([("ann", TraitChange("t", {"age": "30-39"}, ahead + 5))])
    assert (await client.delete("/v1/users/ann")).status_code == 204
    await shop.profiles.record(known)
    assert await recent(shop.profiles, "ann") == [] and await shop.profiles.traits("ann") == {}
    assert shop.published.events[0][1].time_ms == ahead + 5
    await shop.profiles.record([("ann", Interaction("n", "clicked", "mug-red", ahead + 6))])
    assert len(await recent(shop.profiles, "ann")) == 1


async def test_without_kafka_nobody_is_told_that_they_are_forgotten(make_shop: MakeShop) -> None:
    shop = make_shop(publisher=NoKafka())
    await shop.interact("ann", ["mug-red"])
    async with shop.client() as client:
        response = await client.delete("/v1/users/ann")
    assert response.status_code == 503 and response.headers["retry-after"] == "3"
    assert response.headers["content-type"] == "application/problem+json"
    assert len(await recent(shop.profiles, "ann")) == 1


async def test_without_redis_nothing_is_published(make_shop: MakeShop) -> None:
    shop = make_shop(profiles=NoRedis())
    async with shop.client() as client:
        response = await client.delete("/v1/users/ann")
    assert response.status_code == 503 and int(response.headers["retry-after"]) >= 1
    assert not shop.published.events


async def test_the_page_cannot_forget_a_shopper_by_an_event(client: httpx.AsyncClient, shop: Shop) -> None:
    response = await client.post("/v1/events", json={"type": "user.forgotten", "data": {"user_id": "ann"}})
    assert response.status_code == 422 and not shop.published.events


@pytest.mark.parametrize("time_ms", [0, 1, 999, 1_795_000_000_001, 1_795_000_000_123, 1_795_000_000_999])
def test_times_survive_being_published_to_the_millisecond(time_ms: int) -> None:
    event = Event("e", "s", "user.forgotten", time_ms, UserForgotten("ann"))
    assert decode_event("shop.user-events", encode_event(event), {}, 5).time_ms == time_ms
