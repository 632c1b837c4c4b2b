"""Keys in the process: revoked with the next look, held while their store is away."""

from __future__ import annotations

import asyncio

import pytest

from query_api.access.api_keys import ApiKey, digest_of, make_key
from query_api.access.key_store import StoredApiKeys
from query_api.access.verified_keys import HOLD_S, MAX_KEYS, POLL_S, STALE_S, VerifiedKeys
from query_api.errors import AccessUnavailable
from tests.access import Records


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
async def keys(records: Records, clock: Clock) -> VerifiedKeys:
    keys = VerifiedKeys(StoredApiKeys(records), clock)
    await keys.refresh()
    return keys


async def add(records: Records) -> ApiKey:
    stored = make_key(["search"], 0.0)[1]
    await StoredApiKeys(records).add(stored)
    return stored


async def test_a_key_that_was_found_is_not_asked_for_again(keys: VerifiedKeys, records: Records) -> None:
    stored = await add(records)
    await keys.refresh()
    assert await keys.find(stored.digest) == stored
    asked = records.asked
    for _ in range(100):
        assert await keys.find(stored.digest) == stored
    assert records.asked == asked


async def test_what_is_no_key_is_not_asked_for_again_either(keys: VerifiedKeys, records: Records) -> None:
    assert await keys.find(digest_of("x")) is None
    asked = records.asked
    assert await keys.find(digest_of("x")) is None
    assert records.asked == asked


async def test_a_revoked_key_is_refused_after_the_next_look(keys: VerifiedKeys, records: Records) -> None:
    stored = await add(records)
    await keys.refresh()
    assert await keys.find(stored.digest) == stored
    await StoredApiKeys(records).revoke(stored.id)
    await keys.refresh()
    assert await keys.find(stored.digest) is None
    assert POLL_S < 0.5


async def test_a_new_key_is_good_after_the_next_look(keys: VerifiedKeys, records: Records) -> None:
    key, stored = make_key(["search"], 0.0)
    assert await keys.find(digest_of(key)) is None
    await StoredApiKeys(records).add(stored)
    await keys.refresh()
    assert await keys.find(digest_of(key)) == stored


async def test_a_look_up_that_crosses_a_revocation_does_not_outlive_it(
    keys: VerifiedKeys, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await add(records)
    await keys.refresh()
    read, go_on, get = asyncio.Event(), asyncio.Event(), Records.get

    async def slow(self: Records, digest: str) -> bytes | None:
        record = await get(self, digest)
        read.set()
        await go_on.wait()
        return record

    monkeypatch.setattr(Records, "get", slow)
    finding = asyncio.create_task(keys.find(stored.digest))
    await read.wait()
    await StoredApiKeys(records).revoke(stored.id)
    await keys.refresh()
    go_on.set()
    assert await finding == stored
    assert await keys.find(stored.digest) is None


async def test_keys_that_were_used_of_late_hold_while_the_store_is_away(
    keys: VerifiedKeys, records: Records, clock: Clock
) -> None:
    used, idle, other = [await add(records) for _ in range(3)]
    await keys.refresh()
    assert await keys.find(used.digest) and await keys.find(idle.digest)
    records.is_away = True
    await keys.refresh()
    for _ in range(4):
        clock.now += HOLD_S - 1
        assert await keys.find(used.digest) == used
    for digest in (idle.digest, other.digest, digest_of("x")):
        with pytest.raises(AccessUnavailable):
            await keys.find(digest)
    records.is_away = False
    await keys.refresh()
    assert await keys.find(other.digest) == other and await keys.find(idle.digest) == idle


async def test_a_store_that_does_not_answer_a_look_up_is_unavailable(keys: VerifiedKeys, records: Records) -> None:
    stored = await add(records)
    await keys.refresh()
    records.is_away = True
    with pytest.raises(AccessUnavailable):
        await keys.find(stored.digest)
    asked = records.asked
    with pytest.raises(AccessUnavailable):
        await keys.find(stored.digest)
    assert records.asked == asked


async def test_where_nobody_looks_any_more_a_request_looks_itself(
    keys: VerifiedKeys, records: Records, clock: Clock
) -> None:
    stored = await add(records)
    await keys.refresh()
    assert await keys.find(stored.digest) == stored
    await StoredApiKeys(records).revoke(stored.id)
    clock.now += STALE_S + 1
    assert await keys.find(stored.digest) is None


async def test_once_there_were_keys_there_always_are(keys: VerifiedKeys, records: Records) -> None:
    assert VerifiedKeys(StoredApiKeys(records)).exist is None
    assert keys.exist is False
    stored = await add(records)
    await keys.refresh()
    await StoredApiKeys(records).revoke(stored.id)
    await keys.refresh()
    assert keys.exist is True
    records.__init__()  # type: ignore[misc]
    await keys.refresh()
    assert keys.exist is True


async def test_what_is_remembered_is_bounded(keys: VerifiedKeys) -> None:
    for number in range(MAX_KEYS + 10):
        await keys.find(digest_of(str(number)))
    assert len(keys._unknown) == MAX_KEYS
