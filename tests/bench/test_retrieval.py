"""Search among 100,000 products on embedded Milvus: recall against exact search, and what our path adds to Milvus'."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoders.port import HashEncoder
from encoders.spec import FloatArray, PartWeights, fused_query_vector
from query_api.cards.card_table import CardTable
from query_api.config import QueryConfig
from query_api.contract.requests import SearchRequest
from query_api.evaluation.index_recall import RecallRow, draw_queries, measure_recall
from query_api.retrieval.candidate_set import RetrievalLimits, RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.facets.counting import FacetCounter
from query_api.search.planning import BROWSE_ORDERS, FIRST_PAGES_LIMIT
from query_api.search.ranking import RankWeights, Scoring, rank_candidates
from query_api.search.response_builder import IndexStatus, ResponseBuilder
from query_api.search.results import RankedResults, needs_all_cards, with_cards
from query_api.search.score_parts import ScoreExplainer
from tests.bench.bare_calls import Recorder, Wave, repeat
from tests.bench.big_shop import DIM, BigShop, draw_words, open_big_shop
from tests.bench.report import Target, publish_report
from tests.shop import Shop

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "100000"))
INDEX_TYPE = os.environ.get("BENCH_INDEX_TYPE", "FLAT")
RECALL_QUERIES, QUERIES, WARM_UP = 25, 80, 10
CONCURRENT, LOADED_S, TURNS = 8, 3.0, 3
MODES = ("dense", "lexical", "hybrid")


@dataclass(frozen=True)
class Query:
    """A request with its embedding, and the searches of Milvus' that it comes to."""

    retrieval: RetrievalQuery
    waves: Sequence[Wave]


class OurPath:
    """Our way from a request to its page, without encoder and cache."""

    def __init__(self, big: BigShop, shop: Shop) -> None:
        self._retriever = Retriever(big.store, RetrievalLimits())
        self._cards = CardTable(big.store, QueryConfig().card_table_bytes)
        self._responses = ResponseBuilder(
            FacetCounter(big.store, self._retriever),
            ScoreExplainer(big.store, big.spec),
            IndexStatus("bench", shop.services.index_age_ms),
        )

    async def __call__(self, retrieval: RetrievalQuery, **request: Any) -> None:
        started_s = time.perf_counter()
        candidates, scoring = await self._retriever.retrieve(retrieval), Scoring(RankWeights(0.6, 0.5))
        asked, cards = SearchRequest(**request), self._cards.open(is_current=True)
        items = await with_cards(candidates.items, cards) if needs_all_cards(asked, scoring) else candidates.items
        results = RankedResults(
            asked,
            rank_candidates(items, scoring, cards),
            retrieval,
            scoring,
            cards,
            candidates.is_truncated,
            candidates.unretrieved_count,
        )
        await self._responses.build(results, started_s)


async def test_search_is_exact_and_costs_little_more_than_the_bare_calls(tmp_path: Path) -> None:
    encoder = HashEncoder(DIM)
    started_s = time.perf_counter()
    async with open_big_shop(tmp_path, encoder.spec, PRODUCTS, INDEX_TYPE) as big:
        building_s = time.perf_counter() - started_s
        with closing(Shop(store=big.store, encoder=encoder)) as shop:
            recall = await _recall(big)
            path = OurPath(big, shop)
            _publish_recall(recall, building_s)
            await _publish_speed(big, path)


async def _recall(big: BigShop) -> list[RecallRow]:
    queries = draw_queries(big.spec, big.live, RECALL_QUERIES)
    return await measure_recall(big.store, big.spec, big.live, queries, k=10, depth=1_000)


def _publish_recall(rows: Sequence[RecallRow], building_s: float) -> None:
    columns = ("weights", "kept", "recall@10", "worst", "p50 ms", "p99 ms")
    table = [(row.weights, row.kept, row.recall, row.worst, row.p50_ms, row.p99_ms) for row in rows]
    target = Target("least recall@10", min(row.recall for row in rows), 0.98)
    facts = {"products": PRODUCTS, "index_type": INDEX_TYPE, "building_s": round(building_s, 1)}
    publish_report("retrieval-recall", columns, table, [target], **facts)
    assert target.met


async def _publish_speed(big: BigShop, path: OurPath) -> None:
    rows: list[tuple[Any, ...]] = []
    targets: list[Target] = []
    for mode in MODES:
        queries = await _queries(big, path, mode)
        bare_ms, ours_ms, added_ms, added_cpu_ms = await _one_at_a_time(big, path, queries)
        bare, ours = await _loaded(big, path, queries)
        rows.append((mode, bare_ms, ours_ms, added_ms, added_cpu_ms, bare, ours, ours / bare))
        targets.append(Target(f"{mode}: ms added at the median", added_ms, 2.0, at_most=True))
        targets.append(Target(f"{mode}: throughput of bare calls at {CONCURRENT}", ours / bare, 0.85))
    for name, ms in (await _browsing(path)).items():
        rows.append((name, "", ms, "", "", "", "", ""))
    columns = ("search", "bare ms", "ours ms", "added ms", "added CPU ms", "bare/s", "ours/s", "share")
    publish_report("retrieval-overhead", columns, rows, targets, products=PRODUCTS, index_type=INDEX_TYPE)


async def _queries(big: BigShop, path: OurPath, mode: str) -> list[Query]:
    chance = random.Random(5)
    made: list[Query] = []
    for text, image in draw_queries(big.spec, big.live, QUERIES, seed=9):
        vector = fused_query_vector(big.spec, text, image, PartWeights(0.3, 0.1)) if mode != "lexical" else None
        words = " ".join(draw_words(chance, 3)) if mode != "dense" else None
        made.append(await _recorded(big, path, vector, words))
    return made


async def _recorded(big: BigShop, path: OurPath, vector: FloatArray | None, words: str | None) -> Query:
    retrieval = RetrievalQuery(vector, words)
    with Recorder(big.store) as recorder:
        await path(retrieval)
    return Query(retrieval, recorder.waves)


async def _one_at_a_time(big: BigShop, path: OurPath, queries: Sequence[Query]) -> tuple[float, float, float, float]:
    """Median ms of the bare calls, of ours, and of what ours adds, by the clock and in CPU time of this process.

    Measured in turns, each first every other time.
    """
    took: list[tuple[float, ...]] = []
    for at, query in enumerate(queries):
        ways: list[Callable[[], Awaitable[None]]] = [
            lambda query=query: repeat(big.bare, query.waves),
            lambda query=query: path(query.retrieval),
        ]
        order = (0, 1) if at % 2 else (1, 0)
        ms = {which: await _timed(ways[which]) for which in order}
        took.append((*ms[0], *ms[1]))
    bare, bare_cpu, ours, ours_cpu = (float(one) for one in np.median(took[WARM_UP:], axis=0))
    return bare, ours, ours - bare, ours_cpu - bare_cpu


async def _loaded(big: BigShop, path: OurPath, queries: Sequence[Query]) -> tuple[float, float]:
    """Median queries a second of the bare calls and of ours, so many at a time; measured in turns."""
    runs: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(TURNS):
        runs["bare"].append(await _throughput(lambda query: repeat(big.bare, query.waves), queries))
        runs["ours"].append(await _throughput(lambda query: path(query.retrieval), queries))
    return statistics.median(runs["bare"]), statistics.median(runs["ours"])


async def _throughput(ask: Callable[[Query], Awaitable[None]], queries: Sequence[Query]) -> float:
    started_s, done = time.perf_counter(), 0

    async def client(number: int) -> None:
        nonlocal done
        while time.perf_counter() - started_s < LOADED_S:
            number += 1
            await ask(queries[number % len(queries)])
            done += 1

    await asyncio.gather(*(client(number * len(queries) // CONCURRENT) for number in range(CONCURRENT)))
    return done / (time.perf_counter() - started_s)


async def _browsing(path: OurPath) -> dict[str, float]:
    """Median ms of looks at everything without a query."""
    looks: dict[str, tuple[RetrievalQuery, dict[str, Any]]] = {
        "browse": (RetrievalQuery(None, None, browse_limit=FIRST_PAGES_LIMIT), {}),
        "browse by price": (
            RetrievalQuery(None, None, (), BROWSE_ORDERS["price"], FIRST_PAGES_LIMIT),
            {"sort": "price"},
        ),
        "browse with facets": (RetrievalQuery(None, None), {"facets": ["category", "price"]}),
    }
    return {
        name: statistics.median([(await _timed(lambda one=one: path(one[0], **one[1])))[0] for _ in range(5)])
        for name, one in looks.items()
    }


async def _timed(call: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Ms that a call takes, by the clock and in CPU time."""
    started_s, cpu_s = time.perf_counter(), time.process_time()
    await call()
    return (time.perf_counter() - started_s) * 1000, (time.process_time() - cpu_s) * 1000
