"""Real servers for tests: one Kafka, one Redis and one Milvus Lite a session, on a directory of their own."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from deploy.local.stack import LocalStack
from indexer.media.config import MediaStoreConfig
from tests import milvus3
from tests.milvus_server import milvus_server
from tests.redis_cluster import RedisCluster, redis_cluster
from tests.s3_server import s3_server as run_s3_server


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they are."""

    kafka: str
    redis: str
    milvus: str


@pytest.fixture(scope="session")
def local_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Kafka, Redis and Milvus Lite, started once."""
    stack = LocalStack(tmp_path_factory.mktemp("servers"))
    services = [stack.kafka(), stack.redis(), stack.milvus()]
    try:
        # In a thread: the fixture may be asked for while a test's event loop runs in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(stack.start(services, print))).result()
        yield Servers(*(service.url for service in services))
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def kafka_servers(local_servers: Servers) -> str:
    """`host:port` of a Kafka."""
    return local_servers.kafka


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """The URL of a Redis whose data nobody needs; a cluster with `TEST_REDIS_CLUSTER=1`."""
    if os.environ.get("TEST_REDIS_CLUSTER"):
        return request.getfixturevalue("redis_servers").url
    return request.getfixturevalue("local_servers").redis


@pytest.fixture(scope="session")
def redis_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """A Redis Cluster of six servers, started once; skipped by name where there is no `redis-cli`."""
    if not shutil.which("redis-cli"):
        pytest.skip("there is no redis-cli to join a cluster with")
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture(scope="session")
def real_milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Milvus server that is not Lite; skipped by name where it is not wanted."""
    try:
        with milvus_server(tmp_path_factory.mktemp("milvus")) as server:
            yield server.address
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaStoreConfig]:
    """The bucket of a real S3 server; skipped by name where that is not wanted."""
    try:
        with run_s3_server(tmp_path_factory.mktemp("s3")) as config:
            yield config
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
