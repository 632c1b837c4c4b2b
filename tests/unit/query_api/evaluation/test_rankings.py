"""Rankings of judged queries, asked of a worker page by page."""

from __future__ import annotations

import pytest

from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.rankings import MAX_TEXT, PAGE, ask_each, collect_rankings, search_pages
from tests.unit.query_api.evaluation.scripted_worker import ScriptedWorker

PRODUCTS = {f"p{at:03}": (0.0, 0.0, 1.0 - at / 1_000) for at in range(150)}
QUERIES = [JudgedQuery(str(at), f"query {at}", {}) for at in range(20)]


def test_results_are_collected_in_the_order_of_queries_and_ranks():
    worker = ScriptedWorker({query.text: {f"{query.query_id}-a": (0, 0, 1), "b": (0, 0, 2)} for query in QUERIES})
    answered: list[int] = []
    rankings = collect_rankings(worker, QUERIES, {"mode": "lexical"}, 10, lambda: answered.append(1))
    assert [ranking.product_ids for ranking in rankings] == [("b", f"{query.query_id}-a") for query in QUERIES]
    assert rankings[0].titles == ("title of b", "title of 0-a")
    assert len(answered) == len(QUERIES) == len(worker.requests)
    assert all(request["mode"] == "lexical" for request in worker.requests)


@pytest.mark.parametrize(
    ("depth", "pages"),
    [
        (10, [(10, None)]),
        (PAGE, [(PAGE, None)]),
        (120, [(PAGE, None), (20, PAGE)]),
        # The second page is short, for there are 150 products: a third is not asked for.
        (300, [(PAGE, None), (PAGE, PAGE)]),
    ],
)
def test_as_many_pages_are_asked_for_as_it_takes(depth: int, pages: list[tuple[int, int | None]]):
    worker = ScriptedWorker({"mug": PRODUCTS})
    found = [hit.product_id for page in search_pages(worker, "mug", {}, depth) for hit in page.hits]
    assert found == list(PRODUCTS)[:depth]
    assert [(request["k"], request["offset"]) for request in worker.requests] == pages


def test_a_ranking_sums_the_time_of_its_pages_and_names_what_was_missing():
    worker = ScriptedWorker({"mug": PRODUCTS}, degraded=("cache",))
    (ranking,) = collect_rankings(worker, [JudgedQuery("1", "mug", {})], {}, 120, lambda: None)
    assert (ranking.took_ms, ranking.degraded) == (2.0, ("cache",))


def test_texts_are_cut_to_what_a_worker_takes():
    worker = ScriptedWorker({"x" * MAX_TEXT: {}})
    search_pages(worker, "x" * (MAX_TEXT + 1), {}, 10)
    assert len(worker.requests[0]["text"]) == MAX_TEXT


def test_the_first_error_ends_it():
    asked: list[str] = []

    def ask(query: JudgedQuery) -> None:
        asked.append(query.text)
        raise ConnectionError(query.text)

    queries = QUERIES * 50
    with pytest.raises(ConnectionError):
        ask_each(queries, ask, lambda: pytest.fail("no query was answered"))
    assert len(asked) < len(queries)
