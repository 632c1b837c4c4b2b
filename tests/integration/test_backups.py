"""A generation out of one Milvus and into another, as `vitrine export` and `vitrine import` do it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from aiokafka import AIOKafkaConsumer

from encoders.spec import EmbeddingSpec
from indexer.backup.files import BackupReader
from indexer.errors import IndexMismatch, IndexNotEmpty
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from streams.config import KafkaConfig
from streams.errors import EventsGone, GroupInUse, KafkaUnavailable
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.group_offsets import group_offsets, start_group_at
from streams.topics import ensure_topics
from tests import milvus3
from tests.servers import Servers
from vitrine.errors import VitrineError
from vitrine.generations.backups import export_generation, import_generation
from vitrine.settings import Settings, load_settings

SPEC = EmbeddingSpec("hash", "1", 8)
Milvus = Callable[[str], Settings]


@pytest.fixture
def milvus(local_servers: Servers, tmp_path: Path) -> Iterator[Milvus]:
    """Starts a Milvus of its own for each name; gives the settings with it."""
    with ExitStack() as running:

        def start(name: str) -> Settings:
            directory = tmp_path / name
            directory.mkdir()
            try:
                address = running.enter_context(milvus3.lite_2_5(directory))
            except milvus3.Unavailable as reason:
                pytest.skip(str(reason))
            environ = {
                "VITRINE_DATA_DIR": str(directory),
                "VITRINE_MILVUS_URI": address,
                "VITRINE_KAFKA_BOOTSTRAP_SERVERS": local_servers.kafka,
                "VITRINE_REDIS_URL": local_servers.redis,
            }
            return load_settings(environ)

        yield start


async def coordinator(settings: Settings) -> None:
    """Wait until Kafka knows of groups, which a new one takes a while for."""
    await ensure_topics(settings.kafka)
    async with asyncio.timeout(60):
        while True:
            try:
                await group_offsets(settings.kafka, settings.indexing.group, PRODUCT_EVENTS)
                return
            except KafkaUnavailable:
                await asyncio.sleep(0.2)


def rows() -> list[IndexRow]:
    """Products, every tenth a tombstone, every eleventh incomplete."""
    random = np.random.default_rng(7)
    return [_row(at, random.standard_normal(SPEC.fused_dim).astype(np.float32)) for at in range(700)]


def _row(at: int, vector: np.ndarray) -> IndexRow:
    deletes, bare = at % 10 == 0, at % 11 == 0
    fields = (
        {} if deletes else {"price": at / 7} if bare else {"title": f"红 mug {at}", "brand": "Acme", "price": at / 7}
    )
    change = ProductChange(
        f"p{at}", EventStamp(at, "shop", f"e{at}"), fields, replaces_all_fields=True, deletes=deletes
    )
    stored = StoredProduct(ProductState().merge(change), missing_images=("https://shop/x.jpg",) if bare else ())
    return build_row(f"p{at}", stored, vector)


async def contents(store: MilvusProductStore) -> dict[str, tuple[StoredProduct, bytes]]:
    found: dict[str, tuple[StoredProduct, bytes]] = {}
    while page := await store.scan(max(found, default=""), 256):
        found |= {product_id: (stored, vector.tobytes()) for product_id, (stored, vector) in page.items()}
    return found


async def test_a_generation_comes_back_in_another_milvus_exactly_as_it_was(milvus: Milvus, tmp_path: Path) -> None:
    here, there, file = milvus("here"), milvus("there"), tmp_path / "index.parquet"
    await coordinator(here)
    before = await open_active_store(here.milvus, SPEC, create=True, encoder_name="hash")
    await before.write(rows())
    header, count = await export_generation(here, file, None, print)
    assert (count, header.encoder, header.generation) == (700, SPEC.key, before.generation)
    assert header.offsets and set(header.offsets) == {PRODUCT_EVENTS}

    _, imported = await import_generation(there, file, "refuse", print)
    assert (imported.written, imported.already_present) == (700, [])
    after = await open_active_store(there.milvus, SPEC, create=False)
    assert await contents(after) == await contents(before)
    assert await after.count() == await before.count()
    vector = rows()[1].vector
    for search in (
        (lambda store: store.search_dense(vector, (), 50)),
        (lambda store: store.search_lexical("红", (), 1_000)),
    ):
        assert (await search(after)).by_id() == (await search(before)).by_id()

    with pytest.raises(IndexNotEmpty, match="p0"):
        await import_generation(there, file, "refuse", print)
    await after.write([_row(1, np.zeros(SPEC.fused_dim, np.float32))])
    _, again = await import_generation(there, file, "keep", print)
    assert again.written == 0 and not (await after.read(["p1"]))["p1"][1].any()
    # As workers will do again what came since, all is as the file has it.
    others = replace(there, indexing=replace(there.indexing, group="others"))
    _, replayed = await import_generation(others, file, "replay", print)
    assert (replayed.written, replayed.already_present) == (700, []) and await contents(after) == await contents(before)
    reads = [await group_offsets(there.kafka, group, PRODUCT_EVENTS, USER_EVENTS) for group in (header.group, "others")]
    assert reads[0] == reads[1]
    with pytest.raises(VitrineError, match=f"no generation products_g9; there are {before.generation}"):
        await export_generation(here, file, "products_g9", print)
    with BackupReader(file) as reader:
        reader.verify()
    await before.close()
    await after.close()


async def test_vectors_of_another_encoder_are_not_mixed_in(milvus: Milvus, tmp_path: Path) -> None:
    settings, file = milvus("here"), tmp_path / "index.parquet"
    store = await open_active_store(settings.milvus, SPEC, create=True)
    await store.write(rows()[:3])
    await export_generation(settings, file, None, print)
    other = milvus("other")
    await (await open_active_store(other.milvus, EmbeddingSpec("mini", "3", 8), create=True)).close()
    with pytest.raises(IndexMismatch, match="holds vectors of hash@1") as refused:
        await import_generation(other, file, "refuse", print)
    assert "VITRINE_ENCODER_NAME" in str(refused.value)
    await store.close()


async def test_workers_begin_anew_only_where_none_runs_and_nothing_is_missing(local_servers: Servers) -> None:
    kafka = KafkaConfig(local_servers.kafka)
    await ensure_topics(kafka)
    with pytest.raises(EventsGone, match=r"product-events/0 from 1000000 on: it has those from 0 to \d+"):
        await start_group_at(kafka, "nobody", {PRODUCT_EVENTS: {"0": 1_000_000}})
    worker = AIOKafkaConsumer(PRODUCT_EVENTS, bootstrap_servers=kafka.bootstrap_servers, group_id="busy")
    await worker.start()
    try:
        # By then it is a member.
        async with asyncio.timeout(30):
            while not worker.assignment():
                await asyncio.sleep(0.05)
        with pytest.raises(GroupInUse, match="workers of busy run"):
            await start_group_at(kafka, "busy", {PRODUCT_EVENTS: {"0": 0}})
    finally:
        await worker.stop()
    await start_group_at(kafka, "busy", {PRODUCT_EVENTS: {"0": 0}})
    assert (await group_offsets(kafka, "busy", PRODUCT_EVENTS))[PRODUCT_EVENTS]["0"] == 0
