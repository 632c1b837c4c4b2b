"""What every `PersonKeys` must do with its `ProfileStore`: the doubles and the real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import pytest
from redis.asyncio import Redis

from indexer.errors import StoreUnavailable, Undecryptable
from indexer.ports.profiles import Identification, Interaction, LearningChange, PersonKeys, ProfileStore
from indexer.privacy import PrivacyConfig
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.sharding import people_tag
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from indexer.redis.shoppers.person_keys import UNKNOWN_TTL_S, RedisPersonKeys
from indexer.redis.shoppers.profiles import RedisProfileStore
from tests.histories import recent
from tests.redis_cluster import untagged

NOW_MS = 1_795_000_000_000
PRIVACY = PrivacyConfig(secret="correct horse")

Stores = tuple[ProfileStore, PersonKeys]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    await redis.flushdb()
    yield redis
    await redis.aclose()


@pytest.fixture(params=["memory", "redis", "redis without a secret"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        profiles = InMemoryProfileStore()
        return profiles, profiles.person_keys
    redis = request.getfixturevalue("redis")
    privacy = PRIVACY if request.param == "redis" else PrivacyConfig()
    return RedisProfileStore(redis, 5, privacy=privacy), RedisPersonKeys(redis, privacy, 5)


async def test_a_person_has_one_key_and_it_is_found_by_its_name(stores: Stores) -> None:
    _, keys = stores
    ada, ben, again = await keys.keys_of([("ada", NOW_MS), ("ben", NOW_MS), ("ada", NOW_MS + 1)])
    assert ada and ben and ada == again and ada.key != ben.key and len(ada.key) == 32
    assert (await keys.keys_of([("ada", NOW_MS)])) == [ada]
    assert await keys.find([ada.name, "nobody's", ben.name]) == {ada.name: ada.key, ben.name: ben.key}
    assert await keys.find([]) == {} and await keys.keys_of([]) == []
    assert len(ada.name) == 32 and set(ada.name) <= set("0123456789abcdef")


async def test_a_forgotten_persons_key_is_gone_and_there_is_none_for_what_they_did_before(stores: Stores) -> None:
    profiles, keys = stores
    ada, ben = await keys.keys_of([("ada", NOW_MS), ("ben", NOW_MS)])
    await profiles.forget([("ada", NOW_MS)])
    assert ada and ben and await keys.find([ada.name, ben.name]) == {ben.name: ben.key}
    assert await keys.keys_of([("ada", NOW_MS)]) == [None]


async def test_a_person_who_comes_back_has_a_key_that_the_same_request_leaves_alone(stores: Stores) -> None:
    profiles, keys = stores
    await profiles.forget([("ada", NOW_MS)])
    (new,) = await keys.keys_of([("ada", NOW_MS + 1)])
    await profiles.forget([("ada", NOW_MS)])
    assert new and await keys.find([new.name]) == {new.name: new.key}
    await profiles.forget([("ada", NOW_MS + 1)])
    assert await keys.find([new.name]) == {}


async def test_a_key_goes_whatever_the_order_in_which_letters_and_the_request_come(stores: Stores) -> None:
    """A letter about before, made after the person asked and before the request is here."""
    profiles, keys = stores
    (key,) = await keys.keys_of([("ada", NOW_MS + 50)])
    await keys.keys_of([("ada", NOW_MS - 50)])
    await profiles.forget([("ada", NOW_MS)])
    assert key and await keys.find([key.name]) == {}


async def test_what_is_nobodys_in_particular_has_a_key_of_the_day(stores: Stores) -> None:
    _, keys = stores
    unknown = await keys.key_of_unknown()
    assert unknown == await keys.key_of_unknown()
    assert await keys.find([unknown.name]) == {unknown.name: unknown.key}


async def test_who_is_forgotten_is_known(stores: Stores) -> None:
    profiles, _ = stores
    await profiles.forget([("ada", NOW_MS), ("ada", NOW_MS - 5), ("cy", NOW_MS + 7)])
    assert await profiles.forgotten_ms(["ada", "ben", "cy"]) == {"ada": NOW_MS, "cy": NOW_MS + 7}
    assert await profiles.forgotten_ms([]) == {}


async def names_like(redis: Redis, pattern: str) -> list[str]:
    return [name.decode() async for name in cast(AsyncIterator[bytes], redis.scan_iter(pattern))]


async def test_all_that_redis_keeps_of_the_forgotten_is_a_hash_for_a_time(redis: Redis) -> None:
    profiles, keys = RedisProfileStore(redis, 5, privacy=PRIVACY), RedisPersonKeys(redis, PRIVACY, 5)
    behaviour = RedisBehaviourStore(redis, 5, privacy=PRIVACY)
    clicked = [("ada-4711", Interaction("e", "clicked", "p", NOW_MS))]
    for store in (profiles, behaviour):
        await store.record(clicked)
    await profiles.identify([("ada-4711", Identification("cookie-4711", NOW_MS))])
    await profiles.set_learning([("ada-4711", LearningChange(False, NOW_MS))])
    await keys.keys_of([("ada-4711", NOW_MS), ("cookie-4711", NOW_MS)])
    assert not [name for name in await names_like(redis, "vitrine:session*") if "ada-4711" in name]
    for store in (profiles, behaviour):
        await store.forget([("ada-4711", NOW_MS)])
        await store.record(clicked)
    tag = people_tag(redis)
    names = {untagged(name) for name in await names_like(redis, "*")}
    hashes = [PRIVACY.hash_of(name) for name in ("ada-4711", "cookie-4711")]
    # And that they do not want to be learnt from.
    opted_out = f"vitrine:learning:{hashes[0]}"
    assert names == {*(f"vitrine:forgotten:{digest}" for digest in hashes), opted_out, "vitrine:popularity"}
    assert await redis.ttl(f"vitrine:learning:{tag}{hashes[0]}") == -1
    left_s = await redis.ttl(f"vitrine:forgotten:{tag}{PRIVACY.hash_of('ada-4711')}")
    assert 365 * 86_400 < left_s <= 365 * 86_400 + 3_600
    assert PRIVACY.hash_of("ada-4711") != PrivacyConfig().hash_of("ada-4711")


async def test_who_was_forgotten_by_a_former_version_stays_forgotten(redis: Redis) -> None:
    await redis.set(f"vitrine:user:{people_tag(redis)}ada:forgotten", NOW_MS)
    profiles = RedisProfileStore(redis, 5, privacy=PRIVACY)
    await profiles.record([("ada", Interaction("e", "clicked", "p", NOW_MS))])
    assert await recent(profiles, "ada") == []
    await profiles.forget([("ada", NOW_MS + 1)])
    assert await names_like(redis, "vitrine:user:*") == []


async def test_keys_end_with_time_and_are_nothing_without_the_secret(redis: Redis) -> None:
    keys, prefix = RedisPersonKeys(redis, PRIVACY, 5), f"vitrine:person-key:{people_tag(redis)}"
    (ada,) = await keys.keys_of([("ada", NOW_MS)])
    unknown = await keys.key_of_unknown()
    assert ada and 0 < await redis.ttl(prefix + ada.name) <= PRIVACY.kept_s
    assert 0 < await redis.ttl(prefix + unknown.name) <= UNKNOWN_TTL_S
    assert ada.key.hex().encode() not in cast(bytes, await redis.get(prefix + ada.name))
    other = RedisPersonKeys(redis, replace(PRIVACY, secret="another"), 5)
    with pytest.raises(Undecryptable, match="another privacy"):
        await other.find([ada.name])
    (new,) = await other.keys_of([("ada", NOW_MS)])
    assert new and new.name != ada.name and await keys.find([ada.name]) == {}


async def test_no_redis_is_unavailable() -> None:
    redis = connect_redis(RedisConfig("redis://127.0.0.1:1"))
    with pytest.raises(StoreUnavailable):
        await RedisPersonKeys(redis, PRIVACY, 0.2).find(["a"])
    await redis.aclose()
