"""Tuning the weights of a worker by what it answers."""

from __future__ import annotations

import numpy as np
import pytest

from query_api.config import QueryConfig
from query_api.errors import NotEnoughData
from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.ranking_metrics import ndcg
from query_api.evaluation.weight_fitting import CandidateParts, FusionWeights, PartScores, fit_weights
from query_api.evaluation.weight_tuning import PROBE_WEIGHTS, settings_lines, tune_weights
from tests.unit.query_api.evaluation.scripted_worker import ScriptedWorker

CONFIG = QueryConfig(text_query_text=0.3, text_query_image=0.1, lexical=0.6)
PRESENT = FusionWeights(0.3, 0.1, 0.6)


def judged(count: int) -> tuple[list[JudgedQuery], dict[str, dict[str, PartScores]]]:
    """Queries with 3 right products of 40, which score higher by text than others, and not by picture or words."""
    random = np.random.default_rng(1)
    queries: list[JudgedQuery] = []
    parts: dict[str, dict[str, PartScores]] = {}
    for number in range(count):
        text, image, lexical = random.random((3, 40))
        text += 0.8 * (np.arange(40) < 3)
        scores = {f"p{at:02}": (float(text[at]), float(image[at]), float(lexical[at])) for at in range(40)}
        queries.append(JudgedQuery(str(number), f"query {number}", {f"p{at:02}": 1.0 for at in range(3)}))
        parts[f"query {number}"] = scores
    return queries, parts


def test_weights_are_fitted_to_the_parts_of_the_scores_that_the_worker_explains():
    queries, parts = judged(40)
    worker = ScriptedWorker(parts, PRESENT)
    fitted = tune_weights(worker, queries, CONFIG, 10, 0, lambda: None)
    candidates = [
        CandidateParts(tuple(parts[query.text]), np.array(list(parts[query.text].values())), query.gains)
        for query in queries
    ]
    present = np.array(
        [
            ndcg([hit.product_id for hit in worker.search(query.text, k=10, offset=None).hits], query.gains, 10)
            for query in queries
        ]
    )
    expected = fit_weights(candidates, present, PRESENT, 10)
    assert (fitted.weights, fitted.present, fitted.chosen) == (expected.weights, expected.present, expected.chosen)
    assert fitted.weights.text > 0.7 and fitted.is_recommended
    assert fitted.present.mean < fitted.held_out.mean == pytest.approx(expected.held_out.mean)


def test_each_query_is_asked_once_as_search_is_and_once_with_each_probe():
    queries, parts = judged(10)
    worker = ScriptedWorker(parts, PRESENT)
    answered: list[int] = []
    tune_weights(worker, queries, CONFIG, 10, 0, lambda: answered.append(1))
    assert len(answered) == 10
    for query in queries:
        asked = [request.get("weights") for request in worker.requests if request["text"] == query.text]
        probes = [
            {"text": probe.text, "image": probe.image, "lexical": probe.lexical, "personal": 0.0}
            for probe in PROBE_WEIGHTS
        ]
        assert sorted(asked, key=str) == sorted([None, *probes], key=str)


def test_too_few_queries_are_refused():
    queries, parts = judged(9)
    with pytest.raises(NotEnoughData, match="9 judged queries are too few"):
        tune_weights(ScriptedWorker(parts), queries, CONFIG, 10, 0, lambda: None)


def test_settings_switch_off_what_would_scale_the_weights():
    assert settings_lines(FusionWeights(0.25, 0.0, 0.75)) == [
        "[query]",
        "text_query_text = 0.25",
        "text_query_image = 0",
        "lexical = 0.75",
        "text_trust = false",
    ]
