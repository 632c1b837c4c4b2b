"""An index of float16 vectors: on Milvus Lite 2.5, which has them; Lite 3 says that it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymilvus import MilvusClient

from encoders.spec import EmbeddingSpec, FloatArray
from indexer.errors import IndexMismatch
from indexer.filter_parsing import parse_filters
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.limits import MilvusLimits
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from tests import milvus3

SPEC = EmbeddingSpec("hash", "1", 8)
AT_ONCE = MilvusLimits(settle_s=0.0)
"""Nobody else makes an index here."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with milvus3.lite_2_5(tmp_path_factory.mktemp("milvus2")) as address:
            yield address
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def config(server: str) -> MilvusConfig:
    """An empty Milvus, which is to have float16 vectors."""
    with closing(MilvusClient(server, timeout=10)) as client:
        for name in client.list_collections():
            client.drop_collection(name)
    return MilvusConfig(server, deadline_s=10, vector_type="float16")


@pytest.fixture
async def store(config: MilvusConfig) -> AsyncIterator[MilvusProductStore]:
    opened = await open_active_store(config, SPEC, create=True, limits=AT_ONCE)
    yield opened
    await opened.close()


def product(product_id: str, vector: FloatArray, *, deletes: bool = False, **fields: Any) -> IndexRow:
    change = ProductChange(
        product_id, EventStamp(1, "shop", product_id), fields, replaces_all_fields=True, deletes=deletes
    )
    return build_row(product_id, StoredProduct(ProductState().merge(change), text_hash="h"), vector)


def drawn(count: int) -> FloatArray:
    return np.random.default_rng(0).standard_normal((count, SPEC.fused_dim)).astype(np.float32)


async def test_vectors_are_read_back_to_three_digits_and_no_less_after_they_are_written_again(store):
    written = drawn(30)
    written[::3, SPEC.dim :] = 0
    await store.write([product(f"p{at:02d}", vector, title="x") for at, vector in enumerate(written)])
    found = await store.scan("", 100)
    vectors = np.stack([vector for _, vector in found.values()])
    assert (list(found), vectors.dtype) == ([f"p{at:02d}" for at in range(30)], np.float32)
    np.testing.assert_allclose(vectors, written, rtol=1e-3, atol=1e-6)
    assert not vectors[::3, SPEC.dim :].any()

    await store.write([build_row(product_id, *stored) for product_id, stored in found.items()])
    again = await store.read(list(found))
    np.testing.assert_array_equal(np.stack([again[name][1] for name in found]), vectors)


async def test_the_nearest_products_are_found_among_those_that_pass_filters(store):
    vectors = drawn(100)
    await store.write([product(f"p{at}", vector, title="x", price=float(at)) for at, vector in enumerate(vectors)])
    query = drawn(101)[100]
    for kept in (100, 20):
        scores = vectors[:kept] @ query
        found = await store.search_dense(query, parse_filters({"price": {"lt": kept}}), 10)
        assert found.scores.tolist() == pytest.approx(np.sort(scores)[::-1][:10].tolist(), abs=1e-2)
        own = [scores[int(product_id[1:])] for product_id in found.ids]
        assert found.scores.tolist() == pytest.approx(own, abs=1e-2)
    assert await store.score_dense(query, found.ids) == pytest.approx(found.by_id())


async def test_a_later_write_replaces_a_vector_and_a_deletion_takes_it_out(store):
    ones = np.ones(SPEC.fused_dim, np.float32)
    await store.write([product("p1", ones, title="x"), product("p2", 2 * ones, title="x")])
    await store.write([product("p1", 3 * ones, title="x"), product("p2", 2 * ones, deletes=True)])
    found = await store.search_dense(ones, (), 10)
    assert found.by_id() == {"p1": pytest.approx(3 * SPEC.fused_dim)}


async def test_an_index_stays_of_its_type_whatever_the_configuration_says_by_now(store, config):
    vector = drawn(1)[0]
    await store.write([product("p1", vector, title="x")])
    now = await open_active_store(replace(config, vector_type="float32"), SPEC, create=True, limits=AT_ONCE)
    [(_, found)] = (await now.read(["p1"])).values()
    np.testing.assert_allclose(found, vector, rtol=1e-3, atol=1e-6)
    await now.write([product("p2", vector, title="x")])
    assert set((await now.search_dense(vector, (), 10)).ids) == {"p1", "p2"}
    await now.close()


async def test_an_index_type_that_does_not_go_with_it_is_refused_and_nothing_is_left(config):
    await _check_refused(replace(config, index_type="IVF_FLAT"))
    after = await open_active_store(replace(config, vector_type="float32"), SPEC, create=True, limits=AT_ONCE)
    await after.write([product("p1", drawn(1)[0], title="x")])
    await after.close()


async def test_a_milvus_that_lacks_it_says_so(tmp_path: Path):
    try:
        with milvus3.lite_3(tmp_path) as address:
            await _check_refused(MilvusConfig(address, deadline_s=10, vector_type="float16"))
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


async def _check_refused(config: MilvusConfig) -> None:
    with pytest.raises(IndexMismatch, match=r"set milvus\.vector_type to float32"):
        await open_active_store(config, SPEC, create=True, limits=AT_ONCE)
    registry = GenerationRegistry(config)
    assert (await registry.read()).active is None
    await registry.close()
    with closing(MilvusClient(config.uri, timeout=10)) as client:
        assert client.list_collections() == ["vitrine_registry"]
