"""The shop that is searched, and who is measured, on a core of their own: query workers and the bare service."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.local.processes import free_port
from indexer.ports.profiles import Interaction
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shoppers.profiles import RedisProfileStore
from query_api.access.api_keys import encode_record, make_key
from tests.bench.cores import Cores, confined_to, move_tree
from tests.bench.query.bare_searches import waves_of
from tests.bench.query.listings import Listings
from tests.bench.query.recorded_worker import recorded_searches
from tests.bench.shop import Servers, Worker, open_servers, stop

PARTITIONS = 3
SHOPPERS, CLICKS = 100, 12
READY_S = 120.0
RATE_LIMIT = "1000000/second"


@contextmanager
def open_searched_shop(directory: Path, encoder: str, listings: Listings) -> Iterator[Servers]:
    """Servers with all listings indexed, and shoppers who clicked."""
    with open_servers(directory, encoder, PARTITIONS) as servers:
        asyncio.run(listings.index(servers.milvus_config))
        asyncio.run(_record_clicks(servers, listings))
        yield servers


@dataclass(frozen=True, slots=True)
class LockedWorker:
    """A worker that asks for keys and counts by rates."""

    url: str
    header: str
    """What a request has to bring."""


@contextmanager
def bare_service(cores: Cores, redis_url: str | None) -> Iterator[str]:
    """The bare service, on the core of whom is measured; yields its URL."""
    port = free_port()
    argv = [sys.executable, "-m", "tests.bench.query.bare_service", str(port), *([redis_url] if redis_url else [])]
    with confined_to(cores.encoder):
        process = subprocess.Popen(argv)
    try:
        wait_until_open(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def wait_until_open(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until a service answers. Raises `TimeoutError`, and `RuntimeError` when it has ended."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with suppress(httpx.TransportError):
            httpx.get(url, trust_env=False)
            return
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not open within {READY_S:.0f} s")


@contextmanager
def open_worker(servers: Servers, cores: Cores, **settings: str) -> Iterator[Worker]:
    """A query worker."""
    with servers.query_process(**settings) as worker:
        move_tree(worker.process, cores.encoder)
        yield worker


@contextmanager
def locked_worker(servers: Servers, cores: Cores, directory: Path) -> Iterator[LockedWorker]:
    """A query worker that asks for keys."""
    key, stored = make_key(["search", "users"], time.time())
    file = directory / "keys"
    file.write_bytes(encode_record(stored))
    locks = {"VITRINE_QUERY_API_KEYS_FILE": str(file), "VITRINE_QUERY_RATE_LIMIT_KEY": RATE_LIMIT}
    with open_worker(servers, cores, **locks) as worker:
        yield LockedWorker(worker.url, f"authorization: Bearer {key}\r\n")


def record_requests(servers: Servers, paths: Sequence[str], directory: Path) -> Path:
    """The searches of Milvus' that uncached requests come to, for `search_bare`, and the file that they are in."""
    log, output = directory / "searches", directory / "requests"
    asked: list[tuple[float, float]] = []
    command = (sys.executable, "-m", "tests.bench.query.recorded_worker", str(log))
    with servers.query_process(command) as worker, httpx.Client(base_url=worker.url, trust_env=False) as http:
        for path in paths:
            began_s = time.monotonic()
            http.get(path, headers={"cache-control": "no-cache"}).raise_for_status()
            asked.append((began_s, time.monotonic()))
    searches = recorded_searches(log)
    requests = [waves_of([search for search in searches if began <= search.began_s <= ended]) for began, ended in asked]
    output.write_bytes(pickle.dumps([request for request in requests if request]))
    return output


async def _record_clicks(servers: Servers, listings: Listings) -> None:
    """Shoppers who have shown what they like."""
    redis, now_ms = connect_redis(RedisConfig(servers.redis)), int(time.time() * 1000)
    names = [product.product_id for product in listings.products]
    clicks = [
        (f"shopper-{who}", Interaction(f"{who}-{n}", "clicked", names[(who * 31 + n * 7919) % len(names)], now_ms - n))
        for who in range(SHOPPERS)
        for n in range(CLICKS)
    ]
    try:
        await RedisProfileStore(redis, deadline_s=30).record(clicks)
    finally:
        await redis.aclose()
