"""Queries that are asked again and again, of a worker that keeps their answers, and of the bare service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import quote

import httpx
from msgspec.structs import replace

from indexer.redis.client import RedisConfig, connect_redis
from tests.bench.query.generator import Order, Outcome, ask
from tests.bench.query.listings import Listings
from tests.bench.query.rounds import SECONDS
from tests.bench.shop import Servers

CONNECTIONS = 8
HOT = 100
BARE_PATHS = [f"/bench-{number}" for number in range(HOT)]
"""Under which the bare service has our answers."""


def hot_paths(listings: Listings) -> list[str]:
    """The hot queries."""
    return [f"/v1/search?q={quote(query)}" for query in listings.queries(HOT)]


def store_answers(servers: Servers, url: str, paths: Sequence[str]) -> None:
    """Give the bare service a worker's answers to hand out."""

    async def store() -> None:
        redis = connect_redis(RedisConfig(servers.redis))
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            for bare_path, path in zip(BARE_PATHS, paths, strict=True):
                await redis.set(bare_path, (await http.get(path)).raise_for_status().content)
        await redis.aclose()

    asyncio.run(store())


def saturated(order: Order, _: int) -> Outcome:
    """Ask as fast as there are answers."""
    return ask(replace(order, connections=CONNECTIONS, seconds=SECONDS))
