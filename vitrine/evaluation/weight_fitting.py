"""Weights of a running query worker, fitted to judged queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from query_api.config import QueryConfig
from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.ranking_metrics import ndcg
from query_api.evaluation.weight_tuning import CandidateParts, FittedWeights, FusionWeights, fit_weights, merge_rankings
from vitrine.client import Client, SearchResults
from vitrine.errors import InvalidJudgments
from vitrine.evaluation.rankings import CONCURRENT_QUERIES, NO_CACHE_HEADERS, search_pages

PROBE_WEIGHTS = (FusionWeights(1.0, 1.0, 1.0), FusionWeights(1.0, 1.0, 0.05), FusionWeights(0.05, 0.05, 1.0))
"""A query's candidates come of three rankings: balanced, by similarity, and by words. What is the best by any weights
is almost surely among the first of one of them."""
DEPTH = 100
HitParts = dict[str, tuple[float, float, float]]


def tune_worker(
    url: str, queries: Sequence[JudgedQuery], config: QueryConfig, k: int, seed: int, asked: Callable[[], object]
) -> FittedWeights:
    """Ask each query four times, whatever the number of weights that are tried, and fit the weights.

    Args:
        url: the worker's base URL.
        queries: judged ones.
        config: whose weights are the present ones.
        asked: called after each query, from any thread.

    Raises:
        InvalidJudgments: there are too few queries.
        NotRunning: nothing answers there.
        SearchRefused: the worker refuses a query.
    """
    with Client(url, headers=NO_CACHE_HEADERS) as client, ThreadPoolExecutor(CONCURRENT_QUERIES) as pool:

        def ask(query: JudgedQuery) -> tuple[CandidateParts, float]:
            found = _parts(client, query), _present_ndcg(client, query, k)
            asked()
            return found

        try:
            answers = list(pool.map(ask, queries))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    now = FusionWeights(config.text_query_text, config.text_query_image, config.lexical)
    try:
        return fit_weights([parts for parts, _ in answers], np.array([one for _, one in answers]), now, k, seed)
    except ValueError as error:
        raise InvalidJudgments(str(error)) from error


def settings_lines(weights: FusionWeights) -> list[str]:
    """Lines for `vitrine.toml`. The weights were fitted on judgments, so they are not to be scaled by a guess."""
    return [
        "[query]",
        f"text_query_text = {weights.text:g}",
        f"text_query_image = {weights.image:g}",
        f"lexical = {weights.lexical:g}",
        "text_trust = false",
    ]


def _present_ndcg(client: Client, query: JudgedQuery, k: int) -> float:
    pages = search_pages(client, query.text, {}, k)
    return ndcg([hit.product_id for page in pages for hit in page.hits], query.gains, k)


def _parts(client: Client, query: JudgedQuery) -> CandidateParts:
    pages: list[HitParts] = []
    for slant in PROBE_WEIGHTS:
        weights = {"text": slant.text, "image": slant.image, "lexical": slant.lexical, "personal": 0.0}
        found = search_pages(client, query.text, {"weights": weights, "explain": True}, DEPTH)
        pages += [_unweighted(page, slant) for page in found]
    return merge_rankings(pages, query.gains)


def _unweighted(page: SearchResults, slant: FusionWeights) -> HitParts:
    """The parts of a page's hits as they would be with weights of 1."""
    parts = {hit.product_id: hit.explanation or {} for hit in page.hits}
    return {
        product_id: (one["text"] / slant.text, one["image"] / slant.image, one["lexical"] / slant.lexical)
        for product_id, one in parts.items()
    }
