"""Generations to files and back: the registry, offsets and caches around `indexer.backup.export_import`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from rich.console import Console

from encoders.spec import EmbeddingSpec
from indexer.backup.export_import import ImportResult, check_empty, export_rows, import_rows
from indexer.backup.files import BackupReader, BackupWriter
from indexer.backup.format import BackupHeader
from indexer.errors import IndexMismatch, StoreUnavailable
from indexer.milvus.registry import Generation, GenerationRegistry, Generations
from indexer.milvus.store import MilvusProductStore, open_active_store, open_store_to_read
from indexer.redis.change_log import RedisChangeLog
from indexer.redis.client import connect_redis
from streams.errors import KafkaUnavailable
from streams.events.schema import PRODUCT_EVENTS
from streams.kafka.group_offsets import group_offsets
from vitrine.errors import VitrineError
from vitrine.settings import Settings

LINE_EVERY_S = 5.0

Notify = Callable[[str], None]


class ProductCountView:
    """A count that moves on a terminal, a new line every few seconds elsewhere. Writes to stderr."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        console = Console(stderr=True, highlight=False)
        self._status = console.status(verb) if console.is_terminal else None
        self._last_line_s = time.monotonic()

    def __enter__(self) -> ProductCountView:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, count: int) -> None:
        """Show how far it has come."""
        if self._status:
            self._status.update(f"{self._verb}: {count:,} products")
        elif time.monotonic() - self._last_line_s >= LINE_EVERY_S:
            self._last_line_s = time.monotonic()
            print(f"{self._verb}: {count:,} products", file=sys.stderr, flush=True)


async def export_generation(settings: Settings, file: Path, name: str | None, say: Notify) -> tuple[BackupHeader, int]:
    """Write a generation to a file; its header, and how many products there are.

    Args:
        settings: with the servers' addresses.
        file: replaced when all is written.
        name: of the generation; None: the active one.
        say: is told what could not be noted.

    Raises:
        VitrineError: there is no such generation.
        IndexerError: Milvus does not answer, or the file cannot be written.
    """
    generation = _generation_named(await _generations(settings), name)
    header = await _header(settings, generation, say)
    async with AsyncExitStack() as resources:
        store = await open_store_to_read(settings.milvus, generation)
        resources.push_async_callback(store.close)
        with ProductCountView("exporting") as view, BackupWriter(file, header) as writer:
            return header, await export_rows(store, writer, view)


async def import_generation(
    settings: Settings, file: Path, resume: bool, say: Notify
) -> tuple[BackupHeader, ImportResult]:
    """Fill the active generation, which is made if there is none, from a file.

    Args:
        settings: with the servers' addresses.
        file: a backup, which is checked as a whole before anything is written.
        resume: the index need not be empty; what it has stays as it is.
        say: is told what could not be done beside.

    Raises:
        IndexerError: the file is no whole backup of this encoder, the index is not empty, or Milvus does not answer.
    """
    async with AsyncExitStack() as resources:
        reader = resources.enter_context(BackupReader(file))
        await asyncio.to_thread(reader.verify)
        store = await _import_target(settings, reader.header, file)
        resources.push_async_callback(store.close)
        if not resume:
            await check_empty(store)
        redis = connect_redis(settings.redis)
        resources.push_async_callback(redis.aclose)
        changed = _CacheInvalidation(RedisChangeLog(redis, store.generation, settings.redis.deadline_s), say)
        view = resources.enter_context(ProductCountView("importing"))
        return reader.header, await import_rows(store, reader, changed.invalidate, view)


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


async def _generations(settings: Settings) -> Generations:
    registry = GenerationRegistry(settings.milvus)
    try:
        return await registry.read()
    finally:
        await registry.close()


def _generation_named(now: Generations, name: str | None) -> Generation:
    """The active generation, or another one by name. Raises `VitrineError`."""
    if now.active is None:
        raise VitrineError("there is no index yet; an indexing worker makes it when it starts")
    known = {now.active.collection: now.active, **now.others}
    found = known.get(name or now.active.collection)
    if found is None:
        raise VitrineError(f"there is no generation {name}; there are {', '.join(known)}")
    return found


async def _header(settings: Settings, generation: Generation, say: Notify) -> BackupHeader:
    group = settings.indexing.group_of(generation.collection)
    created_ms = int(time.time() * 1000)
    try:
        offsets = await group_offsets(settings.kafka.bootstrap_servers, group, PRODUCT_EVENTS)
    except KafkaUnavailable as error:
        say(f"{error}: the file does not tell from where on events have to be replayed")
        offsets = None
    return BackupHeader(
        encoder=generation.encoder,
        dim=generation.dim,
        encoder_name=generation.encoder_name or settings.encoder.name_for_new_index,
        schema_version=generation.schema_version,
        generation=generation.collection,
        created_ms=created_ms,
        group=group,
        offsets=offsets,
    )


async def _import_target(settings: Settings, header: BackupHeader, file: Path) -> MilvusProductStore:
    """The active generation, made if there is none. Raises `IndexMismatch` when it is of another encoder."""
    active = (await _generations(settings)).active
    if active is not None and (active.encoder, active.dim) != (header.encoder, header.dim):
        raise IndexMismatch(
            f"{file} holds vectors of {header.encoder} ({header.dim} dimensions), the index {active.collection} those "
            f"of {active.encoder} ({active.dim}): start an empty index with that encoder "
            f"(VITRINE_ENCODER_NAME={header.encoder_name or header.encoder}) and import into it"
        )
    spec = EmbeddingSpec.from_key(header.encoder, header.dim)
    return await open_active_store(settings.milvus, spec, create=True, encoder_name=header.encoder_name)
