"""The same work done plainly, each as a process of its own: `python -m tests.bench.baselines NAME …`.

`loop` polls 64 messages, decodes, encodes, writes and commits, one after the other. `take` does that in a Faust agent
over `Stream.take(64, within=0.1)`. Neither reads what is stored, keeps pictures or announces anything, so both do less
than the worker does. `empty` is a Faust agent that does nothing. `encode` needs no servers: it decodes and encodes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer
from pymilvus import MilvusClient

from encoders.loading import load_encoder
from encoders.media.images import decode_and_prepare
from encoders.port import Encoder
from encoders.spec import fuse_parts
from indexer.media.store import media_hash
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.records import IndexRow, ProductState, StoredProduct
from indexer.rows import build_row, embedding_text, text_hash
from streams.agents import build_app
from streams.events.cloudevents import decode_event
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event
from streams.products.changes import inline_media, to_product_change
from streams.topics import MAX_REQUEST_BYTES
from tests.bench.catalogue import PRODUCTS, Catalogue
from tests.bench.prefill import rows
from tests.milvus_entities import to_entity
from vitrine.settings import Settings, load_settings
from vitrine.stack.servers import with_server_addresses

BATCH = 64
WITHIN_S = 0.1
UPSERT_BATCHES = (64, 256, 1024)


class Indexer:
    """Decode, encode and write a batch, then note in a file when which events were durable."""

    def __init__(self, encoder: Encoder, store: MilvusProductStore, log: Path) -> None:
        self._encoder = encoder
        self._store = store
        self._log = log.open("a", buffering=1)

    async def index(self, values: Iterable[bytes]) -> None:
        """Index a batch of product events."""
        events = [decode_event(PRODUCT_EVENTS, value, {}, int(time.time() * 1000)) for value in values]
        await self._store.write(self._rows(events))
        self._log.write(json.dumps([time.time() * 1000, [event.id for event in events]]) + "\n")

    def _rows(self, events: Sequence[Event]) -> list[IndexRow]:
        pictures = [inline_media(event)[0] for event in events]
        hashes = [media_hash(picture) for picture in pictures]
        changes = [to_product_change(event, iter([digest])) for event, digest in zip(events, hashes, strict=True)]
        texts = [embedding_text(change.fields) for change in changes]
        text_rows = self._encoder.encode_texts(texts)
        image_rows = self._encoder.encode_images(
            [decode_and_prepare(picture, self._encoder.preparer) for picture in pictures]
        )
        last = {change.product_id: at for at, change in enumerate(changes)}
        return [
            build_row(
                name,
                StoredProduct(ProductState().merge(changes[at]), text_hash(texts[at]), (hashes[at],)),
                fuse_parts(self._encoder.spec, text_rows[at], image_rows[at]),
            )
            for name, at in last.items()
        ]


async def run_loop(settings: Settings, log: Path) -> None:
    """Poll, decode, encode, write, commit."""
    indexer = await _indexer(settings, log)
    consumer = AIOKafkaConsumer(
        PRODUCT_EVENTS,
        bootstrap_servers=settings.kafka.bootstrap_servers,
        group_id=settings.indexing.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_REQUEST_BYTES,
    )
    await consumer.start()
    while True:
        found = await consumer.getmany(timeout_ms=int(WITHIN_S * 1000), max_records=BATCH)
        values = [message.value or b"" for messages in found.values() for message in messages]
        if values:
            await indexer.index(values)
            await consumer.commit()


async def run_take(settings: Settings, log: Path) -> None:
    """A Faust agent over batches of its stream."""
    indexer = await _indexer(settings, log)

    async def agent(stream: Any) -> None:
        async for values in stream.take(BATCH, within=WITHIN_S):
            await indexer.index(values)

    await _run_faust(settings, PRODUCT_EVENTS, agent)


async def run_empty(settings: Settings) -> None:
    """A Faust agent that does nothing."""

    async def agent(stream: Any) -> None:
        async for _ in stream.events():
            pass

    await _run_faust(settings, USER_EVENTS, agent)


def encode(settings: Settings, count: int, alone: bool) -> None:
    """Decode and encode products in batches, or encode them alone; prints products/s."""
    catalogue, encoder = Catalogue(), load_encoder(settings.encoder.name_for_new_index, settings.encoder.runtime)
    texts = [embedding_text(catalogue.fields[number]) for number in range(count + BATCH)]
    files = [catalogue.picture(number, 1) for number in range(count + BATCH)]
    preparer = encoder.preparer
    ready = [decode_and_prepare(file, preparer) for file in files] if alone else []

    def run(start: int) -> None:
        batch = slice(start, start + BATCH)
        encoder.encode_images(ready[batch] if alone else [decode_and_prepare(one, preparer) for one in files[batch]])
        encoder.encode_texts(texts[batch])

    run(count)
    began = time.perf_counter()
    for start in range(0, count, BATCH):
        run(start)
    print(json.dumps(count / (time.perf_counter() - began)))


def upsert(settings: Settings, rounds: int) -> None:
    """Read and write all products in bare batches, several times; prints the median rows/s by the batch's size."""
    spec = load_encoder(settings.encoder.name_for_new_index, settings.encoder.runtime).spec
    entities = [to_entity(row) for row in rows(Catalogue(), spec, range(PRODUCTS))]
    store = asyncio.run(_opened(settings, spec))
    client = MilvusClient(settings.milvus.uri, timeout=30)
    client.get(store, [entities[0]["product_id"]], output_fields=["state", "vector"])
    speeds: dict[int, list[float]] = {size: [] for size in UPSERT_BATCHES}
    for size in UPSERT_BATCHES * rounds:
        began = time.perf_counter()
        for start in range(0, PRODUCTS, size):
            chunk = entities[start : start + size]
            client.get(store, [one["product_id"] for one in chunk], output_fields=["state", "vector"])
            client.upsert(store, chunk)
        speeds[size].append(PRODUCTS / (time.perf_counter() - began))
    print(json.dumps({size: statistics.median(rates) for size, rates in speeds.items()}))


async def _opened(settings: Settings, spec: Any) -> str:
    store = await open_active_store(settings.milvus, spec, create=False)
    await store.close()
    return store.generation


async def _indexer(settings: Settings, log: Path) -> Indexer:
    encoder = load_encoder(settings.encoder.name_for_new_index, settings.encoder.runtime)
    return Indexer(encoder, await open_active_store(settings.milvus, encoder.spec, create=False), log)


async def _run_faust(settings: Settings, topic: str, agent: Callable[[Any], Awaitable[None]]) -> None:
    app = build_app(settings.kafka, settings.indexing, settings.data_dir / f"faust-{settings.indexing.group}")
    raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw"}
    app.agent(app.topic(topic, key_type=bytes, value_type=bytes, **raw), name=topic)(agent)
    await app.start()
    await app.wait()


def main() -> None:
    """Run one until it is done, or told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["loop", "take", "empty", "encode", "upsert"])
    parser.add_argument("--log", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--alone", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    settings = load_settings(os.environ)
    if given.name == "encode":
        return encode(settings, given.count, given.alone)
    if given.name == "upsert":
        return upsert(with_server_addresses(settings), given.count)
    uvloop.run(
        {
            "loop": lambda: run_loop(with_server_addresses(settings), given.log),
            "take": lambda: run_take(with_server_addresses(settings), given.log),
            "empty": lambda: run_empty(with_server_addresses(settings)),
        }[given.name]()
    )
    return None


if __name__ == "__main__":
    main()
