"""Searches beside other engines behind the least of HTTP, on the same vectors at like recall; about 3 minutes.

All may use the whole machine. Others are given the query's vector; ours encodes the query's text, and so does the
script. `BENCH_QUERY_PRODUCTS`, `BENCH_QUERY_ROUNDS`, `BENCH_QUERY_SECONDS` make it smaller.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from msgspec.structs import replace

from tests.bench.query.conftest import ENCODER, PRODUCTS
from tests.bench.query.engines import Questions, engine, found_by, python_of_others, write_inputs
from tests.bench.query.generator import Order, Outcome, ask
from tests.bench.query.listings import Listings
from tests.bench.query.rounds import ROUNDS, SECONDS, Rounds, figures, in_turns, ratio
from tests.bench.report import Target, publish_report
from tests.bench.shop import Servers

QUESTIONS, JUDGED = 1_000, 200
CONNECTIONS = 8
NO_CACHE = {"cache-control": "no-cache"}
LEAST_RECALL = 0.98
OTHERS = ("chromadb", "lancedb")


def test_searches_beside_other_engines(servers: Servers, listings: Listings, tmp_path: Path):
    others = python_of_others()
    if others is None:
        pytest.skip("an environment with chromadb and lancedb cannot be made here")
    questions = Questions.of(listings, ENCODER, QUESTIONS)
    write_inputs(tmp_path, listings, questions)
    numbered = [f"/{number}" for number in range(QUESTIONS)]
    ours = [f"/v1/search?q={quote(text)}&mode=dense" for text in questions.texts]
    python = Path(sys.executable)
    with ExitStack() as running:
        urls = {name: running.enter_context(engine(others, name, tmp_path)) for name in OTHERS}
        options = (servers.milvus, ENCODER)
        urls["milvus"] = running.enter_context(engine(python, "milvus", tmp_path, *options))
        indexed = {name: httpx.get(url, trust_env=False).json() for name, url in urls.items()}
        urls["script"] = running.enter_context(engine(python, "script", tmp_path, *options))
        indexed["script"] = httpx.get(urls["script"], trust_env=False).json()
        worker = running.enter_context(servers.query_worker())
        orders = {name: Order(url, numbered) for name, url in urls.items()}
        orders["vitrine, uncached"] = Order(worker, ours, "cache-control: no-cache\r\n")
        orders["vitrine"] = Order(worker, ours)
        recalls = {name: _recall(questions, order) for name, order in orders.items()}
        contenders: dict[str, Callable[[int], Outcome]] = {name: partial(_ask, order) for name, order in orders.items()}
        rounds = in_turns(contenders)
    _publish(rounds, recalls, indexed)


def _ask(order: Order, _: int) -> Outcome:
    return ask(replace(order, connections=CONNECTIONS, seconds=SECONDS))


def _recall(questions: Questions, order: Order) -> float:
    part = Questions(questions.texts[:JUDGED], questions.vectors, questions.nearest[:JUDGED])
    return part.recall(found_by(order.url, order.paths[:JUDGED], NO_CACHE))


def _publish(rounds: Rounds, recalls: dict[str, float], indexed: dict[str, float]) -> None:
    rows: list[tuple[Any, ...]] = [
        (name, *figures(some), recalls[name], indexed.get(name, ""), str(ratio(rounds, name, "milvus")))
        for name, some in rounds.items()
    ]
    targets = [Target(f"recall@10 of {name}", figure, LEAST_RECALL) for name, figure in recalls.items()]
    columns = ["engine", "searches/s", "p50 ms", "p99 ms", "recall@10", "indexed/s", "of bare Milvus [least, greatest]"]
    facts = {"products": PRODUCTS, "rounds": ROUNDS, "connections": CONNECTIONS}
    publish_report("engines", columns, rows, targets, **facts)
