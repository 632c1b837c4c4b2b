"""Publishing files to a real Kafka, and reading dead letters from it."""

import asyncio
import json
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from click.testing import CliRunner

from streams.config import KafkaConfig
from streams.delivery.messages import Message
from streams.errors import InvalidEvent, KafkaUnavailable, PublishFailed
from streams.events.cloudevents import decode_event
from streams.events.schema import DEAD_LETTER, MAX_MESSAGE_BYTES, PRODUCT_EVENTS, Event, Media, Product
from streams.failures.dead_letter_reader import read_dead_letters
from streams.failures.dead_letters import build_dead_letter
from streams.kafka.producer import EventPublisher
from streams.topics import MAX_REQUEST_BYTES, ensure_topics
from tests.paths import SHARED_DATA
from vitrine.cli import main

DATA = SHARED_DATA
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is absent")


@pytest.fixture
async def kafka(kafka_servers):
    await ensure_topics(KafkaConfig(bootstrap_servers=kafka_servers))
    return kafka_servers


async def positions(servers, topic):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers)
    async with asyncio.timeout(20):
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        await consumer.stop()
    return ends


async def since(servers, starts):
    """Every message that came after `starts`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, max_partition_fetch_bytes=MAX_REQUEST_BYTES)
    async with asyncio.timeout(60):
        await consumer.start()
        consumer.assign(list(starts))
        ends = await consumer.end_offsets(list(starts))
        for part, start in starts.items():
            consumer.seek(part, start)
        messages = []
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                messages += batch
        await consumer.stop()
    return messages


async def vitrine(servers, *arguments):
    environ = {"VITRINE_KAFKA_BOOTSTRAP_SERVERS": servers}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environ)


@needs_data
async def test_a_real_catalogue_arrives_whole_and_keyed_by_product(kafka):
    starts = await positions(kafka, PRODUCT_EVENTS)
    ran = await vitrine(kafka, "publish", "products", str(DATA / "products.jsonl"), "--images", str(DATA))
    assert ran.exit_code == 0
    assert "published 188, rejected 0" in ran.stdout
    messages = await since(kafka, starts)
    events = [decode_event(PRODUCT_EVENTS, message.value, {}, message.timestamp) for message in messages]
    assert {message.key.decode() for message in messages} == {event.data.product_id for event in events}
    assert len(messages) == len({event.data.product_id for event in events}) == 188
    assert all(image.data for event in events for image in event.data.images)


async def test_bad_rows_are_named_the_rest_published_in_order_and_the_exit_code_is_1(kafka, tmp_path):
    starts = await positions(kafka, PRODUCT_EVENTS)
    rows = [f"p{number % 3},name {number},$1.00" for number in range(300)] + ["a b,bad,1"] * 25
    path = tmp_path / "x.csv"
    path.write_text("sku,name,price\n" + "\n".join(rows), encoding="utf-8")
    ran = await vitrine(kafka, "publish", "products", str(path))
    assert ran.exit_code == 1
    assert "published 300, rejected 25" in ran.stdout
    assert "line 302: " in ran.stderr
    assert "… and 5 more rows rejected" in ran.stderr
    titles = {}
    for message in await since(kafka, starts):
        titles.setdefault(message.key, []).append(json.loads(message.value)["data"]["title"])
    assert titles == {f"p{i}".encode(): [f"name {number}" for number in range(i, 300, 3)] for i in range(3)}


async def test_a_message_may_take_the_whole_bound_and_not_more(kafka):
    async with EventPublisher(KafkaConfig(kafka)) as publisher:
        picture = Media(data=b"x" * (MAX_MESSAGE_BYTES * 3 // 4 - 1_000))
        await publisher.publish(PRODUCT_EVENTS, _event(Product("p1", images=[picture])))
        with pytest.raises(InvalidEvent, match="bytes"):
            await publisher.publish(PRODUCT_EVENTS, _event(Product("p1", images=[picture, picture])))


async def test_a_topic_that_is_not_there_fails_within_the_deadline(kafka):
    async with EventPublisher(KafkaConfig(kafka, deadline_s=2)) as publisher:
        with pytest.raises(PublishFailed, match=r"no\.such\.topic"):
            await publisher.publish("no.such.topic", _event(Product("p1")))


async def test_a_broker_that_is_not_there_is_named():
    with pytest.raises(PublishFailed, match=r"127\.0\.0\.1:1 does not answer"):
        async with EventPublisher(KafkaConfig("127.0.0.1:1", deadline_s=5)):
            raise AssertionError("unreachable")
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:1 does not answer"):
        await anext(read_dead_letters(KafkaConfig("127.0.0.1:1")))


async def test_dead_letters_are_counted_by_reason_and_shown_with_their_bytes(kafka):
    key = uuid.uuid4().hex
    letters = [("invalid", b"{}"), ("invalid", b"\xff\x00"), ("too_old", None)]
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    async with asyncio.timeout(20):
        await producer.start()
        for offset, (reason, value) in enumerate(letters):
            lost = Message(PRODUCT_EVENTS, 1, offset, 0, key.encode(), value, {"ce_type": b"x"}, lambda: None)
            record = build_dead_letter(lost, InvalidEvent(reason, f"fault {offset}"))
            await producer.send_and_wait(DEAD_LETTER, record.value, record.key, headers=list(record.headers.items()))
        await producer.stop()
    counted = json.loads((await vitrine(kafka, "dlq", "list", "--json")).stdout)
    assert counted["invalid"]["count"] >= 2
    shown = json.loads((await vitrine(kafka, "dlq", "show", "--json", "-n", "1000")).stdout)
    ours = [letter for letter in shown if letter["key"] == key]
    assert [letter["value"] for letter in ours] == ["{}", {"base64": "/wA="}, None]
    assert (ours[0]["topic"], ours[0]["partition"], ours[0]["offset"]) == (PRODUCT_EVENTS, 1, 0)
    assert ours[0]["headers"] == {"ce_type": "x"}
    only = await vitrine(kafka, "dlq", "show", "--reason", "too_old", "-n", "1")
    assert "fault 2" in only.stdout
    assert "fault 0" not in only.stdout


async def test_a_platforms_export_is_recognised_its_drafts_withdrawn_and_strictness_told(kafka, tmp_path):
    starts = await positions(kafka, PRODUCT_EVENTS)
    path = tmp_path / "export.csv"
    head = "ID,Type,SKU,Name,Published,Visibility in catalog,Sale price,Regular price,Ribbon\n"
    path.write_text(f"{head}1,simple,w1,Cap,1,visible,8,10,New\n2,simple,w2,Hat,-1,visible,,9,\n", encoding="utf-8")
    ran = await vitrine(kafka, "publish", "products", str(path))
    assert ran.exit_code == 0 and "published 1, withdrew 1, rejected 0" in ran.stdout
    assert "WooCommerce" in ran.stderr and "Ribbon (1)" in ran.stderr
    sent = [json.loads(message.value) for message in await since(kafka, starts)]
    assert {event["data"]["product_id"]: event["type"] for event in sent} == {
        "w1": "product.created",
        "w2": "product.deleted",
    }
    assert (await vitrine(kafka, "publish", "products", str(path), "--strict")).exit_code == 1
    assert (await vitrine(kafka, "publish", "products", str(path), "--from", "ebay")).exit_code == 2


def _event(data):
    return Event("1", "test", "product.created", 1, data)
