"""The registry of generations on real servers: Milvus Lite 2.5 and 3, and a Milvus server under `make test-milvus`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymilvus import MilvusClient, MilvusException

from encoders.spec import EmbeddingSpec
from indexer.errors import IndexMismatch, StoreUnavailable
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.generations import load_active_generation
from indexer.milvus.registry import REGISTRY_COLLECTION, Generation, GenerationRegistry, read_generations
from indexer.milvus.schema import SCHEMA_VERSION, registry_schema
from indexer.milvus.store import drop_generation, open_active_store, open_generation_store, open_store_to_read
from tests import milvus3

SPEC = EmbeddingSpec("hash", "1", 4)
OTHER = EmbeddingSpec("other", "1", 6)


@pytest.fixture(params=["lite_2_5", "lite_3", "real_milvus"])
async def config(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MilvusConfig]:
    if request.param == "real_milvus":
        address = request.getfixturevalue("real_milvus")
        with closing(MilvusClient(address, timeout=10)) as client:
            for name in client.list_collections():
                client.drop_collection(name)
        yield MilvusConfig(address, deadline_s=10, full_text=False)
        return
    with ExitStack() as resources:
        try:
            address = resources.enter_context(getattr(milvus3, request.param)(tmp_path))
        except milvus3.Unavailable as reason:
            pytest.skip(str(reason))
        yield MilvusConfig(address, deadline_s=10)


@pytest.fixture
async def registry(config: MilvusConfig) -> AsyncIterator[GenerationRegistry]:
    """With a first generation."""
    await (await open_active_store(config, SPEC, create=True, encoder_name="hash")).close()
    opened = GenerationRegistry(config)
    yield opened
    await opened.close()


def built(name: str) -> Generation:
    offsets = {"topic": {"0": 17}}
    generation = Generation(name, OTHER.key, OTHER.dim, SCHEMA_VERSION, "other", "FLAT", stage="following")
    # Such as every one of these servers can make.
    return replace(generation, offsets=offsets, full_text=False)


async def test_where_there_is_nothing_no_generation_is_found(config):
    registry = GenerationRegistry(config)
    now = await registry.read()
    await registry.close()
    assert (now.active, now.others, now.history) == (None, {}, [])


class LoadsOnlyIndexed(MilvusClient):
    """As a cluster does, which refuses to load a collection that has no index yet; Lite loads it."""

    def load_collection(self, collection_name: str, *args: Any, **options: Any) -> None:
        if not self.list_indexes(collection_name):
            raise MilvusException(700, "index not found")
        super().load_collection(collection_name, *args, **options)


def test_a_registry_that_another_worker_has_made_by_half_counts_as_none_and_is_completed(config):
    with closing(LoadsOnlyIndexed(config.uri)) as client:
        client.create_collection(REGISTRY_COLLECTION, schema=registry_schema(), consistency_level="Strong")
        assert read_generations(client, config).active is None
        assert load_active_generation(client, config, SPEC, create=True).collection == "products_g1"


async def test_the_life_of_a_generation(registry, config):
    first = (await registry.read()).active
    assert first is not None and (first.collection, first.encoder_name) == ("products_g1", "hash")

    names = [await registry.new_name(), await registry.new_name()]
    assert names == ["products_g2", "products_g3"], "no name is given twice"
    await registry.save(built("products_g2"))
    now = await registry.read()
    assert now.active == first and now.in_stage("following") == built("products_g2")

    await registry.switch(built("products_g2"), 123, "reindex")
    now = await registry.read()
    assert now.active is not None and now.active.collection == "products_g2" and now.active.stage is None
    assert now.others == {"products_g1": replace(first, stage="held", hold_until_ms=123)}
    assert [(switch.to, switch.reason) for switch in now.history] == [("products_g2", "reindex")]

    await registry.switch(now.others["products_g1"], 456, "rollback")
    now = await registry.read()
    assert now.active == first
    assert now.in_stage("held") == replace(built("products_g2"), stage="held", hold_until_ms=456)

    await registry.forget("products_g2")
    assert (await registry.read()).others == {}


async def test_what_a_crash_between_the_steps_of_a_switch_leaves_behind_is_not_believed(registry):
    first = (await registry.read()).active
    await registry.save(replace(first, stage="held", hold_until_ms=1))
    now = await registry.read()
    assert now.active == first and now.others == {}


async def test_generations_of_other_spaces_live_side_by_side_and_are_removed_alone(registry, config):
    target = built("products_g2")
    with pytest.raises(IndexMismatch, match=r"vitrine reindex"):
        await open_generation_store(config, SPEC, target, create=True)
    store = await open_generation_store(config, OTHER, target, create=True)
    assert await store.scan("", 10) == {}
    await store.close()
    await drop_generation(config, "products_g2")
    await drop_generation(config, "products_g2")
    with pytest.raises(StoreUnavailable):
        await open_store_to_read(config, target)
    still = await open_active_store(config, SPEC, create=False)
    await still.close()


async def test_parts_and_whole_products_of_one_model_are_two_vector_spaces(registry, config):
    whole = EmbeddingSpec(SPEC.model, SPEC.version, SPEC.dim, joint=True)
    with pytest.raises(IndexMismatch, match=r"vectors of hash@1 \(4 dimensions\).* makes hash@1\+joint \(4\)"):
        await open_active_store(config, whole, create=False)
