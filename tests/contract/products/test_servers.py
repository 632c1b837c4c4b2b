"""A Milvus that has no index yet, that is killed, away, too old, or started with by several workers at once."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

import numpy as np
import pytest
from pymilvus import MilvusClient

from encoders.spec import EmbeddingSpec
from indexer.errors import IndexMismatch, StoreUnavailable
from indexer.milvus.connection import MilvusConfig, connect_milvus
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.ports.products import ProductCounts, ProductStore, ScoredIds
from tests import milvus3
from tests.contract.products.rows import SPEC, ids, product
from tests.contract.products.stores import emptied


async def test_an_empty_index_is_searched_without_a_fault(store):
    assert ids(await store.search_lexical("kettle", (), 10)) == []
    assert await store.browse((), 10) == []
    assert await store.read_payloads([]) == await store.scan_payloads((), 10) == {}
    assert await store.count() == ProductCounts(0, 0)


async def test_an_empty_store_answers_several_searches_with_nothing(store: ProductStore):
    assert await store.search_terms_all(["kettl", "lamp"], (), 5) == [[], []]
    assert await store.search_dense_all(np.ones((3, 8), np.float32), (), 5) == [[], [], []]


async def test_workers_that_start_at_once_share_one_index(milvus):
    stores = await asyncio.gather(*(open_active_store(milvus, SPEC, create=True) for _ in range(4)))
    for number, store in enumerate(stores):
        await store.write([product(f"p{number}", title="hoodie")])
    assert [len(await store.browse((), 10)) for store in stores] == [4] * 4
    assert {store.generation for store in stores} == {"products_g1"}
    for store in stores:
        await store.close()


async def test_an_index_that_is_not_there_is_said_to_be_missing(milvus):
    with pytest.raises(StoreUnavailable, match="no index yet"):
        await open_active_store(milvus, SPEC, create=False)
    opened = await open_active_store(milvus, SPEC, create=True)
    with closing(MilvusClient(milvus.uri, timeout=10)) as client:
        client.drop_collection(opened.generation)
    with pytest.raises(StoreUnavailable, match="index is not there"):
        await opened.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 10)
    await opened.close()


async def test_an_index_of_another_encoder_is_refused(milvus):
    await (await open_active_store(milvus, SPEC, create=True)).close()
    with pytest.raises(IndexMismatch, match=r"hash@1.*other@2"):
        await open_active_store(milvus, EmbeddingSpec("other", "2", 4), create=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, "no full text.*milvus.full_text = false"), ({"full_text": False, "index_type": "HNSW"}, "several vectors")],
)
async def test_a_real_milvus_that_is_too_old_for_an_index_is_refused_at_once(real_milvus, settings, said):
    config = emptied(MilvusConfig(real_milvus, deadline_s=10, **settings))
    with pytest.raises(IndexMismatch, match=rf"2\.3\.5.*{said}"):
        await open_active_store(config, SPEC, create=True)


@pytest.mark.parametrize("start", [milvus3.lite_2_5, milvus3.lite_3])
async def test_acknowledged_writes_survive_a_killed_server_and_the_store_goes_on(start, tmp_path):
    port = milvus3.free_port()
    try:
        with start(tmp_path, port) as address:
            opened = await open_active_store(MilvusConfig(address, deadline_s=10), SPEC, create=True)
            await opened.write([product("p1", title="hoodie")])
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
    with pytest.raises(StoreUnavailable):
        await opened.search_lexical("hoodie", (), 10)
    with start(tmp_path, port):
        assert ids(await _once_available(lambda: opened.search_lexical("hoodie", (), 10))) == ["p1"]
        await opened.write([product("p2", title="hoodie")])
        assert await opened.count() == ProductCounts(2, 0)
        await opened.close()


async def _once_available(call: Callable[[], Awaitable[ScoredIds]]) -> ScoredIds:
    """Try again as the error says; a connection that broke waits a second before it is made anew."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await call()
            except StoreUnavailable as error:
                await asyncio.sleep(error.retry_after_s / 10)


async def test_a_server_that_is_not_there_or_hangs_is_unavailable_within_the_deadline():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        config = MilvusConfig(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline_s=0.5)
        for _ in ("nobody listens", "nobody answers"):
            async with asyncio.timeout(5):
                with pytest.raises(StoreUnavailable):
                    await open_active_store(config, SPEC, create=True)
                with pytest.raises(StoreUnavailable):
                    await _unopened(config).search_lexical("hoodie", (), 10)
            silent.listen()


def _unopened(config: MilvusConfig) -> MilvusProductStore:
    return MilvusProductStore(connect_milvus(config), config, SPEC, "products_g1")
