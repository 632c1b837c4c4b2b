"""All that is stored of a person is exported and erased, store by store: a new store that is not fails here."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import cast

import numpy as np
import pytest
from redis.asyncio import Redis

from indexer.personal_data import PersonalData
from indexer.ports.impressions import Impression
from indexer.ports.profiles import Identification, Interaction, LearningChange, TraitChange
from indexer.privacy import PrivacyConfig
from indexer.redis.behaviour.in_memory import InMemoryBehaviourStore
from indexer.redis.behaviour.refs import owner_of
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.impressions import InMemoryImpressionStore, RedisImpressionStore
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from indexer.redis.shoppers.person_keys import RedisPersonKeys
from indexer.redis.shoppers.profiles import RedisProfileStore
from indexer.shown_hits import pack_shown
from tests.paths import ROOT
from tests.redis_cluster import untagged

NOW_MS = int(time.time() * 1000)
PRIVACY = PrivacyConfig(secret="correct horse")
IDS = ("ada-4711", "cookie-4711")

OF_PEOPLE = {
    "vitrine:user:*": "interactions, traits, joined, shown, and the name of their letters' key",
    "vitrine:sessions:*": "sessions",
    "vitrine:session:*": "sessions",
    "vitrine:product:*": "sessions, by their names",
    "vitrine:learning:*": "learning, which outlives a forgetting",
    "vitrine:forgotten:*": "that somebody was forgotten",
    "vitrine:person-key:*": "keys of dead_letters",
    "vitrine:letters:*": "keys of dead letters that name nobody",
}
"""What Redis has of people, by the patterns of keys that workers may use."""
OF_NOBODY = {
    "vitrine:{changes:*}:*",
    "vitrine:{embeddings:*}:*",
    "vitrine:{transcripts:*}:*",
    "vitrine:{urls}:*",
    "vitrine:{api-keys}:*",
    "vitrine:candidates:*",
    "vitrine:query-worker:*",
    "vitrine:rate:*",
    "vitrine:popularity",
    "vitrine:{people}:popularity",
    "vitrine:profiles:*",
    "vitrine:turn:*",
    "vitrine:lag:*",
    "vitrine:impressions:*",
    "vitrine:experiments:*",
    "vitrine:*",
}
SUFFIXES = {"events", "traits", "person", "letters", "impressions"}
"""Of `vitrine:user:ID:`, each of which is exported and erased below."""


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    await redis.flushdb()
    yield redis
    await redis.aclose()


@pytest.fixture(params=["memory", "redis"])
def data(request: pytest.FixtureRequest) -> PersonalData:
    if request.param == "memory":
        profiles = InMemoryProfileStore()
        return PersonalData(profiles, InMemoryBehaviourStore(), InMemoryImpressionStore(profiles.refuses))
    redis = request.getfixturevalue("redis")
    profiles = RedisProfileStore(redis, 5, privacy=PRIVACY)
    behaviour = RedisBehaviourStore(redis, 5, privacy=PRIVACY)
    return PersonalData(profiles, behaviour, RedisImpressionStore(redis, 5, privacy=PRIVACY))


async def fill(data: PersonalData) -> None:
    """Something in every store, under the user's own id and the anonymous one."""
    done = [(user_id, Interaction(f"{user_id}-e", "purchased", "mug", NOW_MS, "web", "s1")) for user_id in IDS]
    await data.profiles.record(done)
    await data.profiles.set_traits([(IDS[0], TraitChange("t", {"age": "30s"}, NOW_MS))])
    await data.profiles.identify([(IDS[0], Identification(IDS[1], NOW_MS))])
    await data.behaviour.record(done)
    shown = pack_shown(1, ["mug", "cup"], np.zeros((2, 3)))
    assert data.impressions is not None
    await data.impressions.remember([Impression("q1", NOW_MS, "red mug", 0, "", shown, user_id) for user_id in IDS])
    await data.profiles.set_learning([(IDS[0], LearningChange(True, NOW_MS))])


async def keys(redis: Redis) -> list[str]:
    return [name.decode() async for name in cast(AsyncIterator[bytes], redis.scan_iter())]


async def test_an_export_has_what_every_store_has(data: PersonalData) -> None:
    await fill(data)
    found = await data.export(IDS[0])
    assert found["ids"] == list(IDS) and found["traits"] == {"age": "30s"}
    assert all(found[store.name] for store in data.stores)
    for name in ("interactions", "sessions", "shown"):
        assert [row["user_id"] for row in found[name]] == list(IDS)
    assert found["shown"][0]["text"] == "red mug" and found["shown"][0]["product_ids"] == ["mug", "cup"]
    assert found["sessions"][0]["steps"][0]["kind"] == found["interactions"][0]["kind"] == "purchased"


async def test_what_was_learnt_before_an_opt_out_is_exported(data: PersonalData) -> None:
    await fill(data)
    await data.profiles.set_learning([(IDS[0], LearningChange(False, NOW_MS + 1))])
    found = await data.export(IDS[0])
    assert found["interactions"] and [change["learning"] for change in found["learning"]] == [True, False]


async def test_an_erasure_leaves_nothing_in_any_store_but_what_the_person_chose(data: PersonalData) -> None:
    await fill(data)
    await data.erase([(user_id, NOW_MS) for user_id in await data.ids_of(IDS[0])])
    for user_id in IDS:
        found = await data.export(user_id)
        kept = {name for name, value in found.items() if value} - {"user_id", "ids"}
        assert kept <= {"learning"}


async def test_all_keys_of_people_are_known_and_go(redis: Redis) -> None:
    profiles = RedisProfileStore(redis, 5, privacy=PRIVACY)
    behaviour = RedisBehaviourStore(redis, 5, privacy=PRIVACY)
    data = PersonalData(profiles, behaviour, RedisImpressionStore(redis, 5, privacy=PRIVACY))
    await fill(data)
    await RedisPersonKeys(redis, PRIVACY, 5).keys_of([(user_id, NOW_MS) for user_id in IDS])
    names = await keys(redis)
    assert {name.rsplit(":", 1)[1] for name in names if name.startswith("vitrine:user:")} == SUFFIXES
    await data.erase([(user_id, NOW_MS) for user_id in await data.ids_of(IDS[0])])
    left = [untagged(name) for name in await keys(redis)]
    signs = [
        *IDS,
        *(PRIVACY.hash_of(user_id) for user_id in IDS),
        *(owner_of(PRIVACY.hash_of(user_id)) for user_id in IDS),
    ]
    of_them = {name for name in left if any(sign in name for sign in signs)}
    assert of_them == {
        *(f"vitrine:forgotten:{PRIVACY.hash_of(user_id)}" for user_id in IDS),
        f"vitrine:learning:{PRIVACY.hash_of(IDS[0])}",
    }
    assert set(left) - of_them == {"vitrine:popularity"}


async def test_all_of_a_person_is_kept_for_as_long_as_is_configured(redis: Redis) -> None:
    privacy = PrivacyConfig(kept_days=7)
    profiles, behaviour = RedisProfileStore(redis, 5, privacy=privacy), RedisBehaviourStore(redis, 5, privacy=privacy)
    await fill(PersonalData(profiles, behaviour, RedisImpressionStore(redis, 5, privacy=privacy)))
    await RedisPersonKeys(redis, privacy, 5).keys_of([(IDS[0], NOW_MS)])
    longest = {name: await redis.ttl(name) for name in await keys(redis)}
    kept = ("vitrine:learning", "vitrine:popularity")
    of_people = {name: ttl for name, ttl in longest.items() if not untagged(name).startswith(kept)}
    assert of_people and all(0 < ttl <= 7 * 86_400 for ttl in of_people.values()), of_people


def test_every_key_that_workers_may_use_is_of_people_or_of_nobody() -> None:
    """Whoever adds a store says whose it is; one of people belongs into `PersonalData.stores`."""
    used = set(re.findall(r"~(vitrine:\S+)", (ROOT / "deploy" / "redis" / "users.txt").read_text()))
    assert used == OF_PEOPLE.keys() | OF_NOBODY
