"""Generations of the index: each is a collection of its own, and a small registry says which one is active."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from msgspec import Struct
from pymilvus import CollectionSchema, MilvusClient, MilvusException
from pymilvus.milvus_client.index import IndexParams

from encoders.spec import EmbeddingSpec
from indexer.errors import IndexMismatch, StoreUnavailable
from indexer.milvus_connection import MilvusConfig
from indexer.milvus_lite import index_primary_keys
from indexer.milvus_schema import (
    REGISTRY_DIM,
    SCHEMA_VERSION,
    product_indexes,
    product_schema,
    registry_indexes,
    registry_schema,
)

REGISTRY = "vitrine_registry"
FIRST_GENERATION = "products_g1"
_ACTIVE = "active"
_LOAD_TIMEOUT_S = 60.0
_SETTLE_S = 0.2
"""Much longer than making a collection takes."""


class Generation(Struct, frozen=True):
    """A collection of products, and what its rows mean."""

    collection: str
    encoder: str
    """`EmbeddingSpec.key` of the vectors."""
    dim: int
    schema_version: int


def active_generation(client: MilvusClient, config: MilvusConfig, spec: EmbeddingSpec, create: bool) -> Generation:
    """The generation that is searched and written, loaded; made when there is none and `create` says so.

    Several processes may do this at once: every step is idempotent, each does all of them, and the registry decides
    for all once they are done.

    Raises:
        IndexMismatch: it was made with another encoder or by another version of this program.
        StoreUnavailable: there is none and `create` is false.
    """
    found = _read_active(client, config)
    if found is None and create:
        found = _create_first(client, config, Generation(FIRST_GENERATION, spec.key, spec.dim, SCHEMA_VERSION))
    if found is None:
        raise StoreUnavailable("there is no index yet; an indexing worker makes it when it starts")
    _check(found, spec)
    client.load_collection(found.collection, timeout=_LOAD_TIMEOUT_S)
    if create and config.lite_database:
        index_primary_keys(Path(config.lite_database), config.deadline_s)
    return found


def _create_first(client: MilvusClient, config: MilvusConfig, wanted: Generation) -> Generation:
    """Make the first generation, again if need be: Lite is not atomic when two processes make a collection at once.

    One of them may be refused, or write to a registry that the other's replaces. So nobody uses what was made before
    it has settled, and whoever then does not find it makes what is missing.
    """
    give_up = time.monotonic() + config.deadline_s
    while True:
        fault: Exception = StoreUnavailable("the index was made, but the registry does not show it")
        try:
            _ensure(client, config, REGISTRY, registry_schema(), registry_indexes())
            products = product_schema(2 * wanted.dim)
            _ensure(client, config, wanted.collection, products, product_indexes(config.index_type))
            if _read_active(client, config) is None:
                _write_active(client, config, wanted)
            time.sleep(_SETTLE_S)
            if found := _read_active(client, config):
                return found
        except MilvusException as refused:
            fault = refused
        if time.monotonic() > give_up:
            raise fault
        time.sleep(_SETTLE_S)


def _check(found: Generation, spec: EmbeddingSpec) -> None:
    if found.schema_version != SCHEMA_VERSION:
        raise IndexMismatch(
            f"the index {found.collection} has schema {found.schema_version}, this program writes {SCHEMA_VERSION}: "
            "rebuild it, or run the version that made it"
        )
    if (found.encoder, found.dim) != (spec.key, spec.dim):
        raise IndexMismatch(
            f"the index {found.collection} holds vectors of {found.encoder} ({found.dim} dimensions), the configured "
            f"encoder makes {spec.key} ({spec.dim}): configure that encoder, or start with an empty store"
        )


def _ensure(
    client: MilvusClient, config: MilvusConfig, name: str, schema: CollectionSchema, indexes: IndexParams
) -> None:
    """Have a collection with its indexes, whoever made it and however far they came."""
    timeout = config.deadline_s
    if not client.has_collection(name, timeout=timeout):
        client.create_collection(name, schema=schema, consistency_level="Strong", timeout=timeout)
    if len(client.list_indexes(name, timeout=timeout)) < len(indexes):
        # Without `sync` it does not ask how far the index is, which Lite 3 cannot say; loading waits for it.
        client.create_index(name, indexes, timeout=timeout, sync=False)
    client.load_collection(name, timeout=_LOAD_TIMEOUT_S)


def _read_active(client: MilvusClient, config: MilvusConfig) -> Generation | None:
    if not client.has_collection(REGISTRY, timeout=config.deadline_s):
        return None
    client.load_collection(REGISTRY, timeout=_LOAD_TIMEOUT_S)
    found = client.query(
        REGISTRY,
        filter=f'key == "{_ACTIVE}"',
        output_fields=["value"],
        consistency_level="Strong",
        timeout=config.deadline_s,
    )
    return msgspec.json.decode(found[0]["value"], type=Generation) if found else None


def _write_active(client: MilvusClient, config: MilvusConfig, generation: Generation) -> None:
    value = msgspec.json.encode(generation).decode()
    client.upsert(
        REGISTRY, [{"key": _ACTIVE, "vector": [0.0] * REGISTRY_DIM, "value": value}], timeout=config.deadline_s
    )
