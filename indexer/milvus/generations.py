"""Generations of the index, each a collection of its own: made, opened, removed."""

# Methods of pymilvus' clients take options without types.
# pyright: reportUnknownMemberType=false

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import cast

from pymilvus import CollectionSchema, MilvusClient, MilvusException
from pymilvus.milvus_client.index import IndexParams

from encoders.spec import EmbeddingSpec
from indexer.errors import IndexMismatch, StoreUnavailable
from indexer.milvus.config import EXACT_INDEX
from indexer.milvus.connection import MilvusConfig, collection_exists
from indexer.milvus.inspection import LEAST_VERSION, server_version, version_numbers
from indexer.milvus.limits import DEFAULT_LIMITS
from indexer.milvus.lite_file import create_primary_key_indexes, log_ahead
from indexer.milvus.registry import FIRST_GENERATION, REGISTRY_COLLECTION, Generation, read_generations, write_active
from indexer.milvus.schema import (
    SCHEMA_VERSION,
    product_indexes,
    product_schema,
    registry_indexes,
    registry_schema,
)
from indexer.milvus.vector_types import FLOAT32
from indexer.text_analysis.analyzer import ANALYSIS_VERSION

log = logging.getLogger(__name__)

_LOAD_TIMEOUT_S = 60.0
_SEVERAL_VECTORS: tuple[int, ...] = (2, 4)
"""The first version of Milvus with more than one vector a row."""
_TYPE_REFUSED = ("which MilvusLite does not support", "local mode only support")
"""What Lite 3 says of a type of vectors that it lacks, and Lite 2.5 of an index that it lacks for one."""


def load_active_generation(
    client: MilvusClient,
    config: MilvusConfig,
    spec: EmbeddingSpec,
    create: bool,
    encoder_name: str = "",
    settle_s: float = DEFAULT_LIMITS.settle_s,
) -> Generation:
    """The generation that is searched, loaded; the first is made when there is none and `create` says so.

    Several processes may do this at once: every step is idempotent, each does all of them, and the registry decides
    for all once they are done.

    Raises:
        IndexMismatch: it was made with another encoder or by another version of this program.
        StoreUnavailable: there is none and `create` is false.
    """
    if create:
        first = planned_generation(FIRST_GENERATION, config, spec, encoder_name)
        active = _active_or_first(client, config, first, settle_s)
    else:
        active = read_generations(client, config).active
    if active is None:
        raise StoreUnavailable("there is no index yet; an indexing worker makes it when it starts")
    check_generation(active, spec)
    if notice := analysis_notice(active):
        log.warning("index_analysed_otherwise", extra={"reason": notice})
    if notice := full_text_notice(active):
        log.warning("index_without_full_text", extra={"reason": notice})
    load_generation(client, config, active, write=create)
    return active


def analysis_notice(generation: Generation) -> str | None:
    """Says that a generation's words were analysed otherwise than queries are now; None: alike. It is served still."""
    if generation.analysis_version == ANALYSIS_VERSION:
        return None
    return (
        f"the words in {generation.collection} are of text analysis {generation.analysis_version}, queries' of "
        f"{ANALYSIS_VERSION}: some words find less until `vitrine reindex` has rebuilt it"
    )


def full_text_notice(generation: Generation) -> str | None:
    """Says that a generation cannot be searched by words; None: it can."""
    if generation.full_text:
        return None
    return (
        f"{generation.collection} is searched by vectors alone, as milvus.full_text was false when it was made; "
        "answers name `lexical` as degraded"
    )


def planned_generation(name: str, config: MilvusConfig, spec: EmbeddingSpec, encoder_name: str) -> Generation:
    """A generation as this program and this configuration make it; nothing is made yet."""
    return Generation(
        name,
        spec.key,
        spec.dim,
        SCHEMA_VERSION,
        encoder_name,
        config.index_type,
        config.vector_type,
        config.full_text,
        analysis_version=ANALYSIS_VERSION,
    )


def create_generation(client: MilvusClient, config: MilvusConfig, generation: Generation) -> None:
    """Make the collection of a generation, whatever of it there is already, and load it.

    Raises:
        IndexMismatch: this Milvus is too old, or does not have its type of vectors; nothing is left of it.
    """
    index_type, full_text = generation.index_type or config.index_type, generation.full_text
    _check_version(client, config, full_text, index_type)
    schema = product_schema(2 * generation.dim, index_type, generation.vector_type, full_text=full_text)
    indexes = product_indexes(index_type, full_text=full_text)
    try:
        _ensure_collection(client, config, generation.collection, schema, indexes)
    except MilvusException as error:
        if generation.vector_type == FLOAT32 or not any(sign in error.message for sign in _TYPE_REFUSED):
            raise
        # Another type would find a collection of this one in its place.
        drop_collection(client, config, generation.collection)
        raise IndexMismatch(
            f"this Milvus has no vectors of milvus.vector_type {generation.vector_type} with milvus.index_type "
            f"{index_type} ({error.message}): set milvus.vector_type to {FLOAT32}"
        ) from error
    load_generation(client, config, generation, write=True)


def _check_version(client: MilvusClient, config: MilvusConfig, full_text: bool, index_type: str) -> None:
    """Check that a server that says its version has what a generation needs. Raises `IndexMismatch`."""
    version = server_version(client, config.deadline_s)
    numbers: tuple[int, ...] = version_numbers(version) or LEAST_VERSION
    # An older server makes the collection all the same, without a word about the function that it leaves out.
    if full_text and numbers < LEAST_VERSION:
        raise IndexMismatch(
            f"this Milvus is {version}, which has no full text, and products would not be found by words: use Milvus "
            "2.5 or later; milvus.full_text = false makes an index that is searched by vectors alone"
        )
    if index_type != EXACT_INDEX and numbers < _SEVERAL_VECTORS:
        raise IndexMismatch(
            f"this Milvus is {version}, whose products cannot have several vectors, as milvus.index_type {index_type} "
            f"has them: use Milvus 2.5 or later, or milvus.index_type = {EXACT_INDEX}"
        )


def load_generation(client: MilvusClient, config: MilvusConfig, generation: Generation, write: bool) -> None:
    """Load a generation, so that it can be searched and written."""
    client.load_collection(generation.collection, timeout=_LOAD_TIMEOUT_S)
    if write and config.lite_database:
        create_primary_key_indexes(Path(config.lite_database), config.deadline_s)
        log_ahead(Path(config.lite_database), config.deadline_s)


def drop_collection(client: MilvusClient, config: MilvusConfig, collection: str) -> None:
    """Remove the collection of a generation, if it is there."""
    if collection_exists(client, config, collection):
        client.drop_collection(collection, timeout=_LOAD_TIMEOUT_S)


def check_generation(generation: Generation, spec: EmbeddingSpec) -> None:
    """Check that this program, with this encoder, writes what the rows of a generation are. Raises `IndexMismatch`."""
    if generation.schema_version != SCHEMA_VERSION:
        raise IndexMismatch(
            f"the index {generation.collection} has schema {generation.schema_version}, this program writes "
            f"{SCHEMA_VERSION}: rebuild it with `vitrine reindex`, or run the version that made it"
        )
    if (generation.encoder, generation.dim) != (spec.key, spec.dim):
        raise IndexMismatch(
            f"the index {generation.collection} holds vectors of {generation.encoder} ({generation.dim} dimensions), "
            f"the configured encoder makes {spec.key} ({spec.dim}): configure that encoder, or rebuild the index for "
            "this one with `vitrine reindex --encoder NAME`"
        )


def _active_or_first(client: MilvusClient, config: MilvusConfig, first: Generation, settle_s: float) -> Generation:
    """The active generation; where there is none, the first, which is made.

    Tries again until the deadline, for where two processes make it at once, one of them may be refused.

    Raises:
        StoreUnavailable, MilvusException: it could not be made within the deadline.
    """
    give_up = time.monotonic() + config.deadline_s
    while True:
        fault: Exception = StoreUnavailable("the index was made, but the registry does not show it")
        try:
            if active := read_generations(client, config).active or _create_first(client, config, first, settle_s):
                return active
        except (MilvusException, StoreUnavailable) as refused:
            fault = refused
        if time.monotonic() > give_up:
            raise fault
        time.sleep(settle_s)


def _create_first(client: MilvusClient, config: MilvusConfig, first: Generation, settle_s: float) -> Generation | None:
    """Make the registry and the first generation; None when the registry does not show it afterwards.

    Lite is not atomic when two processes make a collection at once: one of them may write to a registry that the
    other's replaces. So nobody uses what was made before it has settled.
    """
    _ensure_collection(client, config, REGISTRY_COLLECTION, registry_schema(), registry_indexes())
    create_generation(client, config, first)
    if read_generations(client, config).active is None:
        write_active(client, config, first)
    time.sleep(settle_s)
    return read_generations(client, config).active


def _ensure_collection(
    client: MilvusClient, config: MilvusConfig, name: str, schema: CollectionSchema, indexes: IndexParams
) -> None:
    """Make a collection and its indexes, or what is missing of them: another worker may have begun."""
    timeout = config.deadline_s
    if not collection_exists(client, config, name):
        client.create_collection(name, schema=schema, consistency_level="Strong", timeout=timeout)
    if len(cast(list[str], client.list_indexes(name, timeout=timeout))) < len(indexes):
        # Without `sync` it does not ask how far the index is, which Lite 3 cannot say; loading waits for it.
        client.create_index(name, indexes, timeout=timeout, sync=False)
    client.load_collection(name, timeout=_LOAD_TIMEOUT_S)
