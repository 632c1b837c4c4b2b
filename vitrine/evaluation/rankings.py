"""Judged queries asked of a running query worker, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.report import QueryRanking, SearchConfiguration
from vitrine.client import Client, SearchResults

CONCURRENT_QUERIES = 8
"""Queries at once: enough to keep a worker busy, and far from what it refuses."""
PAGE = 100
"""The most results that one request gives."""
MAX_TEXT = 1_000
NO_CACHE_HEADERS = {"cache-control": "no-cache"}


def collect_rankings(
    url: str,
    queries: Sequence[JudgedQuery],
    configuration: SearchConfiguration,
    depth: int,
    asked: Callable[[], object],
) -> list[QueryRanking]:
    """Ask each query, past the worker's cache.

    Args:
        url: the worker's base URL.
        configuration: how to ask; its request's `url`, if it has one, is of another worker to ask instead.
        depth: how many results.
        asked: called after each query, from any thread.

    Raises:
        NotRunning: nothing answers there.
        SearchRefused: the worker refuses the request.
    """
    request = dict(configuration.request)
    with (
        Client(str(request.pop("url", url)), headers=NO_CACHE_HEADERS) as client,
        ThreadPoolExecutor(CONCURRENT_QUERIES) as pool,
    ):

        def ask(query: JudgedQuery) -> QueryRanking:
            found = _rank(client, query.text, request, depth)
            asked()
            return found

        try:
            return list(pool.map(ask, queries))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def search_pages(client: Client, text: str, request: Mapping[str, Any], depth: int) -> list[SearchResults]:
    """The first `depth` results of a query, in as many pages as it takes."""
    pages: list[SearchResults] = []
    for offset in range(0, depth, PAGE):
        k = min(PAGE, depth - offset)
        pages.append(client.search(text[:MAX_TEXT], k=k, offset=offset or None, **request))
        if len(pages[-1].hits) < k:
            break
    return pages


def _rank(client: Client, text: str, request: Mapping[str, Any], depth: int) -> QueryRanking:
    pages = search_pages(client, text, request, depth)
    hits = [hit for page in pages for hit in page.hits]
    return QueryRanking(
        tuple(hit.product_id for hit in hits),
        tuple(hit.title or "" for hit in hits),
        sum(page.took_ms for page in pages),
        tuple(sorted({name for page in pages for name in page.degraded})),
    )
