"""What is wrong with servers follows from what was seen of them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import trustme

from indexer.milvus.registry import Generation, Generations
from indexer.redis.inspection import RedisFacts, RedisMemory
from indexer.text_analysis.analyzer import ANALYSIS_VERSION
from streams.events.schema import DEAD_LETTER, PRODUCT_EVENTS
from streams.kafka.inspection import KafkaFacts, TopicFacts
from streams.kafka.lag import PartitionLag
from streams.topics import wanted_topics
from vitrine.doctor.access import check_certificates, check_encoder, check_privacy
from vitrine.doctor.findings import Finding
from vitrine.doctor.kafka import judge_kafka
from vitrine.doctor.stores import judge_milvus, judge_redis
from vitrine.settings import Settings, load_settings

NOW_S = 1_700_000_000.0
MEMORY = RedisMemory("7.2.4", 10, 1_000, "noeviction", is_loading=False)
GENERATION = Generation("products_g1", "mini@1", 64, 1, encoder_name="mini", analysis_version=ANALYSIS_VERSION)


def settings_of(**environ: str) -> Settings:
    return load_settings({"VITRINE_DATA_DIR": "/nowhere", **environ})


def kafka_findings(topic: str, changed: Mapping[str, str], **facts: object) -> list[Finding]:
    """What is found about a cluster where all is well but for some settings of one topic."""
    settings = settings_of()
    wanted = wanted_topics(settings.kafka)
    topics = {name: TopicFacts(6, 3, 0, dict(made_with)) for name, made_with in wanted.items()}
    topics[topic] = replace(topics[topic], settings={**wanted[topic], **changed})
    well = KafkaFacts(3, topics, 2, (PartitionLag(PRODUCT_EVENTS, 0, 5, 9),))
    seen = replace(well, **facts)  # type: ignore[arg-type]
    return [
        finding
        for finding in judge_kafka(settings, seen, wanted, NOW_S, settings.indexing.group)
        if finding.level != "ok"
    ]


def test_a_good_cluster_gives_no_complaint() -> None:
    assert kafka_findings(PRODUCT_EVENTS, {}) == []


@pytest.mark.parametrize(
    ("topic", "changed", "level", "said"),
    [
        (PRODUCT_EVENTS, {"cleanup.policy": "compact"}, "failure", "compacted"),
        (PRODUCT_EVENTS, {"cleanup.policy": "compact,delete"}, "failure", "compacted"),
        (PRODUCT_EVENTS, {"max.message.bytes": "1048588"}, "failure", "1048588"),
        (PRODUCT_EVENTS, {"retention.ms": "604800000"}, "warning", "7.0 days"),
        (PRODUCT_EVENTS, {"retention.bytes": "1000"}, "warning", "1000 bytes"),
        (DEAD_LETTER, {"retention.ms": "604800000"}, "warning", "for ever"),
        (PRODUCT_EVENTS, {"min.insync.replicas": "4"}, "failure", "4 replicas"),
    ],
)
def test_a_topic_that_would_lose_or_refuse_events(
    topic: str, changed: Mapping[str, str], level: str, said: str
) -> None:
    (found,) = kafka_findings(topic, changed)
    assert found.level == level and topic in found.subject and said in found.message
    assert f"--entity-name {topic} --add-config {next(iter(changed))}" in found.advice


def test_one_replica_on_many_brokers_and_no_leader() -> None:
    found = kafka_findings(PRODUCT_EVENTS, {}, topics={PRODUCT_EVENTS: TopicFacts(6, 1, 2, None)})
    assert {(finding.subject, finding.level) for finding in found} == {
        ("topics", "warning"),
        (f"topic {PRODUCT_EVENTS}", "failure"),
        ("replication", "warning"),
    }


def test_events_that_wait_and_nobody_who_takes_them() -> None:
    (found,) = kafka_findings(PRODUCT_EVENTS, {}, members=0)
    assert found.level == "failure" and found.message == "4 events wait, and vitrine-indexer has no worker"
    (found,) = kafka_findings(PRODUCT_EVENTS, {}, members=0, lag=())
    assert found.level == "warning"


def test_a_producer_whose_clock_is_ahead() -> None:
    newest = {PRODUCT_EVENTS: int((NOW_S + 400) * 1000)}
    (found,) = kafka_findings(PRODUCT_EVENTS, {}, newest_ms=newest)
    assert found.subject == "clocks" and "400 s in the future" in found.message


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (RedisFacts(MEMORY, 0.1), []),
        (RedisFacts(None, None), []),
        (RedisFacts(replace(MEMORY, version="5.0.14"), 0.0), [("redis", "failure")]),
        (RedisFacts(replace(MEMORY, policy="allkeys-lru"), 0.0), [("redis", "failure")]),
        (RedisFacts(replace(MEMORY, policy="volatile-lru"), 0.0), [("redis", "warning")]),
        (RedisFacts(replace(MEMORY, policy="volatile-ttl"), 0.0), []),
        (RedisFacts(replace(MEMORY, used_bytes=950), 0.0), [("redis", "warning")]),
        (RedisFacts(MEMORY, -45.0), [("clocks", "warning")]),
        (RedisFacts(MEMORY, 400.0), [("clocks", "failure")]),
    ],
)
def test_redis(facts: RedisFacts, expected: list[tuple[str, str]]) -> None:
    assert [(finding.subject, finding.level) for finding in judge_redis(facts) if finding.level != "ok"] == expected


def test_milvus_that_is_too_old_and_an_index_of_another_encoder() -> None:
    generations = Generations(GENERATION, {}, ())
    assert [finding.level for finding in judge_milvus(settings_of(), "2.4.9", generations)] == ["failure", "ok"]
    assert [finding.level for finding in judge_milvus(settings_of(), "v2.5.1", generations)] == ["ok", "ok"]
    assert [finding.level for finding in judge_milvus(settings_of(), "2.10.0", generations)] == ["ok", "ok"]
    other = settings_of(VITRINE_ENCODER_NAME="hash")
    (found,) = [finding for finding in judge_milvus(other, "2.6", generations) if finding.level != "ok"]
    assert found.level == "failure" and "vitrine reindex --encoder hash" in found.advice


def test_an_index_whose_words_were_cut_otherwise_is_to_be_rebuilt() -> None:
    older = msgspec.structs.replace(GENERATION, analysis_version=1)
    (found,) = [finding for finding in judge_milvus(settings_of(), "2.6", Generations(older)) if finding.level != "ok"]
    assert found.level == "warning" and "vitrine reindex" in found.advice and "analysis 1" in found.message


def test_an_index_that_finds_nothing_by_words_and_a_server_that_cannot_are_told() -> None:
    wordless = Generations(msgspec.structs.replace(GENERATION, full_text=False))
    accepting = settings_of(VITRINE_MILVUS_FULL_TEXT="false")
    assert [finding.level for finding in judge_milvus(settings_of(), "v2.3.5", wordless)] == [
        "failure",
        "ok",
        "warning",
    ]
    told = [finding for finding in judge_milvus(accepting, "v2.3.5", wordless) if finding.level != "ok"]
    assert [finding.level for finding in told] == ["warning", "warning"] and "vectors alone" in told[1].message


@pytest.mark.parametrize(("days", "level"), [(-1, "failure"), (5, "warning"), (90, "ok")])
def test_certificates_that_end(tmp_path: Path, days: int, level: str) -> None:
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    file = tmp_path / "cert.pem"
    trustme.CA().issue_cert("localhost", not_after=ends).private_key_and_cert_chain_pem.write_to_path(str(file))
    (found,) = check_certificates(settings_of(VITRINE_QUERY_SSL_CERTFILE=str(file)))
    assert found.level == level and "query.ssl_certfile" in found.message


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    (found,) = check_certificates(settings_of(VITRINE_QUERY_SSL_CERTFILE=str(tmp_path / "none.pem")))
    assert found.level == "failure" and found.advice


@pytest.mark.parametrize("name", ["mini", "hash", "mini#64"])
async def test_encoders_that_are_here_ask_no_hub(name: str) -> None:
    assert [finding.level async for finding in check_encoder(settings_of(VITRINE_ENCODER_NAME=name))] == ["ok"]


async def test_encoders_that_are_nowhere(tmp_path: Path) -> None:
    for name, said in (("no-such-model", "no directory"), (str(tmp_path), "config.json")):
        (found,) = [finding async for finding in check_encoder(settings_of(VITRINE_ENCODER_NAME=name))]
        assert found.level == "failure" and said in found.message


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        ({}, []),
        ({"VITRINE_REDIS_URL": "redis://r:6379"}, ["warning"]),
        ({"VITRINE_PRIVACY_SECRET": "short"}, ["warning"]),
        ({"VITRINE_REDIS_URL": "redis://r:6379", "VITRINE_PRIVACY_SECRET": "x" * 64}, ["ok"]),
    ],
)
def test_a_secret_is_wanted_where_redis_is_not_this_machines_alone(given: dict[str, str], levels: list[str]) -> None:
    found = list(check_privacy(settings_of(**given)))
    assert [finding.level for finding in found] == levels
    assert not any("short" in finding.message for finding in found)
