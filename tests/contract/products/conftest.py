"""The stores: the double, Milvus Lite 2.5, Milvus Lite 3, and a Milvus server without full text.

The server is there under `make test-milvus`; what is about words is left out for it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import trustme

from indexer.in_memory_store import InMemoryProductStore
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.limits import MilvusLimits
from indexer.milvus.store import MilvusProductStore
from indexer.ports.products import ProductStore
from tests import milvus3
from tests.contract.products.rows import SPEC
from tests.contract.products.stores import config_of, emptied, opened
from tests.milvus_proxy import SecureMilvus


@pytest.fixture(scope="package")
def lite_2_5(tmp_path_factory) -> Iterator[str]:
    yield from _server(milvus3.lite_2_5, tmp_path_factory.mktemp("milvus2"))


@pytest.fixture(scope="package")
def lite_3(tmp_path_factory) -> Iterator[str]:
    yield from _server(milvus3.lite_3, tmp_path_factory.mktemp("milvus3"))


def _server(start: Callable[[Path], AbstractContextManager[str]], directory: Path) -> Iterator[str]:
    try:
        with start(directory) as address:
            yield address
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=["lite_2_5", "lite_3", "real_milvus"])
def milvus(request: pytest.FixtureRequest) -> MilvusConfig:
    """An empty Milvus."""
    return emptied(config_of(request, request.param))


@pytest.fixture
def limits() -> MilvusLimits:
    """Nobody else makes an index here, so there is nothing to wait for."""
    return MilvusLimits(settle_s=0.0)


@pytest.fixture(scope="package")
def behind_tls(lite_2_5: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusConfig]:
    """A Milvus that takes TLS and a token, and nothing else."""
    ca, ca_file = trustme.CA(), tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    with SecureMilvus(lite_2_5, "shop:s3cret").show(ca.issue_cert("localhost")) as proxy:
        yield MilvusConfig(proxy.uri, token=proxy.token, ssl_cafile=str(ca_file), deadline_s=10)


@pytest.fixture(params=["memory", "lite_2_5", "lite_3", "behind_tls", "real_milvus"])
async def store(request: pytest.FixtureRequest, limits: MilvusLimits) -> AsyncIterator[ProductStore]:
    if request.param == "memory":
        yield InMemoryProductStore(SPEC)
        return
    if request.param == "behind_tls":
        async for one in opened(request.getfixturevalue("behind_tls"), limits):
            yield one
        return
    async for one in opened(config_of(request, request.param), limits):
        yield one


@pytest.fixture
def words(store: ProductStore) -> None:
    """For tests of nothing but words."""
    if not store.has_full_text:
        pytest.skip("this Milvus finds nothing by words")


@pytest.fixture(params=[("lite_2_5", "IVF_FLAT"), ("lite_2_5", "AUTOINDEX"), ("lite_3", "HNSW")], ids="-".join)
async def indexed_store(request: pytest.FixtureRequest) -> AsyncIterator[MilvusProductStore]:
    """One with an approximate index, which is asked however few products there are."""
    server, index_type = request.param
    config = config_of(request, server, index_type=index_type, exact_below=0)
    async for one in opened(config, MilvusLimits(proposed=10, settle_s=0.0)):
        yield one


@pytest.fixture(params=["memory", "lite_2_5", "real_milvus"])
async def wordless(request: pytest.FixtureRequest, limits: MilvusLimits) -> AsyncIterator[ProductStore]:
    """A store that finds nothing by words."""
    if request.param == "memory":
        yield InMemoryProductStore(SPEC, has_full_text=False)
        return
    async for one in opened(config_of(request, request.param, full_text=False), limits):
        yield one
