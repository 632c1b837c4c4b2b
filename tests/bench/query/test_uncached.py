"""Searches that bypass the cache against bare calls of Milvus, the same ones by the same client; about 2 minutes.

`BENCH_QUERY_PRODUCTS`, `BENCH_QUERY_ROUNDS`, `BENCH_QUERY_SECONDS` make it smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.bench.cores import Cores, confined_to
from tests.bench.query.bare_searches import search_bare
from tests.bench.query.conftest import PRODUCTS
from tests.bench.query.generator import Order, Outcome, ask
from tests.bench.query.listings import Listings
from tests.bench.query.rounds import ROUNDS, SECONDS, Rounds, figures, in_turns, ratio
from tests.bench.query.services import locked_worker, open_worker, record_requests
from tests.bench.report import Target, publish_report
from tests.bench.shop import Servers

CONNECTIONS = 8
QUERIES, RECORDED = 4_000, 100
NO_CACHE = "cache-control: no-cache\r\n"
BARE, OPEN, LOCKED = "bare calls of Milvus", "uncached", "uncached, with a key"


def test_an_uncached_search_costs_little_more_than_milvus(
    servers: Servers, confined: Cores, listings: Listings, tmp_path: Path
):
    paths = [f"/v1/search?q={quote(query)}" for query in listings.queries(QUERIES, seed=1)]
    recorded = record_requests(servers, paths[:RECORDED], tmp_path)
    with open_worker(servers, confined) as worker, locked_worker(servers, confined, tmp_path) as locked:
        rounds = in_turns(
            {
                BARE: partial(_bare, servers.milvus, recorded, confined),
                OPEN: partial(_ask, worker.url, paths, NO_CACHE),
                LOCKED: partial(_ask, locked.url, paths, NO_CACHE + locked.header),
            }
        )
    _publish(rounds)


def _bare(uri: str, recorded: Path, cores: Cores, _: int) -> Outcome:
    with confined_to(cores.encoder):
        return search_bare(uri, recorded, CONNECTIONS, SECONDS)


def _ask(url: str, paths: Sequence[str], headers: str, number: int) -> Outcome:
    """Each round asks for what the one before it did not."""
    return ask(Order(url, paths, headers, CONNECTIONS, SECONDS, first=number * QUERIES // (ROUNDS + 1)))


def _publish(rounds: Rounds) -> None:
    shares = {name: ratio(rounds, name, BARE) for name in rounds}
    keys = ratio(rounds, LOCKED, OPEN)
    rows: list[tuple[Any, ...]] = [(name, *figures(some), str(shares[name])) for name, some in rounds.items()]
    targets = [
        Target("searches/s of bare calls", shares[OPEN].median, 0.85),
        Target("uncached searches/s", figures(rounds[OPEN])[0], 180.0),
        Target("with a key, of without", keys.median, 0.85),
    ]
    columns = ["what", "requests/s", "p50 ms", "p99 ms", "of bare calls [least, greatest]"]
    facts = {"products": PRODUCTS, "rounds": ROUNDS, "connections": CONNECTIONS}
    publish_report("uncached", columns, rows, targets, **facts, ratios={"uncached": shares[OPEN].median})
