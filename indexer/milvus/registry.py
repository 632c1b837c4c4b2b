"""The registry of generations: which is active, and which others there are. Kept in a small collection of Milvus."""

# Methods of pymilvus' clients take options without types.
# pyright: reportUnknownMemberType=false

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal, TypeVar, cast

import msgspec
from msgspec import Struct
from pymilvus import MilvusClient, MilvusException

from indexer.errors import StoreUnavailable
from indexer.milvus.access import MilvusAccess
from indexer.milvus.connection import (
    COLLECTION_NOT_FOUND,
    COLLECTION_NOT_LOADED,
    INDEX_NOT_FOUND,
    MilvusConfig,
    collection_exists,
    connect_blocking,
    translated_errors,
)
from indexer.milvus.lite_lock import LiteLock
from indexer.milvus.schema import REGISTRY_DIM
from indexer.milvus.vector_types import FLOAT32

REGISTRY_COLLECTION = "vitrine_registry"
FIRST_GENERATION = "products_g1"
_ACTIVE = "active"
_SEQUENCE = "sequence"
_HISTORY = "history"
_PREFIX = "generation:"
_MAX_ROWS = 1_000
_HISTORY_KEPT = 50
_LOAD_TIMEOUT_S = 60.0

T = TypeVar("T")
GenerationStage = Literal["copying", "following", "ready", "held", "dropping"]
"""What becomes of a generation that is not active: it is filled from another one; workers keep it up to date; it may be
switched to; it was active and can be switched back to; it is being removed."""


class Generation(Struct, frozen=True, omit_defaults=True):
    """A collection of products, and what its rows mean."""

    collection: str
    encoder: str
    """`EmbeddingSpec.key` of the vectors."""
    dim: int
    schema_version: int
    encoder_name: str = ""
    """What the encoder is loaded by; empty: not noted, it is the configured one."""
    index_type: str = ""
    """How vectors are searched; empty: as configured."""
    vector_type: str = FLOAT32
    """How their numbers are kept."""
    full_text: bool = True
    """Whether products are found by words."""
    analysis_version: int = 1
    """`ANALYSIS_VERSION` of the program that made it."""
    stage: GenerationStage | None = None
    """None: it is, or was made to be, the active one."""
    offsets: dict[str, dict[str, int]] = {}
    """Where its workers begin, by topic and partition: all before that is in what it is copied from."""
    copied_through: str = ""
    """The last product id that has been copied."""
    copied: int = 0
    hold_until_ms: int = 0
    """Until when it is kept to be switched back to, Unix milliseconds."""


class GenerationSwitch(Struct, frozen=True):
    """One change of the active generation."""

    at_ms: int
    to: str
    reason: str


class Generations(Struct, frozen=True):
    """The registry as of one read."""

    active: Generation | None
    others: dict[str, Generation] = {}
    """By collection; the active one is not among them."""
    history: list[GenerationSwitch] = []
    """Latest last."""

    def in_stage(self, *stages: GenerationStage) -> Generation | None:
        """A generation in one of these stages, the earlier named first."""
        for stage in stages:
            for generation in self.others.values():
                if generation.stage == stage:
                    return generation
        return None


class GenerationRegistry:
    """Reads and changes the registry. Every change is one row, so that each is seen wholly or not at all.

    The row of the active generation decides: whatever another row says of that collection is out of date, which is
    what a crash between two steps of a switch leaves behind. There is no compare-and-set: whoever changes more than
    progress holds the rebuild's lock. Safe for concurrent use. Close it, or use it as an async context manager.

    Raises:
        StoreUnavailable: Milvus does not answer in time; by every method but `close`.
    """

    def __init__(self, config: MilvusConfig) -> None:
        """Args: config: where Milvus is; connected to with the first call."""
        self._config = config
        self._lite_lock = LiteLock(config.lite_database)
        self._access: MilvusAccess | None = None
        self._client: MilvusClient | None = None
        self._former: MilvusClient | None = None
        self._is_loaded = False
        """Whether there was a registry when it was read last: then it is asked for alone, which is one call of four."""

    async def __aenter__(self) -> GenerationRegistry:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        clients, self._client, self._former = (self._client, self._former), None, None
        for client in clients:
            if client is not None:
                await asyncio.to_thread(client.close)

    async def read(self) -> Generations:
        """All generations; none where there is no registry yet."""
        async with self._lite_lock.reading():
            return await self._run(self._read)

    async def save(self, generation: Generation) -> None:
        """Note what is known of a generation that is not active."""
        await self._change(lambda client, config: _write(client, config, _PREFIX + generation.collection, generation))

    async def forget(self, collection: str) -> None:
        """Take a generation out of the registry."""
        await self._change(lambda client, config: _delete(client, config, _PREFIX + collection))

    async def new_name(self) -> str:
        """The name of a new generation; none is given twice, for caches and consumer groups go by it."""
        return await self._change(_next_name)

    async def switch(self, to: Generation, hold_until_ms: int, reason: str) -> None:
        """Make a generation the active one; that which was is held until `hold_until_ms`."""
        await self._change(lambda client, config: _switch(client, config, to, hold_until_ms, reason))

    def _read(self, client: MilvusClient, config: MilvusConfig) -> Generations:
        was_loaded, self._is_loaded = self._is_loaded, False
        try:
            generations = _read_loaded(client, config) if was_loaded else read_generations(client, config)
        except MilvusException as error:
            if not was_loaded or error.code not in (COLLECTION_NOT_FOUND, COLLECTION_NOT_LOADED):
                raise
            generations = read_generations(client, config)
        self._is_loaded = generations.active is not None
        return generations

    async def _change(self, change: Callable[[MilvusClient, MilvusConfig], T]) -> T:
        async with self._lite_lock.writing():
            return await self._run(change)

    async def _run(self, work: Callable[[MilvusClient, MilvusConfig], T]) -> T:
        with translated_errors(self._config.deadline_s):
            return await asyncio.to_thread(self._in_thread, work)

    def _in_thread(self, work: Callable[[MilvusClient, MilvusConfig], T]) -> T:
        access = self._access = self._access or MilvusAccess(self._config)
        if self._client is None:
            self._client = connect_blocking(self._config, access)
        elif access.changed():
            former, self._former = self._former, self._client
            self._client = connect_blocking(self._config, access)
            # Calls of other threads may still be under way over the last connection, over that before it none is.
            if former is not None:
                former.close()
        return work(self._client, self._config)


def read_generations(client: MilvusClient, config: MilvusConfig) -> Generations:
    """The registry as it is now; empty where there is none, or none that was made to the end."""
    if not collection_exists(client, config, REGISTRY_COLLECTION) or not _is_loaded(client):
        return Generations(None)
    return _read_loaded(client, config)


def _read_loaded(client: MilvusClient, config: MilvusConfig) -> Generations:
    values = _read_values(client, config, 'key >= ""')
    active = msgspec.json.decode(values[_ACTIVE], type=Generation) if _ACTIVE in values else None
    named = [msgspec.json.decode(value, type=Generation) for key, value in values.items() if key.startswith(_PREFIX)]
    by_name = {generation.collection: generation for generation in named}
    others = {name: generation for name, generation in by_name.items() if not active or name != active.collection}
    history = msgspec.json.decode(values.get(_HISTORY, "[]"), type=list[GenerationSwitch])
    return Generations(active, others, history)


def _is_loaded(client: MilvusClient) -> bool:
    """Load the registry; False where it has no index yet, without which a cluster loads nothing."""
    try:
        client.load_collection(REGISTRY_COLLECTION, timeout=_LOAD_TIMEOUT_S)
    except MilvusException as error:
        if error.code == INDEX_NOT_FOUND:
            return False
        raise
    return True


def write_active(client: MilvusClient, config: MilvusConfig, generation: Generation) -> None:
    """Make a generation the active one: a single row."""
    _write(client, config, _ACTIVE, generation)


def _switch(client: MilvusClient, config: MilvusConfig, to: Generation, hold_until_ms: int, reason: str) -> None:
    now = read_generations(client, config)
    if now.active is None:
        raise StoreUnavailable("there is no active generation to switch from")
    if now.active.collection == to.collection:
        return
    held = msgspec.structs.replace(now.active, stage="held", hold_until_ms=hold_until_ms)
    # In this order: after a crash at any point the active row alone tells what is true.
    _write(client, config, _PREFIX + held.collection, held)
    write_active(client, config, msgspec.structs.replace(to, stage=None, hold_until_ms=0))
    _delete(client, config, _PREFIX + to.collection)
    switched = GenerationSwitch(int(time.time() * 1000), to.collection, reason)
    _write(client, config, _HISTORY, [*now.history, switched][-_HISTORY_KEPT:])


def _next_name(client: MilvusClient, config: MilvusConfig) -> str:
    values = _read_values(client, config, f'key == "{_SEQUENCE}"')
    number = int(values.get(_SEQUENCE, "1")) + 1
    _write(client, config, _SEQUENCE, number)
    return f"products_g{number}"


def _read_values(client: MilvusClient, config: MilvusConfig, expression: str) -> dict[str, str]:
    """JSON values of the registry by key."""
    rows = cast(
        list[dict[str, str]],
        client.query(
            REGISTRY_COLLECTION,
            filter=expression,
            output_fields=["value"],
            limit=_MAX_ROWS,
            consistency_level="Strong",
            timeout=config.deadline_s,
        ),
    )
    return {row["key"]: row["value"] for row in rows}


def _write(client: MilvusClient, config: MilvusConfig, key: str, value: object) -> None:
    row = {"key": key, "vector": [0.0] * REGISTRY_DIM, "value": msgspec.json.encode(value).decode()}
    client.upsert(REGISTRY_COLLECTION, [row], timeout=config.deadline_s)


def _delete(client: MilvusClient, config: MilvusConfig, key: str) -> None:
    client.delete(REGISTRY_COLLECTION, ids=[key], timeout=config.deadline_s)
