"""The stores that have something of people, as commands open them."""

from __future__ import annotations

from redis.asyncio import Redis

from indexer.personal_data import PersonalData
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.impressions import RedisImpressionStore
from indexer.redis.shoppers.profiles import RedisProfileStore
from vitrine.settings import Settings


def personal_data(settings: Settings, redis: Redis, deadline_s: float) -> PersonalData:
    """All of them, over one Redis."""
    horizon_s, privacy = settings.indexing.horizon_days * 86_400, settings.privacy
    return PersonalData(
        RedisProfileStore(redis, deadline_s, horizon_s, privacy=privacy),
        RedisBehaviourStore(redis, deadline_s, horizon_s, privacy),
        RedisImpressionStore(redis, deadline_s, privacy=privacy),
    )
