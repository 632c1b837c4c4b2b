"""What is said to whom Kafka turns away."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from indexer.redis.lag_board import InMemoryLagBoard
from streams.config import KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.errors import KafkaRefused, PublishFailed
from streams.kafka.index_age import IndexAge
from streams.kafka.lag import LagProbe
from streams.kafka.producer import EventPublisher
from streams.kafka.refusals import check_access, find_refusal
from tests.secure_kafka import USERS, SecureKafka, by_certificate, by_password, create_topic
from vitrine.cli import main

DEADLINE_S = 20


async def said(kafka: KafkaConfig) -> str:
    """What a client is told."""
    with pytest.raises(KafkaRefused) as refused:
        await check_access(kafka)
    return str(refused.value)


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
    age = IndexAge(by_password(secure_kafka, "PLAIN", sasl_password="guessed"), "group", InMemoryLagBoard())
    watching = asyncio.create_task(age.run())
    async with asyncio.timeout(DEADLINE_S):
        while "index_age_unknown" not in caplog.text:
            await asyncio.sleep(0.05)
    watching.cancel()
    told = next(vars(record) for record in caplog.records if record.message == "index_age_unknown")
    assert told["levelno"] == logging.ERROR and "the user or the password is wrong" in told["error"]


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
