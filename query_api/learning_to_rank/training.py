"""Training of a ranker by boosted trees on a log of clicks, and its trial on later ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import numpy as np

from query_api.errors import NotEnoughData
from query_api.evaluation.click_log import LoggedAnswer
from query_api.evaluation.click_model import ClickModel, fit_click_model
from query_api.evaluation.intervals import Interval, bootstrap
from query_api.learning_to_rank.features import BLEND, FEATURE_SET, FEATURES, Values
from query_api.learning_to_rank.lightgbm_trees import trees_of
from query_api.learning_to_rank.model import RankerDocument, TreeRanker
from query_api.learning_to_rank.trees import Tree

LEAST_ANSWERS: Final = 200
"""With fewer from which something was chosen, nothing that is found says much."""
TRIED, STOPPED_BY = 0.25, 0.15
"""Share of the answers, the latest, that judge the ranker; and of those before, that say how many trees it takes."""
MOST_WEIGHT = 10.0
"""Of a choice at a place that is hardly looked at: a greater one would be noise."""
_SLOPES = np.geomspace(0.1, 300, 60)


@dataclass(frozen=True, slots=True)
class TreeConfig:
    """How trees are grown."""

    trees: int = 200
    """At most; as many are kept as are best for the answers that stop the growing."""
    leaves: int = 8
    learning_rate: float = 0.05
    least_in_leaf: int = 20
    seed: int = 1


@dataclass(frozen=True, slots=True)
class TrainedRanker:
    """A ranker, and how it did on later answers: what was chosen, weighted against the bias of places, by nDCG."""

    document: RankerDocument
    blend: Interval
    learnt: Interval
    gain: Interval
    """learnt − blend, by paired bootstrap over answers."""
    answers: int
    """From which something was chosen: all that it was trained and tried on."""

    @property
    def is_better(self) -> bool:
        """Whether the interval of the gain lies above 0."""
        return self.gain.low > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Examples:
    """Answers as rows."""

    rows: Values
    grades: Values
    weights: Values
    """Of each row: by how much likelier its place is looked at the first one is, where it was chosen; else 1."""
    sizes: list[int]
    """Rows of each answer."""


def train_tree_ranker(log: Sequence[LoggedAnswer], config: TreeConfig) -> TrainedRanker:
    """Grow trees that correct the blend on a log of clicks, and try them on its latest part.

    Choices count by the inverse of how likely their places are looked at. The trees start from the blend, calibrated
    to the choices: so what they add is in its terms, and none of them is the blend itself.

    Args:
        log: oldest first; answers without words or the features of this version are left out.

    Raises:
        NotEnoughData: something was chosen from fewer than `LEAST_ANSWERS`.
        ModuleNotFoundError: LightGBM is not installed.

    Source: Burges, 2010, "From RankNet to LambdaRank to LambdaMART"; Joachims, Swaminathan and Schnabel, 2017,
    "Unbiased Learning-to-Rank with Biased Feedback" (inverse propensities).
    """
    # What was shown without a query is ordered by other things.
    asked = [answer for answer in log if answer.text and answer.feature_set == FEATURE_SET]
    answers = [answer for answer in asked if len(answer.products) > 1 and answer.grades.any()]
    if len(answers) < LEAST_ANSWERS:
        raise NotEnoughData(
            f"something was chosen from {len(answers)} logged answers; it takes {LEAST_ANSWERS} to learn from"
        )
    tried = answers[-int(TRIED * len(answers)) :]
    known = answers[: -len(tried)]
    clicks = fit_click_model([answer for answer in asked if answer.time_ms < tried[0].time_ms])
    stopping = int(STOPPED_BY * len(known))
    learnt_from, stopped_by = _examples(known[:-stopping], clicks), _examples(known[-stopping:], clicks)
    slope = _calibrated_slope(learnt_from)
    trees = _grow(learnt_from, stopped_by, slope, config)
    document = RankerDocument(features=list(FEATURES), scale=1 / slope, trees=trees)
    return _tried(document, _examples(tried, clicks), len(answers))


def _examples(answers: Sequence[LoggedAnswer], clicks: ClickModel) -> _Examples:
    grades = [answer.grades for answer in answers]
    weights = [
        np.where(own > 0, np.minimum(MOST_WEIGHT, 1 / clicks.examined(answer.offset, len(own))), 1.0)
        for answer, own in zip(answers, grades, strict=True)
    ]
    rows = np.concatenate([answer.rows for answer in answers])
    return _Examples(rows, np.concatenate(grades).astype(np.float64), np.concatenate(weights), [*map(len, grades)])


def _calibrated_slope(examples: _Examples) -> float:
    """By how much the blend's scores are to be multiplied to be the log-odds of being chosen, as well as they can."""
    score, starts = examples.rows[:, BLEND], np.cumsum([0, *examples.sizes[:-1]])
    weights = np.where(examples.grades > 0, examples.weights, 0.0)

    def loss(slope: float) -> float:
        highest = np.repeat(np.maximum.reduceat(slope * score, starts), examples.sizes)
        totals = np.add.reduceat(np.exp(slope * score - highest), starts)
        return float(np.sum(weights * (np.repeat(np.log(totals), examples.sizes) + highest - slope * score)))

    return float(min(_SLOPES, key=loss))


def _grow(learnt_from: _Examples, stopped_by: _Examples, slope: float, config: TreeConfig) -> list[Tree]:
    # Imported here, and of no type: query workers do without it.
    lightgbm: Any = import_module("lightgbm")

    def data(examples: _Examples, reference: Any = None) -> Any:
        return lightgbm.Dataset(
            examples.rows,
            examples.grades,
            weight=examples.weights,
            group=examples.sizes,
            init_score=slope * examples.rows[:, BLEND],
            reference=reference,
            feature_name=list(FEATURES),
        )

    parameters: dict[str, Any] = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [10],
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": config.least_in_leaf,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": config.seed,
        "verbose": -1,
    }
    training = data(learnt_from)
    stop = lightgbm.early_stopping(20, verbose=False)
    booster = lightgbm.train(parameters, training, config.trees, [data(stopped_by, training)], callbacks=[stop])
    return trees_of(booster.dump_model(num_iteration=booster.best_iteration))


def _tried(document: RankerDocument, later: _Examples, answers: int) -> TrainedRanker:
    blend = later.rows[:, BLEND]
    before, after = _ndcg(blend, later), _ndcg(blend + TreeRanker(document).adds(later.rows), later)
    return TrainedRanker(document, bootstrap(before), bootstrap(after), bootstrap(after - before), answers)


def _ndcg(scores: Values, examples: _Examples) -> Values:
    """nDCG of each answer in the order of scores, choices counting by their grades and weights; (answers,)."""
    gains, measured, start = examples.grades * examples.weights, list[float](), 0
    for size in examples.sizes:
        own, score = gains[start : start + size], scores[start : start + size]
        discounts = 1 / np.log2(np.arange(2, size + 2))
        measured.append(float(own[np.argsort(-score, kind="stable")] @ discounts / (np.sort(own)[::-1] @ discounts)))
        start += size
    return np.array(measured)
