"""How the cost of a search grows: with products, and with connections; about 8 minutes, a part of `make bench`.

`BENCH_GROWTH`: the sizes of the shop; `BENCH_QUERY_ROUNDS`, `BENCH_QUERY_SECONDS` make it smaller.
"""

from __future__ import annotations

import os
import statistics
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from tests.bench.conftest import ENCODER
from tests.bench.cores import Cores
from tests.bench.query.generator import Order, Outcome, ask
from tests.bench.query.hot_queries import BARE_PATHS, CONNECTIONS, hot_paths, store_answers
from tests.bench.query.listings import Listings
from tests.bench.query.rounds import ROUNDS, SECONDS, figures, in_turns, ratio
from tests.bench.query.services import bare_service, open_searched_shop, open_worker
from tests.bench.report import publish_report

SIZES = [int(one) for one in os.environ.get("BENCH_GROWTH", "1000,10000,100000").split(",")]
MANY_CONNECTIONS = (1, 8, 64)
QUERIES = 2_000
NO_CACHE = "cache-control: no-cache\r\n"
COLUMNS = ("req/s", "p50 ms", "p99 ms")


def test_what_more_products_cost(tmp_path: Path):
    rows: list[tuple[Any, ...]] = []
    for size in SIZES:
        rows += _measure(tmp_path / str(size), size, (CONNECTIONS,))
    publish_report("growth-products", ["products", "connections", *_columns()], rows, [], rounds=ROUNDS)


def test_what_more_connections_cost(tmp_path: Path):
    size = SIZES[len(SIZES) // 2]
    rows = _measure(tmp_path, size, MANY_CONNECTIONS)
    publish_report("growth-connections", ["products", "connections", *_columns()], rows, [], rounds=ROUNDS)


def _columns() -> list[str]:
    return [f"{name} {column}" for name in ("bare", "cached", "uncached") for column in COLUMNS] + [
        "uncached, refused",
        "cached of bare",
    ]


def _measure(directory: Path, size: int, connections: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """A row for each number of connections."""
    directory.mkdir(exist_ok=True)
    listings, cores = Listings.of(ENCODER, size), Cores.choose()
    paths = hot_paths(listings)
    unique = [f"/v1/search?q={quote(query)}" for query in listings.queries(QUERIES, seed=6)]
    rows: list[tuple[Any, ...]] = []
    with (
        open_searched_shop(directory, ENCODER, listings) as servers,
        servers.confined(cores),
        open_worker(servers, cores) as worker,
        bare_service(cores, servers.redis) as bare_url,
    ):
        store_answers(servers, worker.url, paths)
        orders = {
            "bare": Order(bare_url, BARE_PATHS),
            "cached": Order(worker.url, paths),
            "uncached": Order(worker.url, unique, NO_CACHE),
        }
        for count in connections:
            rounds = in_turns({name: partial(_ask, order, count) for name, order in orders.items()}, refusing=True)
            measured = [figure for name in orders for figure in figures(rounds[name])]
            refused = statistics.median(one.refused for one in rounds["uncached"])
            rows.append((size, count, *measured, refused, str(ratio(rounds, "cached", "bare"))))
    return rows


def _ask(order: Order, connections: int, number: int) -> Outcome:
    first = number * len(order.paths) // (ROUNDS + 1)
    return ask(replace(order, connections=connections, seconds=SECONDS, first=first))
