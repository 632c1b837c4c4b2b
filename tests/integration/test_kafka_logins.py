"""Every way into a locked Kafka."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from streams.agents import FaustPublisher, build_app
from streams.config import IndexingConfig, KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.errors import KafkaRefused, KafkaUnavailable
from streams.kafka.lag import LagProbe
from streams.kafka.refusals import check_access, find_refusal
from tests.secure_kafka import PASSWORD, USERS, SecureKafka, by_certificate, by_password, create_topic
from tests.token_endpoint import TokenEndpoint, by_token


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
    assert "the token is over" in str(await find_refusal(by_token(secure_kafka, tokens, sasl_oauth_scope="over")))


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


async def test_secrets_stay_out_of_logs(secure_kafka: SecureKafka, caplog: pytest.LogCaptureFixture) -> None:
    kafka = by_password(secure_kafka, "SCRAM-SHA-512")
    with caplog.at_level(logging.INFO):
        await check_access(kafka)
        assert await find_refusal(by_password(secure_kafka, "PLAIN", sasl_password=f"{PASSWORD}!"))
    assert PASSWORD not in caplog.text and PASSWORD not in repr(kafka)
