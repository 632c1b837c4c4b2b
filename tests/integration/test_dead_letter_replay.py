"""Replaying dead letters to a real Kafka, by the command line."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from indexer.redis.shoppers.person_keys import InMemoryPersonKeys
from streams.config import KafkaConfig
from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import attempt_number, first_arrival_ms, origin_of, producer_headers
from streams.errors import InvalidEvent, PublishFailed, Reason
from streams.events.schema import MAX_MESSAGE_BYTES, PRODUCT_EVENTS, USER_EVENTS
from streams.failures.dead_letter_reader import LetterOpener, read_dead_letters
from streams.failures.dead_letter_replay import (
    CHUNK_LETTERS,
    Replayer,
    ReplayReport,
    ReplaySelection,
    select_letters,
)
from streams.failures.dead_letters import build_dead_letter
from streams.failures.replay_marks import ReplayMarks
from streams.kafka.producer import Delivery, EventPublisher
from streams.kafka.topic_history import read_topic
from streams.topics import MAX_REQUEST_BYTES, ensure_topics
from tests.stack import Stack
from vitrine.cli import main

NOBODYS = LetterOpener(InMemoryPersonKeys({}))
"""No letter here is about a person."""
OWN = {"ce_type": b"product.created", "trace": b"\xff\x00"}


class DeadLetters:
    """Dead letters of one test, told apart by their key, and what becomes of them."""

    def __init__(self, servers: str, publisher: EventPublisher) -> None:
        self.servers = servers
        self.publisher = publisher
        self.key = uuid.uuid4().hex.encode()

    async def bury(self, reason: Reason, *values: bytes, key: bytes = b"", **fields: Any) -> None:
        """Have messages fail."""
        letters = []
        for offset, value in enumerate(values):
            place: dict[str, Any] = {"topic": PRODUCT_EVENTS, "partition": 2, "offset": offset, "timestamp_ms": 77}
            content = {"key": self.key + key, "value": value, "headers": OWN, "ack": lambda: None}
            letters.append(build_dead_letter(Message(**(place | content | fields)), InvalidEvent(reason, "a fault")))
        await self.publisher.wait_delivered([await self.publisher.send_raw(letter, "a letter") for letter in letters])

    async def came_back(self, topic: str = PRODUCT_EVENTS) -> list[Message]:
        """What has been published again."""
        async with aclosing(read_topic(KafkaConfig(self.servers), topic, missing_ok=True)) as messages:
            return [message async for message in messages if (message.key or b"").startswith(self.key)]

    async def dlq(self, *arguments: str) -> Result:
        """`vitrine dlq ARGUMENTS`."""
        environ = {"VITRINE_KAFKA_BOOTSTRAP_SERVERS": self.servers}
        return await asyncio.to_thread(CliRunner().invoke, main, ("dlq", *arguments), env=environ)


@pytest.fixture
async def letters(kafka_servers: str) -> AsyncIterator[DeadLetters]:
    await ensure_topics(KafkaConfig(bootstrap_servers=kafka_servers))
    async with EventPublisher(KafkaConfig(kafka_servers)) as publisher:
        letters = DeadLetters(kafka_servers, publisher)
        # Whatever other tests have left.
        await letters.dlq("replay")
        yield letters


async def test_a_letter_goes_back_as_it_was_and_once_only(letters: DeadLetters):
    await letters.bury("invalid_image", b"\xff\x00 bytes")
    ran = await letters.dlq("replay", "--reason", "invalid_image")
    assert (ran.exit_code, ran.stdout) == (0, "replayed 1 (1 invalid_image)\n")
    (back,) = await letters.came_back()
    assert (back.key, back.value, producer_headers(back)) == (letters.key, b"\xff\x00 bytes", OWN)
    assert (attempt_number(back), back.partition, first_arrival_ms(back)) == (0, 2, 77)
    first = origin_of(back)
    assert (first.topic, first.partition, first.offset) == (PRODUCT_EVENTS, 2, 0)
    for arguments in (["--reason", "invalid_image"], []):
        ran = await letters.dlq("replay", *arguments)
        assert ran.exit_code == 0
        assert ran.stdout.startswith("nothing new to replay")
    assert len(await letters.came_back()) == 1
    await letters.dlq("replay", "--reason", "invalid_image", "--again")
    assert len(await letters.came_back()) == 2


async def test_what_fails_again_is_a_new_letter_from_where_it_first_was(letters: DeadLetters):
    await letters.bury("unreachable_image", b"v")
    await letters.dlq("replay")
    (back,) = await letters.came_back()
    again = build_dead_letter(back, InvalidEvent("unreachable_image", "still away"))
    await letters.publisher.wait_delivered([await letters.publisher.send_raw(again, "a letter")])
    shown = json.loads((await letters.dlq("show", "--json", "-n", "2")).stdout)
    assert [(letter["topic"], letter["partition"], letter["offset"]) for letter in shown] == [
        (PRODUCT_EVENTS, 2, 0)
    ] * 2
    assert [letter["error"] for letter in shown] == ["a fault", "still away"]
    assert all(letter["headers"].keys() == OWN.keys() for letter in shown)
    assert "replayed 1 (1 unreachable_image)" in (await letters.dlq("replay")).stdout
    assert len(await letters.came_back()) == 2


async def test_letters_go_back_in_their_order_to_their_own_topics(letters: DeadLetters):
    values = [b"%d" % number for number in range(CHUNK_LETTERS + 100)]
    await letters.bury("internal", *values)
    await letters.bury("internal", b"click", topic=USER_EVENTS, partition=0)
    assert f"replayed {len(values) + 1}" in (await letters.dlq("replay", "--reason", "internal")).stdout
    assert [message.value for message in await letters.came_back()] == values
    assert [message.value for message in await letters.came_back(USER_EVENTS)] == [b"click"]


async def test_reasons_are_replayed_each_on_its_own_and_so_many_as_asked_for(letters: DeadLetters):
    await letters.bury("from_future", b"1", b"2", b"3")
    await letters.bury("too_old", b"4")
    ran = await letters.dlq("replay", "--dry-run")
    assert ran.stdout.startswith("would replay 4 (3 from_future, 1 too_old)")
    assert await letters.came_back() == []
    assert (
        "replayed 2 (2 from_future)" in (await letters.dlq("replay", "--reason", "from_future", "--limit", "2")).stdout
    )
    listed = json.loads((await letters.dlq("list", "--json")).stdout)
    assert listed["from_future"]["count"] - listed["from_future"]["replayed"] == 1
    assert listed["from_future"]["replay_helps"] and not listed["too_old"]["replay_helps"]
    assert "replayed 2 (1 from_future, 1 too_old)" in (await letters.dlq("replay")).stdout
    assert sorted(message.value or b"" for message in await letters.came_back()) == [b"1", b"2", b"3", b"4"]


async def test_what_cannot_be_published_again_is_named_and_does_not_hold_up_the_rest(letters: DeadLetters):
    producer = AIOKafkaProducer(bootstrap_servers=letters.servers, max_request_size=MAX_REQUEST_BYTES)
    await producer.start()
    message = Message(PRODUCT_EVENTS, 2, 7, 77, letters.key, b"x" * (MAX_MESSAGE_BYTES + 2**17), {}, lambda: None)
    huge = build_dead_letter(message, InvalidEvent("too_large", "huge"))
    await producer.send_and_wait(huge.topic, huge.value, huge.key, headers=list(huge.headers.items()))
    await producer.stop()
    await letters.bury("wrong_topic", b"astray", topic="vitrine.retry.1s")
    await letters.bury("invalid", b"fine")
    ran = await letters.dlq("replay")
    assert ran.exit_code == 1
    assert f"{PRODUCT_EVENTS}[2]@7 is over 10,485,760 bytes" in ran.stderr
    assert "vitrine.retry.1s[2]@0 does not say which event topic it came from" in ran.stderr
    assert ran.stdout.startswith("replayed 1 (1 invalid); 2 (")
    assert [one.value for one in await letters.came_back()] == [b"fine"]
    assert (await letters.dlq("replay")).exit_code == 0


async def test_an_unknown_reason_is_refused_with_the_known_ones(letters: DeadLetters):
    ran = await letters.dlq("replay", "--reason", "bad-luck")
    assert ran.exit_code == 2
    assert "bad-luck" in ran.stderr and "unreachable_image" in ran.stderr


class BreaksOff(EventPublisher):
    """Loses Kafka after some messages."""

    sendable = CHUNK_LETTERS + 50

    def __init__(self, kafka: KafkaConfig) -> None:
        super().__init__(kafka)
        self.left = self.sendable

    async def send_raw(self, message: OutgoingMessage, name: str) -> Delivery:
        self.left -= 1
        if self.left < 0:
            raise PublishFailed("Kafka is away")
        return await super().send_raw(message, name)


async def test_a_replay_that_broke_off_goes_on_and_loses_none(letters: DeadLetters):
    values = [b"%d" % number for number in range(CHUNK_LETTERS + 100)]
    await letters.bury("internal", *values)
    report = ReplayReport()
    async with BreaksOff(KafkaConfig(letters.servers)) as publisher:
        with pytest.raises(PublishFailed):
            await replay(letters.servers, publisher, report)
    # A chunk is what Kafka gives at once, at most so many.
    marked = report.replayed["internal"]
    assert 0 < marked <= publisher.sendable
    remaining = len(values) - marked
    assert f"replayed {remaining} ({remaining} internal)" in (await letters.dlq("replay")).stdout
    came = [message.value for message in await letters.came_back()]
    assert list(dict.fromkeys(came)) == values
    assert len(came) < len(values) + 100


async def replay(servers: str, publisher: EventPublisher, report: ReplayReport) -> None:
    marks = await ReplayMarks.load(KafkaConfig(servers))
    async with aclosing(select_letters(KafkaConfig(servers), ReplaySelection(), marks, NOBODYS, report)) as selected:
        await Replayer(publisher, marks, report).run(selected)


async def test_the_list_says_what_helps_and_show_takes_nothing_that_steers_a_terminal(letters: DeadLetters):
    await letters.bury("internal", b"\x1b[31mred\n" + b"x" * 1_000, key=b"\x1b[2J")
    listed = (await letters.dlq("list")).stdout
    assert "internal: a fault of this program; a replay can help" in listed
    shown = (await letters.dlq("show", "--reason", "internal", "-n", "1")).stdout
    assert "\x1b" not in shown and "[31mred" in shown and "xxx…" in shown


def test_a_running_worker_gives_what_it_cannot_mend_back_each_time(stack: Stack):
    servers = stack.status()["kafka"]["bootstrap_servers"]
    broken = {"product_id": f"replayed-{uuid.uuid4().hex}", "title": "Kettle", "images": [{"data": "AAAA"}]}
    asyncio.run(publish_products(servers, broken, broken | {"price": "cheap"}))
    for times in (1, 2):
        stack.wait(f"each, {times} times", lambda: len(asyncio.run(places(servers, broken))) == 2 * times)  # noqa: B023
        assert len(set(asyncio.run(places(servers, broken)))) == 2
        assert stack.cli("dlq", "replay").stdout.startswith("replayed")


async def publish_products(servers: str, *products: Mapping[str, Any]) -> None:
    envelope = {"specversion": "1.0", "source": "test", "type": "product.created"}
    values = [json.dumps(envelope | {"id": str(number), "data": product}) for number, product in enumerate(products)]
    async with EventPublisher(KafkaConfig(servers)) as publisher:
        sent = [OutgoingMessage(PRODUCT_EVENTS, products[0]["product_id"].encode(), value.encode()) for value in values]
        await publisher.wait_delivered([await publisher.send_raw(message, "an event") for message in sent])


async def places(servers: str, product: Mapping[str, Any]) -> list[tuple[str, int, int]]:
    """The reasons and places of the product's dead letters."""
    key = product["product_id"].encode()
    async with aclosing(read_dead_letters(KafkaConfig(servers))) as letters:
        return [(letter.reason, letter.partition, letter.offset) async for letter in letters if letter.key == key]
