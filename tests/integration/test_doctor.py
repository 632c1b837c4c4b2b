"""The doctor in front of real servers with real faults, and of a Redis whose clock is wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.stack import LocalStack
from indexer.redis.config import RedisConfig
from indexer.redis.inspection import inspect_redis
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from tests.secure_kafka import PASSWORD, SecureKafka
from vitrine.doctor.findings import Finding
from vitrine.doctor.kafka import check_kafka
from vitrine.doctor.stores import check_redis
from vitrine.settings import Settings, load_settings

SKEW_S = 420


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A Kafka and a Redis of their own."""
    stack = LocalStack(tmp_path_factory.mktemp("doctor"))
    asyncio.run(stack.start([stack.kafka(), stack.redis()], lambda _: None))
    yield stack
    stack.stop()


def settings_of(stack: LocalStack) -> Settings:
    return load_settings({"VITRINE_DATA_DIR": str(stack.data_dir)})


async def made_topics(kafka: str) -> None:
    """One topic that is compacted, one that takes small messages for an hour."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    small = {"max.message.bytes": "1048588", "retention.ms": "3600000"}
    try:
        await admin.create_topics(
            [
                NewTopic(PRODUCT_EVENTS, 2, 1, topic_configs={"cleanup.policy": "compact"}),
                NewTopic(USER_EVENTS, 2, 1, topic_configs=small),
            ]
        )
    finally:
        await admin.close()


async def test_topics_that_lose_events_are_found_on_a_real_broker(servers: LocalStack) -> None:
    await made_topics(servers.kafka().url)
    found = [finding async for finding in check_kafka(settings_of(servers))]
    said = {(finding.subject, finding.level): finding.message for finding in found}
    assert ("kafka", "ok") in said
    assert any(
        finding.level == "failure" and "compacted" in finding.message for finding in _about(found, PRODUCT_EVENTS)
    )
    about = _about(found, USER_EVENTS)
    assert any(finding.level == "failure" and "1048588" in finding.message for finding in about)
    assert any(finding.level == "warning" and "0.0 days" in finding.message for finding in about)
    assert "vitrine.dead-letter" in said["topics", "warning"]
    # A broker that has just started does not know of groups yet.
    async with asyncio.timeout(60):
        while not any(finding.subject == "consumer group" for finding in found):
            found = [finding async for finding in check_kafka(settings_of(servers))]
    assert [finding.level for finding in found if finding.subject == "consumer group"] == ["warning"]


async def test_who_is_turned_away_is_told_why_and_who_may_little_what(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    login = {
        "VITRINE_DATA_DIR": str(tmp_path),
        "VITRINE_KAFKA_BOOTSTRAP_SERVERS": secure_kafka.servers["sasl_ssl"],
        "VITRINE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "VITRINE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
        "VITRINE_KAFKA_SASL_USERNAME": "scram-256",
        "VITRINE_KAFKA_SSL_CAFILE": str(secure_kafka.authority),
    }
    wrong = [finding async for finding in check_kafka(load_settings(login | {"VITRINE_KAFKA_SASL_PASSWORD": "wrong"}))]
    assert [finding.level for finding in wrong] == ["failure"] and "the user or the password is wrong" in wrong[
        0
    ].message
    little = [
        finding async for finding in check_kafka(load_settings(login | {"VITRINE_KAFKA_SASL_PASSWORD": PASSWORD}))
    ]
    assert little[0].level == "ok" and not any(finding.level == "failure" for finding in little)
    assert any(
        "lacks a right to the consumer group" in finding.message for finding in little if finding.level == "warning"
    )
    assert PASSWORD not in str(little)


async def test_a_real_redis_is_in_order(servers: LocalStack) -> None:
    found = [finding async for finding in check_redis(settings_of(servers))]
    assert [(finding.subject, finding.level) for finding in found] == [("redis", "ok"), ("clocks", "ok")]


async def test_a_redis_whose_clock_is_ahead(tmp_path: Path) -> None:
    async with redis_double(ahead_s=SKEW_S) as url:
        facts = await inspect_redis(RedisConfig(url=url))
        assert facts.ahead_s is not None and abs(facts.ahead_s - SKEW_S) < 5
        settings = load_settings({"VITRINE_DATA_DIR": str(tmp_path), "VITRINE_REDIS_URL": url})
        found = [finding async for finding in check_redis(settings)]
        assert [(finding.subject, finding.level) for finding in found] == [("redis", "ok"), ("clocks", "failure")]


async def test_a_redis_that_lets_us_ask_nothing_is_no_failure(tmp_path: Path) -> None:
    async with redis_double(denies=True) as url:
        settings = load_settings({"VITRINE_DATA_DIR": str(tmp_path), "VITRINE_REDIS_URL": url})
        assert [finding.level async for finding in check_redis(settings)] == ["ok"]


def _about(found: list[Finding], topic: str) -> list[Finding]:
    return [finding for finding in found if finding.subject == f"topic {topic}"]


@asynccontextmanager
async def redis_double(ahead_s: float = 0, denies: bool = False) -> AsyncIterator[str]:
    """A Redis that knows how it is and what time it takes it to be; yields its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            words: list[bytes] = []
            for _ in range(int(head[1:])):
                await reader.readline()
                words.append((await reader.readline()).strip().upper())
            writer.write(_reply(words[0].decode(), ahead_s, denies))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()


def _reply(command: str, ahead_s: float, denies: bool) -> bytes:
    if denies and command in ("INFO", "TIME"):
        return b"-NOPERM this user has no permissions to run the command\r\n"
    if command == "INFO":
        text = b"redis_version:7.2.4\r\nused_memory:1000\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"
        return b"$%d\r\n%s\r\n" % (len(text), text)
    if command == "TIME":
        seconds = b"%d" % int(time.time() + ahead_s)
        return b"*2\r\n$%d\r\n%s\r\n$1\r\n0\r\n" % (len(seconds), seconds)
    return b"+PONG\r\n" if command == "PING" else b"+OK\r\n"
