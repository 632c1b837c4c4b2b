"""Kafka: reached, let in, and with topics that lose nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping

from indexer.errors import StoreUnavailable
from indexer.milvus.registry import GenerationRegistry
from streams.delivery.decoding import Horizon
from streams.errors import KafkaRefused, KafkaUnavailable
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.inspection import KafkaFacts, TopicFacts, inspect_kafka
from streams.topics import RETAIN_FOREVER, wanted_topics
from vitrine.doctor.findings import Finding, failure, not_running, ok, warning
from vitrine.errors import NotRunning
from vitrine.settings import Settings
from vitrine.stack.servers import reachable_kafka, reachable_milvus

GOOD_REPLICATION = 3


async def check_kafka(settings: Settings) -> AsyncIterator[Finding]:
    """All about Kafka."""
    try:
        kafka = reachable_kafka(settings)
    except NotRunning as error:
        yield not_running("kafka", error)
        return
    group = await _active_group(settings)
    wanted = wanted_topics(kafka)
    try:
        facts = await inspect_kafka(kafka, group, wanted, (PRODUCT_EVENTS, USER_EVENTS))
    except KafkaRefused as error:
        yield failure("kafka", str(error), "see docs/operations.md for what each client is to say")
        return
    except KafkaUnavailable as error:
        advice = "is it running, is kafka.bootstrap_servers its address, and are its advertised.listeners reachable?"
        yield failure("kafka", str(error), advice)
        return
    yield ok("kafka", f"answers at {kafka.bootstrap_servers}; brokers: {facts.brokers}")
    for refusal in facts.refusals:
        advice = "look again in a moment; what rights are missing for, `vitrine kafka acls ROLE` lists"
        yield warning("kafka", refusal, advice)
    for finding in judge_kafka(settings, facts, wanted, time.time(), group):
        yield finding


async def _active_group(settings: Settings) -> str:
    """The consumer group of the generation that is searched; the first one's where Milvus cannot be asked."""
    try:
        async with GenerationRegistry(reachable_milvus(settings)) as registry:
            active = (await registry.read()).active
    except (NotRunning, StoreUnavailable):
        active = None
    return settings.indexing.group_of(active.collection) if active else settings.indexing.group


def judge_kafka(
    settings: Settings, facts: KafkaFacts, wanted: Mapping[str, Mapping[str, str]], now_s: float, group: str
) -> Iterator[Finding]:
    """What follows from what was seen.

    Args:
        settings: the configuration in force.
        facts: of the cluster.
        wanted: the settings that each topic would be made with.
        now_s: Unix seconds.
        group: the consumer group whose members and lag are among the facts.
    """
    if missing := [topic for topic in wanted if topic not in facts.topics]:
        advice = "workers make them if they may; else run `vitrine kafka topics` as an operator"
        yield warning("topics", f"not there, or not to be seen: {', '.join(missing)}", advice)
    faults = [
        fault
        for name, topic in facts.topics.items()
        for fault in _topic_faults(settings, f"topic {name}", name, topic, wanted[name])
    ]
    yield from faults
    if facts.topics and not faults:
        yield ok("topics", f"{len(facts.topics)} are there, and lose nothing")
    yield from _judge_replication(facts)
    yield from _judge_group(group, facts)
    future_s = Horizon().future_s
    for topic, newest_ms in facts.newest_ms.items():
        if newest_ms / 1000 > now_s + future_s:
            message = f"the newest message of {topic} is {newest_ms / 1000 - now_s:.0f} s in the future"
            yield failure("clocks", message, "set the producer's clock, or this one: such events are dead letters")


def _topic_faults(
    settings: Settings, subject: str, name: str, topic: TopicFacts, wanted: Mapping[str, str]
) -> Iterator[Finding]:
    alter = f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config"
    if topic.leaderless:
        yield failure(subject, f"{topic.leaderless} partitions have no leader", "look at the brokers: some are away")
    if name == PRODUCT_EVENTS and topic.partitions < settings.indexing.workers:
        message = f"{topic.partitions} partitions for {settings.indexing.workers} workers: some have nothing to do"
        yield warning(subject, message, "add partitions, or run fewer workers")
    if topic.settings is None:
        return
    there = topic.settings
    if "compact" in there.get("cleanup.policy", "") and "compact" not in wanted["cleanup.policy"]:
        yield failure(subject, "is compacted: updates of single fields are lost", f"{alter} cleanup.policy=delete")
    least = int(wanted["max.message.bytes"])
    if (size := int(there.get("max.message.bytes", least))) < least:
        message = f"takes messages of up to {size} bytes, and events may have {least}"
        yield failure(subject, message, f"{alter} max.message.bytes={least}")
    yield from _retention_faults(subject, there, wanted, alter)
    if topic.replicas and int(there.get("min.insync.replicas", 1)) > topic.replicas:
        message = f"wants {there['min.insync.replicas']} replicas in step and has {topic.replicas}: takes nothing"
        yield failure(subject, message, f"{alter} min.insync.replicas={max(1, topic.replicas - 1)}")


def _retention_faults(
    subject: str, there: Mapping[str, str], wanted: Mapping[str, str], alter: str
) -> Iterator[Finding]:
    least_ms = int(wanted["retention.ms"])
    kept_ms = int(there.get("retention.ms", RETAIN_FOREVER))
    if kept_ms != RETAIN_FOREVER and (least_ms == RETAIN_FOREVER or kept_ms < least_ms):
        days = "for ever" if least_ms == RETAIN_FOREVER else f"{least_ms / 86_400_000:.0f} days"
        message = f"keeps messages for {kept_ms / 86_400_000:.1f} days: rebuilds and restored profiles want {days}"
        yield warning(subject, message, f"{alter} retention.ms={least_ms}")
    if (size := int(there.get("retention.bytes", -1))) >= 0:
        message = f"drops messages over {size} bytes a partition, however young they are"
        yield warning(subject, message, f"{alter} retention.bytes=-1")


def _judge_replication(facts: KafkaFacts) -> Iterator[Finding]:
    single = [name for name, topic in facts.topics.items() if topic.replicas == 1]
    if facts.brokers >= GOOD_REPLICATION and single:
        message = f"{len(single)} topics have one replica on {facts.brokers} brokers, {single[0]} among them"
        advice = "raise them to 3 (kafka-reassign-partitions.sh), and set kafka.replication_factor = 3 for new ones"
        yield warning("replication", message, advice)


def _judge_group(group: str, facts: KafkaFacts) -> Iterator[Finding]:
    waiting = sum(lag.messages for lag in facts.lag or ())
    if facts.members == 0 and waiting:
        advice = "start one: `vitrine up`, or `vitrine worker indexing`"
        yield failure("consumer group", f"{waiting} events wait, and {group} has no worker", advice)
    elif facts.members == 0:
        yield warning("consumer group", f"{group} has no worker", "start one: `vitrine up`, `vitrine worker indexing`")
    elif facts.members is not None:
        yield ok("consumer group", f"{group}; members: {facts.members}, events that wait: {waiting}")
