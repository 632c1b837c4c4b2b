"""What can be seen of a Kafka without changing it: brokers, topics and their settings, members of a group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import (  # pyright: ignore[reportMissingTypeStubs]
    ConfigResource,
    ConfigResourceType,
)
from aiokafka.errors import KafkaError

from streams.config import KafkaConfig
from streams.errors import KafkaUnavailable, StreamError
from streams.kafka.connection import client_options
from streams.kafka.lag import LagProbe, PartitionLag
from streams.kafka.refusals import CLIENT_ERRORS, refusal_or, right_refused

DEADLINE_S = 8.0
"""For each question."""


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """A topic."""

    partitions: int
    replicas: int
    """The fewest of any partition."""
    leaderless: int
    """Partitions without a leader, which take and give nothing."""
    settings: Mapping[str, str] | None = None
    """None: they may not be read."""


@dataclass(frozen=True, slots=True)
class KafkaFacts:
    """What was seen."""

    brokers: int
    topics: Mapping[str, TopicFacts]
    """Those of the topics asked for that exist."""
    members: int | None
    """Of the group; None: it may not be described."""
    lag: tuple[PartitionLag, ...] | None
    """Of the group; None: it may not be asked."""
    newest_ms: Mapping[str, int] = field(default_factory=dict[str, int])
    """The time of each topic's newest message, Unix ms, where it has one that could be read."""
    refusals: tuple[str, ...] = ()
    """What this client may not see, in Kafka's refusals."""


async def inspect_kafka(kafka: KafkaConfig, group: str, topics: Iterable[str], events: Iterable[str]) -> KafkaFacts:
    """Look at a cluster.

    Args:
        kafka: which, and who asks.
        group: a consumer group.
        topics: whose settings matter.
        events: the topics that the group reads.

    Raises:
        KafkaUnavailable: it does not answer; `KafkaRefused` where it turns this client away.
    """
    # The client's answers are not typed.
    admin: Any = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=int(DEADLINE_S * 1000))
    refusals: list[str] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            await admin.start()
            cluster = await admin.describe_cluster()
            there = await _topics(admin, topics)
        there = await _with_settings(kafka, admin, there, refusals)
        members = await _members(kafka, admin, group, refusals)
    except CLIENT_ERRORS as error:
        away = KafkaUnavailable(f"Kafka at {kafka.bootstrap_servers} does not answer: {error!r}")
        raise await refusal_or(kafka, error, away) from error
    finally:
        await admin.close()
    lag, newest_ms = await _lag(kafka, group, events, refusals)
    return KafkaFacts(len(cluster["brokers"]), there, members, lag, newest_ms, tuple(dict.fromkeys(refusals)))


async def _topics(admin: Any, topics: Iterable[str]) -> dict[str, TopicFacts]:
    visible = set(await admin.list_topics())
    wanted = [topic for topic in topics if topic in visible]
    described: list[Any] = await admin.describe_topics(wanted) if wanted else []
    return {topic["topic"]: _facts(topic["partitions"]) for topic in described}


def _facts(partitions: Any) -> TopicFacts:
    replicas = min((len(partition["replicas"]) for partition in partitions), default=0)
    return TopicFacts(len(partitions), replicas, sum(partition["leader"] < 0 for partition in partitions))


async def _with_settings(
    kafka: KafkaConfig, admin: Any, topics: Mapping[str, TopicFacts], refusals: list[str]
) -> dict[str, TopicFacts]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    if not resources:
        return {}
    try:
        async with asyncio.timeout(DEADLINE_S):
            answers = await admin.describe_configs(resources)
    except KafkaError as error:
        refusals.append(_refusal(kafka, error))
        return dict(topics)
    found = dict(topics)
    for answer in answers:
        for code, message, _, name, entries, *_ in answer.resources:
            if code:
                refusals.append(f"the settings of {name} may not be read ({message or code})")
            else:
                settings = {entry[0]: entry[1] for entry in entries}
                old = found[name]
                found[name] = TopicFacts(old.partitions, old.replicas, old.leaderless, settings)
    return found


async def _members(kafka: KafkaConfig, admin: Any, group: str, refusals: list[str]) -> int | None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            answers = await admin.describe_consumer_groups([group])
    except KafkaError as error:
        refusals.append(_refusal(kafka, error))
        return None
    groups = [described for answer in answers for described in answer.groups]
    return sum(len(described[5]) for described in groups if not described[0])


async def _lag(
    kafka: KafkaConfig, group: str, events: Iterable[str], refusals: list[str]
) -> tuple[tuple[PartitionLag, ...] | None, dict[str, int]]:
    newest_ms: dict[str, int] = {}
    try:
        async with LagProbe(kafka, group) as probe:
            lags = tuple(await probe.lag(*events))
            for lag in lags:
                if lag.end_offset:
                    await _note_newest(probe, lag, newest_ms)
    except StreamError as error:
        refusals.append(str(error))
        return None, newest_ms
    return lags, newest_ms


async def _note_newest(probe: LagProbe, lag: PartitionLag, newest_ms: dict[str, int]) -> None:
    """The time of a partition's last message; none where it is gone by retention, or is a transaction's marker."""
    try:
        async with asyncio.timeout(1):
            stamp = await probe.timestamp_ms(lag.topic, lag.partition, lag.end_offset - 1)
    except (StreamError, TimeoutError):
        return
    newest_ms[lag.topic] = max(stamp, newest_ms.get(lag.topic, 0))


def _refusal(kafka: KafkaConfig, error: KafkaError) -> str:
    return str(right_refused(kafka, error) or repr(error))
