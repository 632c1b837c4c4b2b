"""Milvus behind TLS and a token: both clients, what is wrong in one sentence, and secrets that are replaced."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme

from encoders.spec import EmbeddingSpec
from indexer.errors import AccessDenied, StoreUnavailable
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from tests import milvus3
from tests.milvus_proxy import SecureMilvus
from tests.secure_redis import expired, write_certificate

SPEC = EmbeddingSpec("hash", "1", 4)
TOKEN = "shop:s3cret"


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with milvus3.lite_2_5(tmp_path_factory.mktemp("milvus")) as address:
            yield address
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def proxy(lite: str, ca: trustme.CA) -> Iterator[SecureMilvus]:
    with SecureMilvus(lite, TOKEN).show(ca.issue_cert("localhost")) as proxy:
        yield proxy


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> str:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


def config(proxy: SecureMilvus, ca_file: str, **changed: Any) -> MilvusConfig:
    return MilvusConfig(**{"uri": proxy.uri, "token": TOKEN, "ssl_cafile": ca_file, "deadline_s": 5.0, **changed})


def row(product_id: str) -> IndexRow:
    change = ProductChange(product_id, EventStamp(1, "shop", product_id), {"title": "Mug"}, replaces_all_fields=True)
    return build_row(product_id, StoredProduct(ProductState().merge(change)), np.ones(SPEC.fused_dim, np.float32))


async def denied(config: MilvusConfig) -> str:
    """What both clients say, alike and soon, when Milvus may not be used."""
    began = time.monotonic()
    registry = GenerationRegistry(config)
    with pytest.raises(AccessDenied) as refused:
        await registry.read()
    await registry.close()
    with pytest.raises(AccessDenied) as refused_store:
        await open_active_store(config, SPEC, create=True)
    assert str(refused.value) == str(refused_store.value)
    assert time.monotonic() - began < 4 * config.deadline_s
    message = str(refused.value)
    assert "\n" not in message and TOKEN not in message
    return message


async def written(store: MilvusProductStore, product_id: str) -> bool:
    """Whether a product can be written and read back."""
    await store.write([row(product_id)])
    return product_id in await store.read([product_id])


async def test_all_that_is_done_with_milvus_is_done_over_tls_with_the_token(proxy, ca_file):
    store = await open_active_store(config(proxy, ca_file), SPEC, create=True)
    assert await written(store, "p1")
    found = await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 5)
    assert found.ids == ["p1"]
    await store.close()
    assert (
        proxy.refused == 0
        and "Search" in proxy.methods
        and {"Connect", "CreateCollection", "Upsert", "Query"} <= proxy.methods
    )


async def test_a_wrong_token_and_none_are_told(proxy, ca_file, tmp_path):
    assert "milvus.token" in await denied(config(proxy, ca_file, token="shop:wrong"))
    assert "does not know us" in await denied(config(proxy, ca_file, token=""))
    assert proxy.refused


async def test_a_foreign_an_expired_and_a_wrongly_named_certificate_are_told_apart(proxy, ca, ca_file, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    assert "milvus.ssl_cafile" in await denied(config(proxy, str(tmp_path / "other.pem"), deadline_s=2))
    assert "milvus.ssl_cafile" in await denied(config(proxy, "", deadline_s=2))
    proxy.show(expired(ca, "localhost"))
    assert "expired" in await denied(config(proxy, ca_file, deadline_s=2))
    proxy.show(ca.issue_cert("milvus.example"))
    assert "milvus.ssl_server_name" in await denied(config(proxy, ca_file, deadline_s=2))
    store = await open_active_store(config(proxy, ca_file, ssl_server_name="milvus.example"), SPEC, create=True)
    await store.close()


async def test_a_server_that_has_no_tls_is_told(lite, ca_file):
    class Plain:
        uri = lite.replace("http://127.0.0.1", "https://localhost")

    assert "no TLS" in await denied(config(Plain(), ca_file, deadline_s=2))


async def test_a_certificate_of_ours_is_shown_where_it_is_asked_for(proxy, ca, ca_file, tmp_path):
    proxy.show(ca.issue_cert("localhost"), clients=ca)
    cert, key = write_certificate(ca.issue_cert("worker"), tmp_path / "worker")
    store = await open_active_store(config(proxy, ca_file, ssl_certfile=cert, ssl_keyfile=key), SPEC, create=True)
    assert await written(store, "p2")
    await store.close()
    foreign, foreign_key = write_certificate(trustme.CA().issue_cert("worker"), tmp_path / "foreign")
    for shown in ({}, {"ssl_certfile": foreign, "ssl_keyfile": foreign_key}):
        # It hangs up without a word, as it would when it stops: that is no refusal that one can be sure of.
        with pytest.raises(StoreUnavailable, match=r"milvus.ssl_certfile"):
            await open_active_store(config(proxy, ca_file, deadline_s=2, **shown), SPEC, create=True)


async def test_a_token_that_is_replaced_is_used_by_the_next_call_of_both_clients(proxy, ca_file, tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    settings = config(proxy, ca_file, token="", token_file=str(file))
    store = await open_active_store(settings, SPEC, create=True)
    async with GenerationRegistry(settings) as registry:
        assert await written(store, "p3") and (await registry.read()).active
        proxy.token = "shop:another"
        with pytest.raises(AccessDenied):
            await store.read(["p3"])
        file.unlink()
        # While it is away, what was in it holds.
        with pytest.raises(AccessDenied):
            await registry.read()
        file.write_text("shop:another")
        refused = proxy.refused
        reads = await asyncio.gather(*(store.read(["p3"]) for _ in range(8)))
        assert all("p3" in read_ids for read_ids in reads)
        assert (await registry.read()).active
        assert proxy.refused == refused
    await store.close()


async def test_certificates_that_are_replaced_are_used_by_the_next_call(proxy, ca_file):
    store = await open_active_store(config(proxy, ca_file), SPEC, create=True)
    other = trustme.CA()
    proxy.show(other.issue_cert("localhost"))
    other.cert_pem.write_to_path(ca_file)
    assert await written(store, "p4")
    await store.close()


def test_files_that_cannot_be_used_are_named(proxy, ca_file, tmp_path):
    from indexer.milvus.connection import connect_milvus

    with pytest.raises(AccessDenied, match=r"milvus.ssl_cafile = .*absent cannot be read"):
        connect_milvus(config(proxy, str(tmp_path / "absent")))
    with pytest.raises(AccessDenied, match=r"milvus.token_file = .*absent cannot be read"):
        connect_milvus(config(proxy, ca_file, token="", token_file=str(tmp_path / "absent")))
