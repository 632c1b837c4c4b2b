"""Passwords and certificates that change while clients run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.config import KafkaConfig
from streams.kafka.connection import client_options
from streams.kafka.refusals import find_refusal
from streams.rights import Right
from tests.secure_kafka import PASSWORD, SESSION_S, SecureKafka, by_certificate, by_password, create_topic

DEADLINE_S = 20


class Conversation:
    """A producer and a consumer of one topic, which go on through whatever happens to their connections."""

    def __init__(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._producer = producer
        self._consumer = consumer
        self._topic = topic

    async def exchange(self, text: bytes) -> None:
        """Send a message, and wait until it comes."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    await self._producer.send_and_wait(self._topic, text)
                    break
                except KafkaError:
                    await asyncio.sleep(0.1)
            while (await self._consumer.getone()).value != text:
                pass

    def cut(self) -> None:
        """End all connections, as a broker that restarts does."""
        for client in (self._producer.client, self._consumer._client):
            for connection in list(client._conns.values()):
                connection.close()


@asynccontextmanager
async def conversation(kafka: KafkaConfig, topic: str) -> AsyncIterator[Conversation]:
    """It commits no offsets, as Vitrine's own consumers: aiokafka 0.14 repeats a last commit that is refused."""
    options = client_options(kafka)
    async with (
        AIOKafkaProducer(**options) as producer,
        AIOKafkaConsumer(
            topic, **options, auto_offset_reset="earliest", group_id=f"{topic}-group", enable_auto_commit=False
        ) as consumer,
    ):
        yield Conversation(producer, consumer, topic)


async def test_a_password_is_changed_while_a_producer_and_a_consumer_run(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    kafka = by_password(secure_kafka, "SCRAM-SHA-256", sasl_password="", sasl_password_file=str(file))
    await create_topic(secure_kafka, "passwords", "scram-256")
    async with conversation(kafka, "passwords") as talk:
        await talk.exchange(b"before")
        await asyncio.to_thread(secure_kafka.set_password, "scram-256", "SCRAM-SHA-256", "second-secret")
        try:
            file.write_text("second-secret")
            talk.cut()
            await talk.exchange(b"after")
            refused = await find_refusal(by_password(secure_kafka, "SCRAM-SHA-256"))
            assert "user scram-256" in str(refused), "the first is no good"
        finally:
            await asyncio.to_thread(secure_kafka.set_password, "scram-256", "SCRAM-SHA-256", PASSWORD)


async def test_a_certificate_is_changed_while_a_producer_and_a_consumer_run(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    file = tmp_path / "client.pem"
    secure_kafka.issue_client_certificate(file, "first")
    await create_topic(secure_kafka, "certificates", "first", "second")
    async with conversation(by_certificate(secure_kafka, file), "certificates") as talk:
        await talk.exchange(b"before")
        await secure_kafka.deny("first", Right("topic", "certificates", ("Read", "Write", "Create")))
        secure_kafka.issue_client_certificate(file, "second")
        talk.cut()
        # Only the second may by now, and Kafka knows the client by its certificate.
        await talk.exchange(b"after")


async def test_a_certificate_without_its_key_leaves_the_last_one_in_force(
    secure_kafka: SecureKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "client.pem"
    secure_kafka.issue_client_certificate(file, "third")
    await create_topic(secure_kafka, "halves", "third")
    async with conversation(by_certificate(secure_kafka, file), "halves") as talk:
        file.write_text(file.read_text().partition("-----BEGIN CERT")[0])
        talk.cut()
        await talk.exchange(b"as before")
    assert "kafka_certificates_not_read" in caplog.text


async def test_a_session_that_the_broker_ends_goes_on(secure_kafka: SecureKafka) -> None:
    await create_topic(secure_kafka, "sessions", "scram-512")
    async with conversation(by_password(secure_kafka, "SCRAM-SHA-512"), "sessions") as talk:
        await talk.exchange(b"before")
        await asyncio.sleep(SESSION_S + 1)
        await talk.exchange(b"after")
