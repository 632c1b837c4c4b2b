"""Servers that stop, lose their data or answer late, under load."""

from __future__ import annotations

import time

from redis import Redis

from tests.chaos.load import Load, Stream

RATE = 150.0
"""Events a second."""


def test_the_broker_is_away_for_twenty_seconds(shop, scenario):
    run = scenario("broker stopped for 20 s and restarted")
    messages = Stream(run.prefix, seed=20).messages(3_000)
    with Load(shop.servers.kafka, messages, RATE) as load:
        load.wait(len(messages) // 2)
        shop.stop_server("kafka")
        time.sleep(20)  # The fault itself.
        shop.start_server("kafka")
    run.check()


def test_milvus_is_stopped_and_restarted(shop, scenario):
    run = scenario("Milvus stopped and restarted")
    messages = Stream(run.prefix, seed=21).messages(3_000)
    with Load(shop.servers.kafka, messages, RATE) as load:
        load.wait(len(messages) // 3)
        shop.stop_server("milvus")
        load.wait(len(messages) * 2 // 3)
        shop.start_server("milvus")
    run.check()


def test_redis_is_stopped_flushed_and_restarted(shop, scenario):
    run = scenario("Redis stopped, flushed, restarted")
    messages = Stream(run.prefix, seed=22).messages(3_000)
    with Load(shop.servers.kafka, messages, RATE) as load:
        load.wait(len(messages) // 3)
        shop.stop_server("redis")
        load.wait(len(messages) * 2 // 3)
        shop.start_server("redis")
        with Redis.from_url(shop.servers.redis) as redis:
            redis.flushall()
    run.check(settles_s=60)


def test_every_call_to_milvus_takes_half_a_second_more(shop, scenario):
    run = scenario("Milvus slow: every call +500 ms")
    shop.proxy.delay(0.5)
    with Load(shop.servers.kafka, Stream(run.prefix, seed=23).messages(3_000), RATE):
        pass
    run.check()
