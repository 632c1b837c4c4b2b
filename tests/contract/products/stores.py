"""How the stores are opened."""

from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest

from indexer.milvus.connection import MilvusConfig, connect_blocking
from indexer.milvus.limits import MilvusLimits
from indexer.milvus.store import MilvusProductStore, open_active_store
from tests.contract.products.rows import SPEC


def config_of(request: pytest.FixtureRequest, server: str, **settings: Any) -> MilvusConfig:
    """How a server is used, by the name of its fixture."""
    settings = {"deadline_s": 10, "full_text": server != "real_milvus"} | settings
    return MilvusConfig(request.getfixturevalue(server), **settings)


def emptied(config: MilvusConfig) -> MilvusConfig:
    """The same, with nothing in that Milvus any more."""
    with closing(connect_blocking(config)) as client:
        for name in client.list_collections():
            client.drop_collection(name)
    return config


async def opened(config: MilvusConfig, limits: MilvusLimits) -> AsyncIterator[MilvusProductStore]:
    """An empty store."""
    store = await open_active_store(emptied(config), SPEC, create=True, limits=limits)
    yield store
    await store.close()
