"""Mutated messages through Kafka: every one is in the index or a dead letter, and the worker stays alive."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from streams.delivery.decoding import Horizon, decode_message
from streams.delivery.messages import Message
from streams.errors import InvalidEvent
from streams.events.schema import DEAD_LETTER, PRODUCT_EVENTS, USER_EVENTS
from tests.bench.report import Target, publish_report
from tests.fuzz import seeds
from tests.fuzz.budget import KAFKA, SEED
from tests.fuzz.mutation import mutate_bytes, mutate_value
from tests.fuzz.watching import own_resident_mb, watched_health
from tests.stack import Stack, start_stack

PRODUCTS = 400
BATCH = 500
DEADLINE_S = 900.0
MOST_HEALTH_MS = 250.0
MOST_GROWTH = 1.10
_HORIZON = Horizon()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own: its dead letters are counted."""
    stack = start_stack(tmp_path_factory.mktemp("fuzz-kafka"))
    yield stack
    stack.cli("down")


def test_every_mutated_message_is_indexed_or_a_dead_letter(stack: Stack) -> None:
    status = stack.status()
    worker, kafka = status["indexing_workers"][0], status["kafka"]["bootstrap_servers"]
    with watched_health(worker["url"]) as health:
        refused, memory = asyncio.run(_publish(stack, kafka, worker["pid"]))
    letters = asyncio.run(_dead_letters(kafka))
    lost = [name for name in refused if name not in letters]
    after_mb = own_resident_mb(worker["pid"])
    assert stack.status()["indexing_workers"][0]["pid"] == worker["pid"], "the worker was started anew"
    targets = [
        Target("refused messages that are no dead letters", float(len(lost)), 0.0, at_most=True),
        Target("/healthz of the indexing worker at most, ms", health.worst_ms, MOST_HEALTH_MS, at_most=True),
        Target("memory after ÷ before", after_mb / memory, MOST_GROWTH, at_most=True),
    ]
    rows = sorted(Counter(letters.values()).items())
    facts = {"inputs": KAFKA, "refused": len(refused), "memory_mb": (memory, after_mb)}
    publish_report("fuzz-kafka", ["reason", "dead letters"], rows, targets, **facts)
    print(facts, f"/healthz p99 {health.percentile_ms(0.99):.0f} ms, at most {health.worst_ms:.0f} ms")
    assert not lost, lost[:5]
    assert all(target.met for target in targets) and not health.failures
    assert "internal" not in letters.values()


async def _publish(stack: Stack, kafka: str, pid: int) -> tuple[list[str], float]:
    """Publish all, a batch at a time; where those are that a reader refuses, and memory after the first part."""
    rng, refused, memory_mb = random.Random(f"{SEED} kafka"), list[asyncio.Future[RecordMetadata]](), 0.0
    async with AIOKafkaProducer(bootstrap_servers=kafka, max_request_size=12 * 2**20) as producer:
        for number in range(KAFKA):
            message = _message(rng, number)
            headers = list(message.headers.items())
            sent = await producer.send(message.topic, message.value, message.key, headers=headers)
            try:
                decode_message(message, _HORIZON)
            except InvalidEvent:
                refused.append(sent)
            if number % BATCH == 0:
                await producer.flush()
            if number == KAFKA // 5:
                await producer.flush()
                await asyncio.to_thread(_wait, stack)
                memory_mb = own_resident_mb(pid)
        await producer.flush()
        places = [_place(one.topic, one.partition, one.offset) for one in [await sent for sent in refused]]
    await asyncio.to_thread(_wait, stack)
    return places, memory_mb


def _place(topic: object, partition: object, offset: object) -> str:
    """Where a message first arrived, which a dead letter says in the clear whomever it is about."""
    return f"{topic}[{partition}]@{offset}"


def _wait(stack: Stack) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while (status := stack.status())["lag"] is None or any(
        waiting for partitions in status["lag"].values() for waiting in partitions.values()
    ):
        assert time.monotonic() < deadline, f"not indexed within {DEADLINE_S:.0f} s: {status}"
        time.sleep(0.5)


def _message(rng: random.Random, number: int) -> Message:
    now = datetime.now(UTC)
    event = rng.choice(seeds.events(rng.randrange(PRODUCTS), now.isoformat()))
    headers: dict[str, bytes] = {}
    mutated = event if rng.random() < 0.4 else mutate_value(event, rng)
    if rng.random() < 0.2:
        headers = {"ce_type": event["type"].encode(), "ce_id": str(number).encode(), "ce_source": b"fuzz"}
        headers = {name: mutate_bytes(value, rng) if rng.random() < 0.3 else value for name, value in headers.items()}
        mutated = mutate_value(event["data"], rng)
    value: bytes | None = json.dumps(mutated).encode()
    if rng.random() < 0.25 and value:
        value = mutate_bytes(value, rng)
    if rng.random() < 0.01:
        value = None
    topic = PRODUCT_EVENTS if event["type"].startswith("product.") or rng.random() < 0.02 else USER_EVENTS
    key = rng.choice((b"fuzz-1", b"", b"\xff\xfe", b"k" * 300, str(number).encode()))
    return Message(topic, 0, 0, int(now.timestamp() * 1000), key, value, headers, lambda: None)


async def _dead_letters(kafka: str) -> dict[str, str]:
    """The reason of each dead letter by its message's place; a picture's does not take the place of its event's."""
    reasons: dict[str, str] = {}
    consumer = AIOKafkaConsumer(
        DEAD_LETTER, bootstrap_servers=kafka, auto_offset_reset="earliest", fetch_max_bytes=64 * 2**20
    )
    async with consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(where) < end for where, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    headers = dict(record.headers)
                    origin = (headers[f"vitrine_{part}"].decode() for part in ("topic", "partition", "offset"))
                    name = _place(*origin)
                    reasons.setdefault(name, headers["vitrine_reason"].decode())
    return reasons
