"""Cached searches a second against one Redis GET behind bare HTTP; about 4 minutes.

`BENCH_QUERY_PRODUCTS`, `BENCH_QUERY_ROUNDS`, `BENCH_QUERY_SECONDS` make it smaller.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from indexer.redis.client import RedisConfig, connect_redis
from tests.bench.cores import Cores
from tests.bench.query.conftest import PRODUCTS
from tests.bench.query.generator import Order, Outcome, ask
from tests.bench.query.hot_queries import BARE_PATHS, CONNECTIONS, hot_paths, saturated, store_answers
from tests.bench.query.listings import Listings
from tests.bench.query.rounds import ROUNDS, SECONDS, Rounds, figures, in_turns, ratio
from tests.bench.query.services import SHOPPERS, bare_service, locked_worker, open_worker
from tests.bench.report import Target, publish_report
from tests.bench.shop import Servers

PROBES = 10
"""Queries whose entries in Redis are weighed."""
HIT, WHOLE = '"cache":"hit"', '"degraded":[]'
MUCH_MEMORY = 512 * 2**20


def test_a_hot_query_costs_little_more_than_bare_redis(
    servers: Servers, confined: Cores, listings: Listings, tmp_path: Path
):
    with (
        open_worker(servers, confined) as worker,
        locked_worker(servers, confined, tmp_path) as locked,
        bare_service(confined, servers.redis) as bare_url,
        bare_service(confined, None) as fixed_url,
    ):
        url, paths = worker.url, hot_paths(listings)
        store_answers(servers, url, paths)
        personal = [f"{path}&user_id=shopper-{number % SHOPPERS}" for number, path in enumerate(paths * 3)]
        orders = {
            "bare": Order(bare_url, BARE_PATHS),
            "anonymous": Order(url, paths, marks=[HIT, WHOLE]),
            "personal": Order(url, personal, marks=[HIT, WHOLE]),
            "anonymous, with a key": Order(locked.url, paths, locked.header, marks=[HIT, WHOLE]),
            "personal, with a key": Order(locked.url, personal, locked.header, marks=[HIT, WHOLE]),
        }
        ceiling = ask(Order(fixed_url, ["/"], connections=CONNECTIONS, seconds=SECONDS))
        whole = in_turns({name: partial(saturated, order) for name, order in orders.items()})
        half = in_turns({name: partial(_at_half, orders[name], whole[name]) for name in ("bare", "anonymous")})
        _publish(whole, half, ceiling, asyncio.run(_entry_bytes(servers, url)))


def _at_half(order: Order, whole: list[Outcome], _: int) -> Outcome:
    return ask(replace(order, connections=CONNECTIONS, seconds=SECONDS, rate=figures(whole)[0] / 2))


async def _entry_bytes(servers: Servers, url: str) -> float:
    """What Redis keeps more for a query that is asked for the first time; the median of some."""
    redis, added = connect_redis(RedisConfig(servers.redis)), list[int]()
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for number in range(PROBES):
            before = {key async for key in redis.scan_iter()}
            for _ in range(3):
                (await http.get("/v1/search", params={"q": f"red shirt {number}"})).raise_for_status()
            after = {key async for key in redis.scan_iter()}
            added.append(sum([await redis.memory_usage(key) or 0 for key in after - before]))
    await redis.aclose()
    return statistics.median(added)


def _publish(whole: Rounds, half: Rounds, ceiling: Outcome, entry_bytes: float) -> None:
    shares = {name: ratio(whole, name, "bare") for name in whole}
    rows = [_row(name, some, str(shares[name])) for name, some in whole.items()]
    rows += [_row(f"{name}, at half", some, "") for name, some in half.items()]
    rows.append(_row("who asks, of a fixed answer", [ceiling], ""))
    keys = {name: ratio(whole, f"{name}, with a key", name) for name in ("anonymous", "personal")}
    late = ratio(half, "anonymous", "bare", lambda one: one.p99_ms)
    targets = [
        Target("anonymous, of bare", shares["anonymous"].median, 0.60),
        Target("personal, of bare", shares["personal"].median, 0.40),
        *(Target(f"{name} with a key, of without", one.median, 0.85) for name, one in keys.items()),
        Target("p99 at half of saturation, of bare's", late.median, 1.5, at_most=True),
        Target("KB in Redis for a hot query", entry_bytes / 1024, 25.0, at_most=True),
        Target("anonymous answers from the cache", _hits(whole["anonymous"]), 0.99),
        Target("personal answers from the cache", _hits(whole["personal"]), 0.99),
    ]
    columns = ["what", "requests/s", "p50 ms", "p99 ms", "of bare [least, greatest]", "hits", "asker's core"]
    publish_report(
        "hot-queries",
        columns,
        rows,
        targets,
        products=PRODUCTS,
        rounds=ROUNDS,
        connections=CONNECTIONS,
        entry_bytes=entry_bytes,
        queries_in_512_mb=int(MUCH_MEMORY / entry_bytes) if entry_bytes else None,
        p99_at_half_of_bare=str(late),
        ratios={"cached": shares["anonymous"].median, "cached personal": shares["personal"].median},
    )


def _row(name: str, some: Sequence[Outcome], share: str) -> tuple[Any, ...]:
    return (name, *figures(some), share, _hits(some), max(one.busy for one in some))


def _hits(some: Sequence[Outcome]) -> float:
    """The share of answers that came from the cache with nothing left out."""
    return statistics.median(min(one.marked.values(), default=0) / one.answers for one in some)
