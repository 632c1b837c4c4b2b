"""Profiles that Redis has lost come back from Kafka, exactly as they were."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client import REGISTRY

from indexer.errors import StoreUnavailable
from indexer.ports.profiles import Interaction
from indexer.redis.behaviour.store import RedisBehaviourStore
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shoppers.profiles import RedisProfileStore
from indexer.redis.shoppers.restore_lease import RESTORED_KEY, RedisRestoreLease
from streams.config import KafkaConfig
from streams.delivery.decoding import Horizon
from streams.delivery.messages import Message
from streams.errors import KafkaUnavailable
from streams.events.cloudevents import encode_event, event_key
from streams.events.schema import TYPES_BY_TOPIC, Event, UserForgotten, UserInteraction, UserProfiled
from streams.profiles.pipeline import ProfileRecorder
from streams.profiles.restore import ProfileRestorer, RestoreConfig
from tests.histories import recent

NOW_MS = int(time.time() * 1000)
USERS = [f"user-{n}" for n in range(20)]


class Shop:
    """A topic of user events of its own, and an empty Redis."""

    def __init__(self, kafka: str, redis: Any, producer: AIOKafkaProducer, topic: str) -> None:
        self.kafka = kafka
        self.redis = redis
        self.producer = producer
        self.profiles = RedisProfileStore(redis, deadline_s=5)
        self.behaviour = RedisBehaviourStore(redis, deadline_s=5)
        self.topic = topic

    def restorer(
        self, lease_s: float = 15, profiles: RedisProfileStore | None = None, **config: Any
    ) -> ProfileRestorer:
        lease = RedisRestoreLease(self.redis, lease_s, deadline_s=5)
        restore = RestoreConfig(**config)
        recorder = ProfileRecorder(profiles or self.profiles, self.behaviour, Horizon())
        return ProfileRestorer(recorder, lease, KafkaConfig(self.kafka), restore, self.topic)

    async def publish(self, *events: Event) -> None:
        """To Kafka alone."""
        await asyncio.gather(
            *[await self.producer.send(self.topic, encode_event(event), event_key(event.data)) for event in events]
        )

    async def happen(self, *events: Event) -> None:
        """To Kafka, and recorded as a worker would."""
        await self.publish(*events)
        messages = [
            Message("shop.user-events", 0, 0, NOW_MS, b"", encode_event(event), {}, lambda: None) for event in events
        ]
        assert not await ProfileRecorder(self.profiles, self.behaviour, Horizon()).record(messages)

    async def state(self) -> Any:
        """All that queries see."""
        users = [(await recent(self.profiles, user_id), await self.profiles.traits(user_id)) for user_id in USERS]
        sessions = [await self.behaviour.sessions_of(user_id, 100) for user_id in USERS]
        sightings = await self.behaviour.sightings([f"p{n}" for n in range(7)], 100)
        return users, await self.profiles.popular(1_000), sessions, [list(seen) for seen in sightings]


@pytest.fixture
async def shop(kafka_servers: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    topic = f"user-events-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 3, 1, topic_configs={"max.message.bytes": "11000000"})])
    await admin.close()
    monkeypatch.setitem(TYPES_BY_TOPIC, topic, TYPES_BY_TOPIC["shop.user-events"])
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    await redis.flushdb()
    producer = AIOKafkaProducer(bootstrap_servers=kafka_servers, max_request_size=11_000_000)
    await producer.start()
    yield Shop(kafka_servers, redis, producer, topic)
    await producer.stop()
    await redis.aclose()


def clicks(count: int, of: str = "e") -> list[Event]:
    """Of all users in turn, a second apart."""
    return [
        Event(
            f"{of}{n}", "web", "user.clicked", NOW_MS - (count - n) * 1000, UserInteraction(USERS[n % 20], f"p{n % 7}")
        )
        for n in range(count)
    ]


def restores() -> float:
    return REGISTRY.get_sample_value("vitrine_profile_restores_total") or 0.0


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_a_flushed_redis_has_the_same_profiles_again(shop: Shop) -> None:
    traits = [
        Event(f"t{n}", "crm", "user.profiled", NOW_MS - n, UserProfiled(USERS[n], {"n": str(n)})) for n in range(9)
    ]
    await shop.happen(*clicks(1_000), *traits)
    await shop.restorer().restore_if_lost()
    before = await shop.state()
    assert not await shop.restorer().restore_if_lost()
    await shop.redis.flushall()
    assert await shop.state() == ([([], {})] * 20, [], [[]] * 20, [[]] * 7)
    assert await shop.restorer(batch_events=64).restore_if_lost()
    assert await shop.state() == before


async def test_a_lost_marker_costs_a_harmless_reading(shop: Shop) -> None:
    await shop.happen(*clicks(500))
    before = await shop.state(), await shop.redis.zrange("vitrine:popularity", 0, -1, withscores=True)
    assert await shop.restorer().restore_if_lost()
    await shop.redis.delete(RESTORED_KEY)
    assert await shop.restorer().restore_if_lost()
    assert before == (await shop.state(), await shop.redis.zrange("vitrine:popularity", 0, -1, withscores=True))


async def test_an_empty_topic_is_restored_at_once(shop: Shop) -> None:
    started = time.monotonic()
    assert await shop.restorer().restore_if_lost()
    assert time.monotonic() - started < 2


async def test_the_forgotten_stay_forgotten_not_even_for_a_moment(shop: Shop) -> None:
    class Watched(RedisProfileStore):
        async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> list[bool]:
            counts = await super().record(interactions)
            assert await recent(self, USERS[0]) in ([], later)
            return counts

    click = Event("l", "web", "user.liked", NOW_MS + 5, UserInteraction(USERS[0], "late"))
    later = [Interaction("l", "liked", "late", NOW_MS + 5, "web")]
    forget = Event("f", "vitrine/query", "user.forgotten", NOW_MS, UserForgotten(USERS[0]))
    await shop.publish(*clicks(200), forget, click, *clicks(40))
    watched = Watched(shop.redis, deadline_s=5)
    assert await shop.restorer(profiles=watched, batch_events=8).restore_if_lost()
    assert await recent(shop.profiles, USERS[0]) == later and len(await recent(shop.profiles, USERS[1])) == 10


async def test_what_is_no_event_is_passed_over_whatever_its_size(shop: Shop) -> None:
    for garbage in (b"{", b"x" * 5_000_000, None):
        await shop.producer.send_and_wait(shop.topic, garbage, b"user-1")
    await shop.publish(*clicks(50))
    assert await shop.restorer().restore_if_lost()
    assert len(await recent(shop.profiles, USERS[1])) == 3


async def test_of_several_workers_one_restores_while_events_go_on(shop: Shop) -> None:
    await shop.happen(*clicks(2_000))
    await shop.redis.flushall()
    before = restores()
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(shop.restorer(check_s=0.01, batch_events=50).run()) for _ in range(3)]
        await shop.happen(*clicks(300, of="live"))
        await until(lambda: shop.redis.exists(RESTORED_KEY))
        # The one that restored counts it once Redis has told it so; the others then look a few times more.
        await asyncio.sleep(0.2)
        for worker in workers:
            worker.cancel()
    after = await shop.state()
    assert restores() == before + 1
    await shop.redis.flushall()
    await shop.happen(*clicks(2_000), *clicks(300, of="live"))
    assert after[0] == (await shop.state())[0]


async def test_a_restore_that_was_killed_is_begun_anew_by_another(shop: Shop) -> None:
    await shop.happen(*clicks(1_000))
    before = await shop.state()
    await shop.redis.flushall()
    half = asyncio.create_task(shop.restorer(lease_s=0.3, profiles=Stuck(shop.redis, deadline_s=5)).restore_if_lost())
    await until(lambda: shop.redis.exists("vitrine:profiles:restoring"))
    other = asyncio.create_task(shop.restorer(check_s=0.05).run())
    await until(lambda: shop.redis.exists(RESTORED_KEY))
    half.cancel()
    other.cancel()
    assert await shop.state() == before


async def test_a_redis_that_is_flushed_while_it_is_restored_is_restored_again(shop: Shop) -> None:
    class Flushed(RedisProfileStore):
        calls = 0

        async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> list[bool]:
            counts = await super().record(interactions)
            self.calls += bool(interactions)
            if interactions and self.calls == 3:
                await shop.redis.flushall()
            return counts

    await shop.happen(*clicks(1_000))
    before = await shop.state()
    await shop.redis.flushall()
    worker = asyncio.create_task(
        shop.restorer(profiles=Flushed(shop.redis, deadline_s=5), check_s=0.01, batch_events=100).run()
    )
    await until(lambda: shop.redis.exists(RESTORED_KEY))
    worker.cancel()
    assert await shop.state() == before


async def test_without_kafka_or_redis_a_restore_says_so_and_frees_the_lease(shop: Shop) -> None:
    lease = RedisRestoreLease(shop.redis, deadline_s=5)
    recorder = ProfileRecorder(shop.profiles, shop.behaviour, Horizon())
    with pytest.raises(KafkaUnavailable):
        nowhere = KafkaConfig("127.0.0.1:1")
        await ProfileRestorer(recorder, lease, nowhere).restore_if_lost()
    assert await lease.take()
    away = RedisRestoreLease(connect_redis(RedisConfig("redis://127.0.0.1:1/0")))
    with pytest.raises(StoreUnavailable):
        await ProfileRestorer(recorder, away, KafkaConfig(shop.kafka)).restore_if_lost()


class Stuck(RedisProfileStore):
    """A worker that freezes in the middle of a restore."""

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> list[bool]:
        counts = await super().record(interactions[:5])
        await asyncio.Event().wait()
        return counts
