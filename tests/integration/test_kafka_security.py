"""Every way into a locked Kafka, what is said to whom it turns away, and secrets that change meanwhile."""

from __future__ import annotations

import asyncio
import base64
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from click.testing import CliRunner

from streams.agents import FaustPublisher, build_app
from streams.config import IndexingConfig, KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.errors import KafkaRefused, KafkaUnavailable, PublishFailed
from streams.kafka.connection import client_options
from streams.kafka.index_age import IndexAge
from streams.kafka.lag import LagProbe
from streams.kafka.producer import EventPublisher
from streams.kafka.refusals import check_access, find_refusal
from streams.rights import Right
from tests.secure_kafka import PASSWORD, SESSION_S, USERS, SecureKafka, by_certificate, by_password
from vitrine.cli import main

DEADLINE_S = 20
EVERYTHING = ("Read", "Write", "Create")


class TokenEndpoint(ThreadingHTTPServer):
    """An identity provider: gives tokens to a client who shows its secret."""

    def __init__(self, broker: SecureKafka) -> None:
        super().__init__(("127.0.0.1", 0), _TokenRequests)
        self.broker = broker
        self.secret = "client-secret"
        self.life_s = self.told_life_s = 300.0
        self.spoiled = False
        self.given = 0
        self.scopes: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/token"


class _TokenRequests(BaseHTTPRequestHandler):
    server: TokenEndpoint

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        shown = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        known = shown == f"shop:{self.server.secret}" and form["grant_type"] == ["client_credentials"]
        self.server.scopes += form.get("scope", [])
        self.send_response(200 if known else 401)
        self.end_headers()
        if known:
            self.server.given += 1
            token = self.server.broker.token("token-user", self.server.life_s)
            token = "no.tok.en" if self.server.spoiled else token
            self.wfile.write(f'{{"access_token": "{token}", "expires_in": {self.server.told_life_s}}}'.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def tokens(secure_kafka: SecureKafka) -> Iterator[TokenEndpoint]:
    with TokenEndpoint(secure_kafka) as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        yield endpoint
        endpoint.shutdown()


def by_token(broker: SecureKafka, endpoint: TokenEndpoint, **changes: Any) -> KafkaConfig:
    settings: dict[str, Any] = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_url": endpoint.url,
        "sasl_oauth_client_id": "shop",
        "sasl_oauth_client_secret": endpoint.secret,
        "sasl_oauth_scope": "kafka",
        "ssl_cafile": str(broker.authority),
    }
    return KafkaConfig(broker.servers["sasl_ssl"], **settings | changes)


@pytest.mark.parametrize("listener", ["sasl", "sasl_ssl"])
@pytest.mark.parametrize("mechanism", USERS)
async def test_a_password_opens(secure_kafka: SecureKafka, mechanism: str, listener: str) -> None:
    assert await find_refusal(by_password(secure_kafka, mechanism, listener)) is None


async def test_a_certificate_opens(secure_kafka: SecureKafka, tmp_path: Path) -> None:
    secure_kafka.issue_client_certificate(tmp_path / "client.pem", "shop")
    assert await find_refusal(by_certificate(secure_kafka, tmp_path / "client.pem")) is None


async def test_a_token_opens_and_serves_until_it_is_nearly_over(
    secure_kafka: SecureKafka, tokens: TokenEndpoint
) -> None:
    kafka = by_token(secure_kafka, tokens)
    for _ in range(3):
        await check_access(kafka)
    assert (tokens.given, set(tokens.scopes)) == (1, {"kafka"})
    short = by_token(secure_kafka, tokens, sasl_oauth_scope="short")
    tokens.told_life_s = 0
    for _ in range(2):
        await check_access(short)
    assert tokens.given == 3, "each connection gets another where a token's life is told to be over at once"


async def test_a_token_endpoint_that_is_away_is_no_refusal_and_one_that_refuses_is(
    secure_kafka: SecureKafka, tokens: TokenEndpoint
) -> None:
    refused = await find_refusal(by_token(secure_kafka, tokens, sasl_oauth_client_secret="guessed"))
    assert "gives client shop no token: status 401" in str(refused) and "guessed" not in str(refused)
    away = by_token(secure_kafka, tokens, sasl_oauth_token_url="http://127.0.0.1:1/token")
    assert await find_refusal(away) is None
    with pytest.raises(KafkaUnavailable, match="does not answer"):
        async with LagProbe(away, "group"):
            pass


async def test_a_token_that_kafka_refuses_is_not_offered_again(
    secure_kafka: SecureKafka, tokens: TokenEndpoint
) -> None:
    kafka = by_token(secure_kafka, tokens, sasl_oauth_scope="foreign")
    tokens.spoiled = True
    assert "refuses the token of client shop: it says" in str(await find_refusal(kafka))
    tokens.spoiled = False
    await check_access(kafka)


async def test_a_token_that_is_over_is_told(secure_kafka: SecureKafka, tokens: TokenEndpoint) -> None:
    tokens.life_s = -60
    assert "the token is over" in await said(by_token(secure_kafka, tokens, sasl_oauth_scope="over"))


@pytest.mark.parametrize("mechanism", USERS)
async def test_a_wrong_password_is_told_in_a_sentence(secure_kafka: SecureKafka, mechanism: str) -> None:
    kafka = by_password(secure_kafka, mechanism, sasl_password="guessed")
    with pytest.raises(KafkaRefused, match=rf"refuses user {USERS[mechanism]} .*kafka.sasl_password$"):
        async with LagProbe(kafka, "group"):
            pass
    with pytest.raises(KafkaRefused, match="the user or the password is wrong"):
        async with EventPublisher(kafka):
            pass


def test_the_command_line_says_it_in_a_sentence(
    secure_kafka: SecureKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = by_password(secure_kafka, "SCRAM-SHA-256", sasl_password="guessed")
    names = ("bootstrap_servers", "security_protocol", "sasl_mechanism", "sasl_username", "sasl_password", "ssl_cafile")
    for name in names:
        monkeypatch.setenv(f"VITRINE_KAFKA_{name.upper()}", getattr(kafka, name))
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    ran = CliRunner().invoke(main, ["dlq", "list"])
    assert ran.exit_code == 1 and "refuses user scram-256 (SCRAM-SHA-256)" in ran.output
    assert "Traceback" not in ran.output and ran.output.count("\n") == 1
    shown = CliRunner().invoke(main, ["config"])
    assert shown.exit_code == 0 and "guessed" not in ran.output + shown.output


async def test_a_query_worker_says_why_it_does_not_know_the_age_of_the_index(
    secure_kafka: SecureKafka, caplog: pytest.LogCaptureFixture
) -> None:
    age = IndexAge(by_password(secure_kafka, "PLAIN", sasl_password="guessed"), "group")
    watching = asyncio.create_task(age.run())
    async with asyncio.timeout(DEADLINE_S):
        while "index_age_unknown" not in caplog.text:
            await asyncio.sleep(0.05)
    watching.cancel()
    told = next(vars(record) for record in caplog.records if record.message == "index_age_unknown")
    assert told["levelno"] == logging.ERROR and "the user or the password is wrong" in told["error"]


async def said(kafka: KafkaConfig) -> str:
    """What a client is told."""
    with pytest.raises(KafkaRefused) as refused:
        await check_access(kafka)
    return str(refused.value)


async def test_certificates_of_brokers_are_checked(secure_kafka: SecureKafka) -> None:
    servers, ours = secure_kafka.servers, str(secure_kafka.authority)
    expired = await said(KafkaConfig(servers["expired"], security_protocol="SSL", ssl_cafile=ours))
    assert expired.startswith("the certificate of Kafka at 127.0.0.1:") and "has expired" in expired
    elsewhere = KafkaConfig(servers["elsewhere"], security_protocol="SSL", ssl_cafile=ours)
    assert "names another host" in await said(elsewhere)
    foreign = str(secure_kafka.file("foreign-ca.pem"))
    assert "kafka.ssl_cafile does not have" in await said(by_password(secure_kafka, "PLAIN", ssl_cafile=foreign))
    assert "kafka.ssl_cafile does not have" in await said(by_password(secure_kafka, "PLAIN", ssl_cafile=""))
    unchecked = KafkaConfig(servers["elsewhere"], security_protocol="SSL", ssl_cafile=ours, ssl_check_hostname=False)
    assert await find_refusal(unchecked) is None


async def test_certificates_of_clients_are_checked(secure_kafka: SecureKafka, tmp_path: Path) -> None:
    file = tmp_path / "client.pem"
    nobody = KafkaConfig(secure_kafka.servers["ssl"], security_protocol="SSL", ssl_cafile=str(secure_kafka.authority))
    assert "asks for a client certificate: set kafka.ssl_certfile" in await said(nobody)
    secure_kafka.issue_client_certificate(file, "shop", days=-1)
    assert f"refuses the client certificate of kafka.ssl_certfile = {file}" in await said(
        by_certificate(secure_kafka, file)
    )
    secure_kafka.issue_client_certificate(file, "shop", foreign=True)
    assert "refuses the client certificate" in await said(by_certificate(secure_kafka, file))
    with pytest.raises(KafkaRefused, match="refuses the client certificate"):
        async with EventPublisher(by_certificate(secure_kafka, file)):
            pass


async def test_the_wrong_protocol_for_a_port_is_named(secure_kafka: SecureKafka) -> None:
    servers, ours = secure_kafka.servers, str(secure_kafka.authority)
    assert "speaks TLS at that port" in await said(KafkaConfig(servers["ssl"]))
    unencrypted = by_password(secure_kafka, "PLAIN", security_protocol="SASL_PLAINTEXT", ssl_cafile="")
    unencrypted = replace(unencrypted, bootstrap_servers=servers["sasl_ssl"])
    assert "speaks TLS at that port" in await said(unencrypted)
    assert "speaks no TLS at that port" in await said(
        KafkaConfig(servers["plain"], security_protocol="SSL", ssl_cafile=ours)
    )
    asked = await said(KafkaConfig(servers["sasl_ssl"], security_protocol="SSL", ssl_cafile=ours))
    assert "asks for a login: set kafka.security_protocol to SASL_SSL" in asked and "SCRAM-SHA-512" in asked
    assert "asks for a login: set kafka.security_protocol to SASL_PLAINTEXT" in await said(KafkaConfig(servers["sasl"]))
    needless = replace(by_password(secure_kafka, "PLAIN", "sasl"), bootstrap_servers=servers["plain"])
    assert "asks for no login" in await said(needless)


async def test_files_that_cannot_be_used_are_named(secure_kafka: SecureKafka, tmp_path: Path) -> None:
    ours = tmp_path / "client.pem"
    without = by_password(secure_kafka, "PLAIN", ssl_cafile=str(ours))
    assert f"kafka.ssl_cafile = {ours} is no file" in await said(without)
    assert f"{ours} cannot be read" in await said(
        by_password(secure_kafka, "PLAIN", sasl_password="", sasl_password_file=str(ours))
    )
    assert "No such file" in await said(by_certificate(secure_kafka, ours))
    ours.write_text("nonsense")
    assert "are no certificate with its key" in await said(by_certificate(secure_kafka, ours))


async def test_a_broker_that_is_not_there_is_waited_for() -> None:
    away = KafkaConfig("127.0.0.1:1", security_protocol="SSL", deadline_s=5)
    assert await find_refusal(away) is None
    with pytest.raises(PublishFailed) as failed:
        async with EventPublisher(away):
            pass
    assert not isinstance(failed.value, KafkaRefused)


async def test_one_server_that_accepts_is_enough_and_one_that_refuses_counts_while_others_are_away(
    secure_kafka: SecureKafka,
) -> None:
    kafka = by_password(secure_kafka, "PLAIN")
    both = f"{secure_kafka.servers['expired']},{kafka.bootstrap_servers},127.0.0.1:1"
    assert await find_refusal(replace(kafka, bootstrap_servers=both)) is None
    wrong = replace(kafka, bootstrap_servers=f"127.0.0.1:1,{kafka.bootstrap_servers}", sasl_password="guessed")
    assert "refuses user plain-user" in await said(wrong)


@pytest.mark.parametrize("way", ["password", "certificate", "token", "plain"])
async def test_fausts_own_producer_logs_in_the_same_way(
    secure_kafka: SecureKafka, tokens: TokenEndpoint, tmp_path: Path, way: str
) -> None:
    secure_kafka.issue_client_certificate(tmp_path / "client.pem", "faust")
    kafka = {
        "password": by_password(secure_kafka, "SCRAM-SHA-256", "sasl"),
        "certificate": by_certificate(secure_kafka, tmp_path / "client.pem"),
        "token": by_token(secure_kafka, tokens, sasl_oauth_scope="faust"),
        "plain": KafkaConfig(secure_kafka.url),
    }[way]
    await create_topic(secure_kafka, f"faust-{way}", "scram-256", "faust", "token-user")
    app = build_app(kafka, IndexingConfig(), tmp_path)
    await app.producer.start()
    try:
        await FaustPublisher(app, kafka).publish([OutgoingMessage(f"faust-{way}", b"key", b"value")])
        if way != "plain":
            with pytest.raises(KafkaRefused, match="lacks a right to the topic nobodys"):
                await create_topic(secure_kafka, "nobodys")
                await FaustPublisher(app, kafka).publish([OutgoingMessage("nobodys", b"key", b"value")])
    finally:
        await app.producer.stop()


async def test_a_missing_right_is_named(secure_kafka: SecureKafka) -> None:
    user = by_password(secure_kafka, "PLAIN")
    with pytest.raises(KafkaRefused, match="lacks a right to the cluster, or to write to any topic"):
        async with EventPublisher(user):
            pass
    await create_topic(secure_kafka, "locked")
    await create_topic(secure_kafka, "open", "plain-user")
    async with EventPublisher(user) as publisher:
        with pytest.raises(KafkaRefused, match="knows user plain-user, who lacks a right to the topic locked"):
            await publisher.publish_raw([OutgoingMessage("locked", b"key", b"value")])


async def test_secrets_stay_out_of_logs(secure_kafka: SecureKafka, caplog: pytest.LogCaptureFixture) -> None:
    kafka = by_password(secure_kafka, "SCRAM-SHA-512")
    with caplog.at_level(logging.INFO):
        await check_access(kafka)
        assert await find_refusal(by_password(secure_kafka, "PLAIN", sasl_password=f"{PASSWORD}!"))
    assert PASSWORD not in caplog.text and PASSWORD not in repr(kafka)


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
    options = client_options(kafka)
    async with (
        AIOKafkaProducer(**options) as producer,
        AIOKafkaConsumer(topic, **options, auto_offset_reset="earliest", group_id=f"{topic}-group") as consumer,
    ):
        yield Conversation(producer, consumer, topic)


async def create_topic(broker: SecureKafka, topic: str, *users: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.url)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    for user in users:
        rights = [Right("topic", topic, EVERYTHING), Right("group", topic, ("Read",), prefixed=True)]
        await broker.grant(user, rights)


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
            assert "user scram-256" in await said(by_password(secure_kafka, "SCRAM-SHA-256")), "the first is no good"
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
        await secure_kafka.deny("first", Right("topic", "certificates", EVERYTHING))
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
