"""What every `ImpressionStore` must do: the double and the real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np
import pytest
from msgspec import structs

from indexer.ports.impressions import Impression, ImpressionStore
from indexer.ports.profiles import LearningChange, ProfileStore
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.impressions import (
    REMEMBERED_MS,
    SHARDS,
    ImpressionLimits,
    InMemoryImpressionStore,
    RedisImpressionStore,
)
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from indexer.redis.shoppers.profiles import RedisProfileStore
from indexer.shown_hits import pack_shown

NOW_MS = 1_795_000_000_000
LIMITS = ImpressionLimits(nobodys=24 * SHARDS * 3, a_person=3)


@dataclass
class Stores:
    impressions: ImpressionStore
    profiles: ProfileStore
    now_ms: int = NOW_MS


@pytest.fixture(params=["memory", "redis"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        profiles = InMemoryProfileStore()
        stores = Stores(InMemoryImpressionStore(profiles.refuses, LIMITS, lambda: stores.now_ms), profiles)
        yield stores
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    await redis.flushdb()
    impressions = RedisImpressionStore(redis, 5, LIMITS, clock_ms=lambda: stores.now_ms)
    stores = Stores(impressions, RedisProfileStore(redis, deadline_s=5))
    yield stores
    await redis.aclose()


def shown(query_id: str, user_id: str = "", time_ms: int = NOW_MS) -> Impression:
    packed = pack_shown(1, ["p\xe9", "q"], np.array([[0.5, np.nan], [-3.0, 1e4]]))
    return Impression(query_id, time_ms, "red hoodie", 10, "b", packed, user_id)


async def remembered(store: ImpressionStore) -> list[Impression]:
    return sorted([impression async for impression in store.all()], key=lambda one: (one.time_ms, one.query_id))


async def test_what_was_shown_to_anybody_and_to_a_person_comes_back_whole(stores):
    impressions = [shown("a1"), shown("a2", "ada"), shown("b1", "ben:x"), shown("c3")]
    await stores.impressions.remember(impressions)
    assert await remembered(stores.impressions) == impressions
    assert await stores.impressions.of_person("ada") == [impressions[1]]
    assert await stores.impressions.of_person("eve") == []


async def test_the_latest_are_kept_of_each_person_and_of_each_hour(stores):
    ada = [shown(f"a{number}", "ada", NOW_MS + number) for number in range(5)]
    nobodys = [shown(f"b{number}", time_ms=NOW_MS + number) for number in range(5)]
    await stores.impressions.remember([*ada, *nobodys, shown("c", "ben")])
    assert await stores.impressions.of_person("ada") == ada[2:]
    kept = [impression for impression in await remembered(stores.impressions) if not impression.user_id]
    assert kept == nobodys[2:]


async def test_what_was_shown_a_day_ago_is_gone(stores):
    await stores.impressions.remember([shown("a"), shown("b", "ada"), shown("c", "ada", NOW_MS + 5)])
    stores.now_ms = NOW_MS + REMEMBERED_MS
    assert [impression.query_id for impression in await remembered(stores.impressions)] == ["c"]
    assert [impression.query_id for impression in await stores.impressions.of_person("ada")] == ["c"]


async def test_a_forgotten_persons_are_erased_and_those_from_before_are_not_taken_again(stores):
    later = shown("d", "ada", NOW_MS + 2)
    await stores.impressions.remember([shown("a", "ada"), shown("b", "ben"), shown("c")])
    await stores.profiles.forget([("ada", NOW_MS + 1)])
    await stores.impressions.remember([shown("e", "ada"), later])
    assert await stores.impressions.of_person("ada") == [later]
    assert [impression.query_id for impression in await remembered(stores.impressions)] == ["b", "c", "d"]
    assert structs.replace(later, user_id="") not in await remembered(stores.impressions)


async def test_nothing_is_kept_of_whom_may_not_be_learnt_from(stores):
    await stores.impressions.remember([shown("a", "ada"), shown("b", "ada", NOW_MS + 5), shown("c", "ben")])
    await stores.profiles.set_learning([("ada", LearningChange(False, NOW_MS + 1))])
    await stores.impressions.remember([shown("d", "ada", NOW_MS + 6)])
    assert "b" not in [impression.query_id for impression in await stores.impressions.of_person("ada")]
    assert "d" not in [impression.query_id for impression in await stores.impressions.of_person("ada")]
    assert [impression.query_id for impression in await stores.impressions.of_person("ben")] == ["c"]
