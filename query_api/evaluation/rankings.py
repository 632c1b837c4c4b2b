"""Rankings of judged queries by a running query worker, asked for a few queries at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.reports.report import QueryRanking

Answer = TypeVar("Answer")

CONCURRENT_QUERIES = 8
"""Queries asked at once: enough to keep a worker busy, and far from where it refuses more."""
PAGE = 100
"""The most results that the worker gives in one answer."""
MAX_TEXT = 1_000
"""The longest text that the worker takes, in characters; longer queries are cut off."""


class WorkerHit(Protocol):
    """One hit of an answer."""

    @property
    def product_id(self) -> str: ...

    @property
    def title(self) -> str | None: ...

    @property
    def explanation(self) -> Mapping[str, Any] | None:
        """The parts of its score; None: the request did not ask for them."""
        ...


class WorkerAnswer(Protocol):
    """One answer of `POST /v1/search`."""

    @property
    def hits(self) -> Sequence[WorkerHit]:
        """Best first."""
        ...

    @property
    def took_ms(self) -> float: ...

    @property
    def degraded(self) -> Sequence[str]:
        """What the search was done without, because a server did not answer."""
        ...


class SearchClient(Protocol):
    """A client of one query worker. It is called from several threads at once."""

    def search(self, text: str, /, *, k: int, offset: int | None, **request: Any) -> WorkerAnswer:
        """Ask for the `k` results after the first `offset`; `request` holds further fields of the search request."""
        ...


def collect_rankings(
    client: SearchClient,
    queries: Sequence[JudgedQuery],
    request: Mapping[str, Any],
    depth: int,
    on_answer: Callable[[], object],
) -> list[QueryRanking]:
    """Ask for the first `depth` results of each query.

    Args:
        client: of the worker; it should ask past the worker's cache.
        queries: (n,) what is asked for.
        request: fields of the search request beside the text, the same for all queries.
        depth: how many results, in as many pages as it takes.
        on_answer: called once a query is answered, from any thread.

    Returns:
        (n,) rankings in the order of the queries. Whatever `client.search` raises ends it.
    """
    return ask_each(queries, lambda query: _ranking(search_pages(client, query.text, request, depth)), on_answer)


def ask_each(
    queries: Sequence[JudgedQuery], ask: Callable[[JudgedQuery], Answer], on_answer: Callable[[], object]
) -> list[Answer]:
    """Call `ask` with each query, `CONCURRENT_QUERIES` at a time, each in a thread; answers are in the queries' order.

    An error of `ask` is raised at once; queries that were not begun by then are not asked.
    """

    def ask_and_report(query: JudgedQuery) -> Answer:
        answer = ask(query)
        on_answer()
        return answer

    with ThreadPoolExecutor(CONCURRENT_QUERIES) as pool:
        try:
            return list(pool.map(ask_and_report, queries))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def search_pages(client: SearchClient, text: str, request: Mapping[str, Any], depth: int) -> list[WorkerAnswer]:
    """The pages with the first `depth` results of a query; the last may be short, and ends the search."""
    pages: list[WorkerAnswer] = []
    for offset in range(0, depth, PAGE):
        k = min(PAGE, depth - offset)
        pages.append(client.search(text[:MAX_TEXT], k=k, offset=offset or None, **request))
        if len(pages[-1].hits) < k:
            break
    return pages


def _ranking(pages: Sequence[WorkerAnswer]) -> QueryRanking:
    hits = [hit for page in pages for hit in page.hits]
    return QueryRanking(
        tuple(hit.product_id for hit in hits),
        tuple(hit.title or "" for hit in hits),
        sum(page.took_ms for page in pages),
        tuple(sorted({name for page in pages for name in page.degraded})),
    )
