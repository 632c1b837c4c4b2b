"""What every `VariantSwitches` must do: the double and the real Redis."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from indexer.ports.switches import VariantSwitches
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.switches import InMemoryVariantSwitches, RedisVariantSwitches


@pytest.fixture(params=["memory", "redis"])
async def switches(request: pytest.FixtureRequest) -> AsyncIterator[VariantSwitches]:
    if request.param == "memory":
        yield InMemoryVariantSwitches()
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    yield RedisVariantSwitches(redis, deadline_s=5)
    await redis.aclose()


async def test_a_variant_is_switched_off_in_its_experiment_alone(switches):
    first, second = uuid.uuid4().hex, uuid.uuid4().hex
    await switches.switch_off(first, "b")
    await switches.switch_off(first, "b")
    await switches.switch_off(first, "c")
    assert await switches.off(first) == {"b", "c"}
    assert await switches.off(second) == frozenset()
