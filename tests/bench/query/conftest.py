"""The shop that is searched, a query worker of it, the bare service beside it, and who runs on which core."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from deploy.local.processes import free_port
from indexer.ports import Interaction
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.profiles import RedisProfileStore
from tests.bench.cores import Cores, confined_to
from tests.bench.query.listings import Listings
from tests.bench.shop import Servers, open_servers, stop

ENCODER = os.environ.get("BENCH_ENCODER", "mini")
PRODUCTS = int(os.environ.get("BENCH_QUERY_PRODUCTS", "5000"))
PARTITIONS = 3
SHOPPERS, CLICKS = 100, 12
READY_S = 30.0


@pytest.fixture(scope="session")
def listings() -> Listings:
    """What is in the shop."""
    return Listings.of(ENCODER, PRODUCTS)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, listings: Listings) -> Iterator[Servers]:
    """The servers, with all indexed, and shoppers who clicked; on the core that is not the query worker's."""
    with open_servers(tmp_path_factory.mktemp("query"), ENCODER, PARTITIONS) as servers:
        asyncio.run(listings.index(servers.milvus_config))
        asyncio.run(_record_clicks(servers, listings))
        yield servers


@pytest.fixture
def confined(servers: Servers) -> Iterator[Cores]:
    """Servers and this process on one core: the other one is for whom is measured."""
    cores = Cores.choose()
    with servers.confined(cores):
        yield cores


@contextmanager
def bare_service(cores: Cores, redis_url: str | None) -> Iterator[str]:
    """The bare service, on the core of whom is measured; yields its URL."""
    port = free_port()
    argv = [sys.executable, "-m", "tests.bench.query.bare_service", str(port), *([redis_url] if redis_url else [])]
    with confined_to(cores.encoder):
        process = subprocess.Popen(argv)
    try:
        _wait_until_open(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def _wait_until_open(url: str) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not open within {READY_S:.0f} s")


async def _record_clicks(servers: Servers, listings: Listings) -> None:
    """Shoppers who have shown what they like."""
    redis, now_ms = connect_redis(RedisConfig(servers.redis)), int(time.time() * 1000)
    names = [one.product_id for one in listings.products]
    clicks = [
        (f"shopper-{who}", Interaction(f"{who}-{n}", "clicked", names[(who * 31 + n * 7919) % len(names)], now_ms - n))
        for who in range(SHOPPERS)
        for n in range(CLICKS)
    ]
    try:
        await RedisProfileStore(redis, deadline_s=30).record(clicks)
    finally:
        await redis.aclose()
