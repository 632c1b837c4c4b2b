"""What every `BoundedMap` must do: the double and Redis."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from indexer.errors import StoreUnavailable
from indexer.media.keys import MediaKey
from indexer.redis.bounded_map import TTL_S, BoundedMap, InMemoryBoundedMap, RedisBoundedMap
from indexer.redis.client import RedisConfig, connect_redis
from streams.media.embedding_cache import EmbeddingCache, FileVersion

NewMap = Callable[[int], BoundedMap]


@pytest.fixture(params=["memory", "redis"])
async def new_map(request: pytest.FixtureRequest) -> AsyncIterator[NewMap]:
    """Makes empty maps of a bound."""
    if request.param == "memory":
        yield InMemoryBoundedMap
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    yield lambda most: RedisBoundedMap(redis, secrets.token_hex(8), most, deadline_s=5)
    await redis.aclose()


def numbered(*numbers: int) -> dict[str, bytes]:
    return {str(number): bytes([number % 256]) for number in numbers}


async def test_what_was_put_comes_back_whole_and_replaced(new_map):
    entries = new_map(100)
    assert await entries.get(["a"]) == {} and await entries.get([]) == {}
    await entries.put({"a": b"\x00\xff", "b": b""})
    await entries.put({"a": b"new"})
    await entries.put({})
    assert await entries.get(["b", "unknown", "a", "a"]) == {"a": b"new", "b": b""}


async def test_a_replaced_value_never_shows_its_old_one(new_map):
    entries = new_map(8)
    await entries.put({"a": b"old"} | numbered(1, 2, 3))
    await entries.put({"a": b"new"})
    await entries.put(numbered(4, 5, 6))
    assert (await entries.get(["a"])).get("a", b"new") == b"new"


@pytest.mark.parametrize("at_once", [1, 7, 100])
async def test_no_more_is_kept_than_the_bound_and_the_latest_half_always_is(new_map, at_once):
    entries = new_map(20)
    for start in range(0, 700, at_once):
        await entries.put(numbered(*range(start, start + at_once)))
    last = start + at_once
    kept = await entries.get([str(number) for number in range(last)])
    assert len(kept) <= 20
    assert {str(number) for number in range(last - 9, last)} <= kept.keys()


async def test_what_is_used_stays_and_looking_things_up_keeps_the_bound(new_map):
    entries = new_map(20)
    await entries.put({"used": b"x"})
    for start in range(0, 300, 3):
        await entries.put(numbered(*range(start, start + 3)))
        assert await entries.get(["used"]) == {"used": b"x"}
        await entries.get([str(number) for number in range(start)])
    assert len(await entries.get(["used", *map(str, range(300))])) <= 20


async def test_a_thousand_are_looked_up_in_one_go(new_map):
    entries = new_map(20_000)
    many = {f"{number:064}": b"x" * 512 for number in range(9_000)}
    await entries.put(many)
    assert await entries.get(list(many)) == many


async def test_maps_of_other_names_share_nothing_and_one_name_is_one_map(redis_url):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    name = secrets.token_hex(8)
    one, other, same = (RedisBoundedMap(redis, name + which, 10, deadline_s=5) for which in ("1", "2", "1"))
    await one.put({"a": b"x"})
    assert await other.get(["a"]) == {} and await same.get(["a"]) == {"a": b"x"}
    await redis.aclose()


async def test_a_map_that_nobody_uses_goes_and_looking_things_up_is_use(redis_url):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    name = secrets.token_hex(8)
    entries = RedisBoundedMap(redis, name, 4, deadline_s=5)
    keys = [f"vitrine:{{{name}}}:{half}" for half in ("young", "old")]
    await entries.put(numbered(1, 2, 3))
    for key in keys:
        await redis.persist(key)
    await entries.get(["1"])
    for key in keys:
        assert not await redis.exists(key) or 0 < await redis.ttl(key) <= TTL_S
    await redis.aclose()


async def test_a_server_that_is_not_there_is_unavailable():
    redis = connect_redis(RedisConfig("redis://127.0.0.1:9"))
    for call in (lambda entries: entries.get(["a"]), lambda entries: entries.put({"a": b""})):
        with pytest.raises(StoreUnavailable):
            await call(RedisBoundedMap(redis, "any", 10))
    await redis.aclose()


async def test_embeddings_and_answers_of_hosts_are_remembered_exactly(new_map):
    embeddings, urls = new_map(10), new_map(10)
    cache = EmbeddingCache(embeddings, urls)
    picture, clip, unknown = (
        MediaKey("image", digest="digest"),
        MediaKey("video", digest="digest"),
        MediaKey("image", digest="unknown"),
    )
    row, clip_row = np.random.default_rng(0).standard_normal((2, 64)).astype(np.float32)
    await cache.put_embeddings({picture: row, clip: clip_row})
    rows = await cache.get_embeddings([picture, unknown, clip])
    assert rows.keys() == {picture, clip}
    assert np.array_equal(rows[picture], row) and np.array_equal(rows[clip], clip_row)
    assert (await embeddings.get(["digest", "clip:digest"])).keys() == {"digest", "clip:digest"}
    odd, plain = "http://h/\ud800?" + "x" * 5_000, "http://h/plain"
    seen = FileVersion("digest", 'W/"1"', "Sat, 21 Nov 2026 06:00:00 GMT")
    versions = {
        MediaKey("image", url=odd): seen,
        MediaKey("image", url=plain): seen,
        MediaKey("video", url=plain): seen,
    }
    await cache.put_file_versions(versions)
    assert await cache.get_file_versions([*versions, MediaKey("image", url="http://h/other")]) == versions


@pytest.mark.parametrize("etag", ["", '"' + "x" * 300 + '"', '"é"', '"a\tb"'])
async def test_words_that_cannot_be_sent_back_are_not_remembered(new_map, etag):
    cache, key = EmbeddingCache(new_map(10), new_map(10)), MediaKey("image", url="http://h/x")
    await cache.put_file_versions({key: FileVersion("digest", etag)})
    assert await cache.get_file_versions([key]) == {}
