"""Weights of a running query worker, tuned to judged queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from query_api.config import QueryConfig
from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.ranking_metrics import ndcg
from query_api.evaluation.rankings import SearchClient, WorkerAnswer, ask_each, search_pages
from query_api.evaluation.weight_fitting import (
    CandidateParts,
    FittedWeights,
    FusionWeights,
    PartScores,
    fit_weights,
    merge_rankings,
)

PROBE_WEIGHTS = (FusionWeights(1.0, 1.0, 1.0), FusionWeights(1.0, 1.0, 0.05), FusionWeights(0.05, 0.05, 1.0))
"""A query's candidates come from three rankings: balanced, by similarity, and by words. The best products under any
weights are almost surely among the first of one of them."""
DEPTH = 100
"""Results taken of each of these rankings."""


def tune_weights(
    client: SearchClient,
    queries: Sequence[JudgedQuery],
    config: QueryConfig,
    k: int,
    seed: int,
    on_answer: Callable[[], object],
) -> FittedWeights:
    """Fit the weights of text, image and lexical evidence to judged queries, by nDCG@k.

    Each query is asked four times, however many weights are tried: once as search is now, and once for each of
    `PROBE_WEIGHTS`, from whose score parts the ranking under any weights is computed here.

    Args:
        client: of the worker; it should ask past the worker's cache.
        queries: with their judgments.
        config: its weights are those that are in force now.
        k: the cut-off of nDCG.
        seed: of the folds and the bootstrap.
        on_answer: called once a query is answered, from any thread.

    Raises:
        NotEnoughData: there are too few queries to fit to.
    """

    def ask(query: JudgedQuery) -> tuple[CandidateParts, float]:
        return _candidates(client, query), _present_ndcg(client, query, k)

    answers = ask_each(queries, ask, on_answer)
    present = np.array([score for _, score in answers], np.float64)
    present_weights = FusionWeights(config.text_query_text, config.text_query_image, config.lexical)
    return fit_weights([candidates for candidates, _ in answers], present, present_weights, k, seed)


def settings_lines(weights: FusionWeights) -> list[str]:
    """Lines of `vitrine.toml` that set the weights.

    They switch `text_trust` off: it scales weights by an estimate of what the encoder understands, and these weights
    were measured with the encoder.
    """
    return [
        "[query]",
        f"text_query_text = {weights.text:g}",
        f"text_query_image = {weights.image:g}",
        f"lexical = {weights.lexical:g}",
        "text_trust = false",
    ]


def _present_ndcg(client: SearchClient, query: JudgedQuery, k: int) -> float:
    """nDCG@k of a query as search is now."""
    pages = search_pages(client, query.text, {}, k)
    return ndcg([hit.product_id for page in pages for hit in page.hits], query.gains, k)


def _candidates(client: SearchClient, query: JudgedQuery) -> CandidateParts:
    rankings: list[dict[str, PartScores]] = []
    for probe in PROBE_WEIGHTS:
        weights = {"text": probe.text, "image": probe.image, "lexical": probe.lexical, "personal": 0.0}
        pages = search_pages(client, query.text, {"weights": weights, "explain": True}, DEPTH)
        rankings += [_unweighted_parts(page, probe) for page in pages]
    return merge_rankings(rankings, query.gains)


def _unweighted_parts(page: WorkerAnswer, weights: FusionWeights) -> dict[str, PartScores]:
    """The score parts of a page's hits as they would be with weights of 1; the page was ranked with `weights`."""
    explained = {hit.product_id: hit.explanation or {} for hit in page.hits}
    return {
        product_id: (parts["text"] / weights.text, parts["image"] / weights.image, parts["lexical"] / weights.lexical)
        for product_id, parts in explained.items()
    }
