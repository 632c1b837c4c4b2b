"""What a stack's stores have of people, as text to look for names in."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, closing

from redis import Redis

from deploy.local.stack import LocalStack
from streams.config import KafkaConfig
from streams.events.schema import DEAD_LETTER
from streams.kafka.topic_history import read_topic
from tests.stack import Stack


def kafka_of(stack: Stack) -> str:
    """The address of its Kafka."""
    record = LocalStack(stack.data_dir).state().find("kafka")
    assert record is not None
    return record.url


def dead_letters(stack: Stack) -> str:
    """All that Kafka has of the dead letters, as text."""
    kafka = KafkaConfig(kafka_of(stack))

    async def run() -> str:
        async with aclosing(read_topic(kafka, DEAD_LETTER, missing_ok=True)) as messages:
            return "".join([repr((message.key, message.value, dict(message.headers))) async for message in messages])

    return asyncio.run(run())


def redis_of(stack: Stack) -> Redis:
    """A client of its Redis."""
    record = LocalStack(stack.data_dir).state().find("redis")
    assert record is not None
    return Redis.from_url(record.url)


def redis_texts(stack: Stack) -> str:
    """All keys of Redis with their values, as text."""
    with closing(redis_of(stack)) as redis:
        texts: list[str] = []
        for key in redis.scan_iter():
            kind = redis.type(key)
            read = {
                b"string": redis.get,
                b"hash": redis.hgetall,
                b"zset": lambda key: redis.zrange(key, 0, -1),
                b"set": redis.smembers,
                b"list": lambda key: redis.lrange(key, 0, -1),
            }[kind]
            texts.append(repr((key, read(key))))
        return "".join(texts)
