"""What is in the index after a scenario, compared with what the oracle says of the log."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isclose
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from pymilvus import MilvusClient
from redis.asyncio import Redis

from indexer.ports.behaviour import KIND_LETTERS
from indexer.ports.profiles import Interaction
from indexer.records import unpack_product
from indexer.redis.behaviour.store import DEFAULT_BOUNDS, RedisBehaviourStore
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.sharding import people_tag
from indexer.redis.shoppers.popularity import popularity_weight
from indexer.redis.shoppers.profiles import RedisProfileStore
from tests.chaos.report import Report
from tests.histories import recent
from tests.oracle import PRODUCTS, SHOPPERS, Arrival, ExpectedIndex, ExpectedProduct, Picture, fold

DEAD_LETTERS = "vitrine.dead-letter"
CHANGES = "vitrine.index-changes"
PAGE = 16_000
PARTITIONS = 3
"""Of each topic."""

Place = tuple[str, int, int]
"""A topic, a partition and an offset."""
Offsets = dict[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are, past every proxy."""

    kafka: str
    milvus: str
    redis: str


@dataclass(frozen=True, slots=True)
class Record:
    """A message as it is in Kafka."""

    place: Place
    value: bytes | None
    headers: Mapping[str, bytes]
    timestamp_ms: int


async def end_offsets(kafka: str) -> Offsets:
    """Where every topic ends now."""
    async with _consumer(kafka) as consumer:
        topics = (PRODUCTS, SHOPPERS, DEAD_LETTERS, CHANGES)
        return await consumer.end_offsets([TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS)])


async def compare(
    scenario: str,
    servers: Servers,
    prefix: str,
    since: Offsets,
    is_good: Callable[[Picture], bool] = lambda _: True,
    pictures: Mapping[str, int] = {},
    too_large: Collection[str] = (),
) -> Report:
    """Read everything back and compare. Who is forgotten is expected to have done nothing, and to do nothing later.

    Args:
        scenario: its name.
        servers: where to read.
        prefix: of the scenario's product ids.
        since: where the topics ended before it.
        is_good: whether a picture can be had and decoded.
        pictures: how many dead letters pictures are expected to leave, by reason.
        too_large: ids of the events that are valid and more than a row can hold.
    """
    records = await _read_since(servers.kafka, since)
    # What the program itself published again is not the producer's.
    events = [
        record
        for record in records
        if record.place[0] in (PRODUCTS, SHOPPERS) and "vitrine_attempt" not in record.headers
    ]
    log = [event for event in events if not too_large or _event_id(event) not in too_large]
    told = [event for event in log if _forgotten(event) is None]
    expected = fold(
        [Arrival(event.place[0], event.value, event.timestamp_ms, event.headers) for event in told], is_good
    )
    for forgotten in map(_forgotten, log):
        expected.clicks.pop(forgotten or "", None)
    report = Report(scenario, events=len(events), expected=len(expected.products))
    _compare_products(report, expected, rows(servers.milvus, prefix))
    await _compare_clicks(report, expected, servers.redis)
    _compare_announcements(report, expected, told, records)
    letters = {
        (record.headers["vitrine_reason"].decode(), *_origin(record))
        for record in records
        if record.place[0] == DEAD_LETTERS
    }
    more = Counter(pictures) + Counter(too_large=len(events) - len(log))
    report.dead_letters_expected = dict(sorted((expected.dead_letters + more).items()))
    report.dead_letters_found = dict(sorted(Counter(reason for reason, *_ in letters).items()))
    return report


def _compare_products(report: Report, expected: ExpectedIndex, found: list[dict[str, Any]]) -> None:
    by_id = {row["product_id"]: row for row in found}
    report.found = len(by_id)
    report.duplicated += len(found) - len(by_id)
    for product_id, product in expected.products.items():
        if product_id not in by_id:
            report.lost += 1
            report.examples.append(f"{product_id} is lost")
        elif differences := _differences(product, by_id[product_id]):
            report.stale += 1
            report.examples.append(f"{product_id}: {differences}")


def _differences(product: ExpectedProduct, row: Mapping[str, Any]) -> dict[str, Any]:
    """What of a row is not as expected: name → (expected, found)."""
    stored = unpack_product(row["state"])
    card = json.loads(row["card"])
    pairs: dict[str, tuple[Any, Any]] = {
        "fields": (_stored_form(product.fields), _stored_form(stored.state.fields)),
        "version": (product.version, stored.state.version),
        "searchable": (product.searchable, row["searchable"]),
        "deleted": (product.deleted, row["deleted"]),
        "shown price": (product.fields.get("price"), card.get("price")),
        "shown title": (product.fields.get("title") or "", card.get("title") or ""),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _stored_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they are kept: inline media by the hash of their bytes, times as instants."""
    kept = dict(fields)
    for name in ("images", "videos", "audios"):
        if name in kept:
            kept[name] = [_reference(one) for one in kept[name]]
    if "created_at" in kept:
        kept["created_at"] = datetime.fromisoformat(kept["created_at"]).timestamp()
    return kept


def _reference(one: Mapping[str, Any]) -> dict[str, Any]:
    if one.get("data") is None:
        return dict(one)
    return {"hash": hashlib.sha256(base64.b64decode(one["data"])).hexdigest()}


async def _compare_clicks(report: Report, expected: ExpectedIndex, redis_url: str) -> None:
    redis = connect_redis(RedisConfig(url=redis_url, deadline_s=5))
    store = RedisProfileStore(redis, 5)
    try:
        for user_id, clicks in expected.clicks.items():
            found = [interaction.event_id for interaction in await recent(store, user_id)]
            report.duplicated += len(found) - len(set(found))
            report.lost += len(clicks.keys() - set(found))
            if missing := clicks.keys() - set(found):
                report.examples.append(f"{user_id}: {len(missing)} of {len(clicks)} interactions are lost")
        await _compare_popularity(report, expected, redis)
        await _compare_sessions(report, expected, RedisBehaviourStore(redis, 5))
    finally:
        await redis.aclose()


async def _compare_sessions(report: Report, expected: ExpectedIndex, behaviour: RedisBehaviourStore) -> None:
    """A shopper's sessions have the latest of each thing that they did, and its products know of it."""
    for user_id, clicks in expected.clicks.items():
        sessions = await behaviour.sessions_of(user_id, 100)
        found = {(step.kind, step.product_id): step.time_ms for session in sessions for step in session.steps}
        latest: dict[tuple[str, str], int] = {}
        for click in sorted(clicks.values(), key=lambda one: one.time_ms):
            latest[KIND_LETTERS[click.type.removeprefix("user.")], click.product_id] = click.time_ms
        products = sorted({product_id for _, product_id in found})
        seen = await behaviour.sightings(products, DEFAULT_BOUNDS.sessions_a_product)
        refs = {session.ref for session in sessions}
        unseen = [name for name, at in zip(products, seen, strict=True) if not refs & {one.ref for one in at}]
        wrong = [step for step, time_ms in found.items() if latest.get(step) != time_ms]
        bound = DEFAULT_BOUNDS.steps_a_session
        missing = 0 if len(latest) > bound else len(latest.keys() - found.keys())
        report.duplicated += len(wrong)
        report.lost += len(unseen) + missing
        if wrong or unseen or missing:
            report.examples.append(f"{user_id}: sessions: {wrong[:3]} wrong, {unseen[:3]} unseen, {missing} missing")


async def _compare_popularity(report: Report, expected: ExpectedIndex, redis: Redis) -> None:
    """Each click moves its product's popularity just once."""
    popularity: dict[str, float] = {}
    for clicks in expected.clicks.values():
        for event_id, one in clicks.items():
            interaction = Interaction(event_id, one.type.removeprefix("user."), one.product_id, one.time_ms)
            popularity[one.product_id] = popularity.get(one.product_id, 0.0) + popularity_weight(interaction)
    key = f"vitrine:{people_tag(redis)}popularity"
    for product_id, weight in popularity.items():
        found = float(await redis.zscore(key, product_id) or 0.0)
        if not isclose(found, weight, rel_tol=1e-6):
            report.duplicated += found > weight
            report.lost += found < weight
            report.examples.append(f"the popularity of {product_id} is {found / weight:.2f} times the expected")


def _compare_announcements(report: Report, expected: ExpectedIndex, log: list[Record], records: list[Record]) -> None:
    named = {
        event_id
        for record in records
        if record.place[0] == CHANGES
        for event_id in msgspec.json.decode(record.value or b"{}")["event_ids"]
    }
    for index, event in enumerate(log):
        if event.place[0] == PRODUCTS and index not in expected.refused and _event_id(event) not in named:
            report.unannounced += 1
            report.examples.append(f"{_event_id(event)} is not announced")


def _forgotten(one: Record) -> str | None:
    """Who is forgotten by a message; None: it says nothing of the kind."""
    if b'"user.forgotten"' not in (one.value or b""):
        return None
    return json.loads(one.value or b"")["data"]["user_id"]


def _event_id(one: Record) -> str | None:
    """The event's id; None when the message has none that can be read."""
    if "ce_id" in one.headers:
        return one.headers["ce_id"].decode(errors="replace")
    try:
        return json.loads(one.value or b"{}")["id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _origin(letter: Record) -> tuple[bytes, bytes, bytes, bytes]:
    """Where a dead letter's message was; a picture's letter also says which picture. Two of the same are one."""
    headers = letter.headers
    text = headers["vitrine_error"] if headers["vitrine_reason"].endswith(b"_image") else b""
    return headers["vitrine_topic"], headers["vitrine_partition"], headers["vitrine_offset"], text


def rows(milvus: str, prefix: str) -> list[dict[str, Any]]:
    """Every row of a scenario's products; all of them, should there be two of one id."""
    client = MilvusClient(milvus, timeout=30, dedicated=True)
    try:
        collections: Any = client.list_collections()
        (collection,) = [one for one in collections if one.startswith("products")]
        client.load_collection(collection)
        found: Any = client.query(
            collection,
            filter=f'product_id like "{prefix}-%"',
            output_fields=["product_id", "state", "searchable", "deleted", "card"],
            consistency_level="Strong",
            limit=PAGE,
        )
        return list(found)
    finally:
        client.close()


async def _read_since(kafka: str, since: Offsets) -> list[Record]:
    """Every message from some offsets on to the end, partition by partition."""
    records: list[Record] = []
    async with _consumer(kafka) as consumer:
        ends = await consumer.end_offsets(list(since))
        for where, start in since.items():
            consumer.assign([where])
            consumer.seek(where, start)
            while await consumer.position(where) < ends[where]:
                for one in (await consumer.getmany(where, timeout_ms=1_000)).get(where, []):
                    place = (one.topic, one.partition, one.offset)
                    headers = {name.lower(): value for name, value in one.headers}
                    records.append(Record(place, one.value, headers, one.timestamp))
    return records


def _consumer(kafka: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest", max_partition_fetch_bytes=2**24
    )
