"""Generations to files and back: the registry, offsets and caches around `indexer.backup.export_import`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

from encoders.spec import EmbeddingSpec
from indexer.backup.export_import import ImportResult, check_empty, export_rows, import_rows
from indexer.backup.files import BackupReader, BackupWriter
from indexer.backup.format import BackupHeader
from indexer.errors import IndexMismatch, StoreUnavailable
from indexer.media.store import CollectableMediaStore
from indexer.milvus.registry import Generation, GenerationRegistry, Generations
from indexer.milvus.store import MilvusProductStore, open_active_store, open_store_to_read
from indexer.redis.change_log import RedisChangeLog
from indexer.redis.client import open_redis
from streams.errors import EventsGone, KafkaUnavailable
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.kafka.group_offsets import group_offsets, start_group_at
from vitrine.errors import VitrineError
from vitrine.generations.active import require_active
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings

Notify = Callable[[str], None]
ReportCount = Callable[[int], None]
Present = Literal["refuse", "keep", "replay"]
"""What becomes of products that the index has already, when it is filled from a file: nothing is imported; they stay as
they are; they are replaced, and workers read all events since the backup once more."""
KEEP_MEDIA_S = 1_200.0
"""Much less than the least time that media are kept after they were touched."""


def _ignore_count(_count: int) -> None:
    pass


async def export_generation(
    settings: Settings, file: Path, name: str | None, say: Notify, on_progress: ReportCount = _ignore_count
) -> tuple[BackupHeader, int]:
    """Write a generation to a file; its header, and how many products there are.

    Args:
        settings: with the servers' addresses.
        file: replaced when all is written.
        name: of the generation; None: the active one.
        say: is told what could not be noted.
        on_progress: is told how many products are written.

    Raises:
        VitrineError: there is no such generation.
        IndexerError: Milvus does not answer, or the file cannot be written.
    """
    generation = _generation_named(await _read_generations(settings), name)
    header = await _header(settings, generation, say)
    async with AsyncExitStack() as resources:
        store = await open_store_to_read(settings.milvus, generation)
        resources.push_async_callback(store.close)
        with BackupWriter(file, header) as writer:
            return header, await export_rows(store, writer, on_progress)


async def import_generation(
    settings: Settings, file: Path, present: Present, say: Notify, on_progress: ReportCount = _ignore_count
) -> tuple[BackupHeader, ImportResult]:
    """Fill the active generation, which is made if there is none, from a file.

    Args:
        settings: with the servers' addresses.
        file: a backup, which is checked as a whole before anything is written.
        present: what becomes of products that the index has already.
        say: is told what could not be done beside.
        on_progress: is told how many products are read.

    Raises:
        IndexerError: the file is no whole backup of this encoder, the index is not empty, or Milvus does not answer.
        StreamError: nothing can be replayed: workers run, events are gone, or Kafka does not answer.
        VitrineError: the file does not tell from where on.
    """
    async with AsyncExitStack() as resources:
        reader = resources.enter_context(BackupReader(file))
        await asyncio.to_thread(reader.verify)
        store = await _import_target(settings, reader.header, file)
        resources.push_async_callback(store.close)
        if present == "refuse":
            await check_empty(store)
        replays = present == "replay"
        if replays:
            # Before anything is written, as it may be refused.
            await _start_workers_at(settings, reader.header, store.generation)
        redis = await resources.enter_async_context(open_redis(settings.redis))
        changed = _CacheInvalidation(RedisChangeLog(redis, store.generation, settings.redis.deadline_s), say)
        media = _MediaKeeper(open_media_store(settings))
        imported = await import_rows(store, reader, changed.invalidate, on_progress, media.keep, replace=replays)
        if replays:
            # Again: a worker that ran meanwhile has gone on, and what it wrote may have been replaced.
            await _start_workers_at(settings, reader.header, store.generation)
        return reader.header, imported


async def _start_workers_at(settings: Settings, header: BackupHeader, generation: str) -> None:
    """Have the workers of a generation begin where the backup did, and go on with shoppers' events where they were."""
    if header.offsets is None:
        raise VitrineError(
            "the file does not tell from where on events have to be replayed, as Kafka did not answer when it was "
            "written: import it without --replay, and publish the catalogue anew"
        )
    group = settings.indexing.group_of(generation)
    offsets = dict(header.offsets)
    if header.group not in ("", group):
        offsets |= await group_offsets(settings.kafka, header.group, USER_EVENTS)
    try:
        await start_group_at(settings.kafka, group, offsets)
    except EventsGone as gone:
        raise VitrineError(
            f"{gone}; what came after the backup cannot be replayed: import a later one, or this one without --replay, "
            "and publish the catalogue anew"
        ) from gone


class _MediaKeeper:
    """Has all media stay until the rows that refer to them are imported: until then no product shows them."""

    def __init__(self, media: CollectableMediaStore) -> None:
        self._media = media
        self._due_s = 0.0

    async def keep(self) -> None:
        """Touch every file, before the first page and every few minutes after that."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + KEEP_MEDIA_S
        async for files in self._media.files():
            await self._media.touch([file.digest for file in files])


class _CacheInvalidation:
    """Tells cached searches of imported products. They are for a minute: an import does not wait for Redis."""

    def __init__(self, log: RedisChangeLog, say: Notify) -> None:
        self._log = log
        self._say = say
        self._away = False

    async def invalidate(self, product_ids: Sequence[str]) -> None:
        """Note products, unless Redis was away before."""
        if self._away:
            return
        try:
            await self._log.append(product_ids)
        except StoreUnavailable as error:
            self._away = True
            self._say(f"{error}: searches that are cached show the products within a minute")


def _generation_named(generations: Generations, name: str | None) -> Generation:
    """A generation by name; None: the active one. Raises `VitrineError`."""
    active = require_active(generations)
    by_name = {active.collection: active, **generations.others}
    generation = by_name.get(name or active.collection)
    if generation is None:
        raise VitrineError(f"there is no generation {name}; there are {', '.join(by_name)}")
    return generation


async def _read_generations(settings: Settings) -> Generations:
    async with GenerationRegistry(settings.milvus) as registry:
        return await registry.read()


async def _header(settings: Settings, generation: Generation, say: Notify) -> BackupHeader:
    group = settings.indexing.group_of(generation.collection)
    created_ms = int(time.time() * 1000)
    try:
        offsets = await group_offsets(settings.kafka, group, PRODUCT_EVENTS)
    except KafkaUnavailable as error:
        say(f"{error}: the file does not tell from where on events have to be replayed")
        offsets = None
    return BackupHeader(
        encoder=generation.encoder,
        dim=generation.dim,
        encoder_name=generation.encoder_name or settings.encoder.name_for_nameless_index,
        schema_version=generation.schema_version,
        generation=generation.collection,
        created_ms=created_ms,
        group=group,
        offsets=offsets,
    )


async def _import_target(settings: Settings, header: BackupHeader, file: Path) -> MilvusProductStore:
    """The active generation, made if there is none. Raises `IndexMismatch` when it is of another encoder."""
    active = (await _read_generations(settings)).active
    if active is not None and (active.encoder, active.dim) != (header.encoder, header.dim):
        raise IndexMismatch(
            f"{file} holds vectors of {header.encoder} ({header.dim} dimensions), the index {active.collection} those "
            f"of {active.encoder} ({active.dim}): start an empty index with that encoder "
            f"(VITRINE_ENCODER_NAME={header.encoder_name or header.encoder}) and import into it"
        )
    spec = EmbeddingSpec.from_key(header.encoder, header.dim)
    return await open_active_store(settings.milvus, spec, create=True, encoder_name=header.encoder_name)
