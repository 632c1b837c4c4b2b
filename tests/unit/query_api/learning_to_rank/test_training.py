"""A ranker is learnt from clicks, and judged by later ones before it is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.ports.impressions import Impression
from indexer.shown_hits import pack_shown
from query_api.errors import InvalidRanker, NotEnoughData
from query_api.evaluation.click_log import LoggedAnswer, join_clicks
from query_api.learning_to_rank.features import BLEND, FEATURE_SET, FEATURES
from query_api.learning_to_rank.model import TreeRanker, load_tree_ranker, save_tree_ranker
from query_api.learning_to_rank.training import LEAST_ANSWERS, TreeConfig, train_tree_ranker

pytest.importorskip("lightgbm")

PRICE = FEATURES.index("price_level")
HITS = 10
EXAMINATION = 1 / np.arange(1, HITS + 1)


def clicked_log(answers: int, likes: Callable[[np.ndarray], np.ndarray], seed: int = 3) -> list[LoggedAnswer]:
    """Answers in the order of the blend, clicked where a place is looked at and its product is liked."""
    random = np.random.default_rng(seed)
    impressions, clicks = list[Impression](), list[tuple[str, str, str]]()
    for number in range(answers):
        rows = random.normal(size=(HITS, len(FEATURES)))
        rows = rows[np.argsort(-rows[:, BLEND])]
        products = [f"p{number}-{place}" for place in range(HITS)]
        impressions.append(Impression(f"q{number}", number, "mug", 0, "", pack_shown(FEATURE_SET, products, rows)))
        chosen = random.random(HITS) < EXAMINATION * likes(rows)
        clicks += [
            (f"q{number}", product, "clicked") for product, is_chosen in zip(products, chosen, strict=True) if is_chosen
        ]
    return join_clicks(impressions, clicks)


def test_what_shoppers_choose_is_learnt_and_kept_in_a_file(tmp_path: Path):
    log = clicked_log(2_500, lambda rows: 1 / (1 + np.exp(2 + 3 * rows[:, PRICE] - rows[:, BLEND])))
    trained = train_tree_ranker(log, TreeConfig(trees=60))
    assert trained.is_better and trained.learnt.mean > trained.blend.mean + 0.05
    save_tree_ranker(trained.document, tmp_path)
    rows = np.zeros((3, len(FEATURES)))
    rows[:, PRICE] = [1.0, 0.0, -1.0]
    again = load_tree_ranker(str(tmp_path)).adds(rows)
    assert again[0] < again[1] < again[2]
    np.testing.assert_array_equal(again, TreeRanker(trained.document).adds(rows))


def test_where_there_is_nothing_to_learn_no_ranker_is_better():
    log = clicked_log(1_200, lambda rows: 1 / (1 + np.exp(1 - 2 * rows[:, BLEND])))
    assert not train_tree_ranker(log, TreeConfig(trees=40)).is_better


def test_too_few_choices_are_refused():
    log = clicked_log(LEAST_ANSWERS - 1, lambda rows: np.ones(len(rows)))
    with pytest.raises(NotEnoughData, match=f"{LEAST_ANSWERS - 1} logged answers"):
        train_tree_ranker(log, TreeConfig())


def test_a_file_that_is_no_ranker_is_named(tmp_path: Path):
    with pytest.raises(InvalidRanker, match="vitrine train ranker"):
        load_tree_ranker(str(tmp_path))
    file = tmp_path / "ranker.json"
    file.write_text('{"features": ["score"], "scale": 1, "trees": [{"feature": [0]}]}')
    with pytest.raises(InvalidRanker, match=r"ranker\.json is no learnt ranker"):
        load_tree_ranker(str(tmp_path))
    file.write_text('{"features": ["shoe_size"], "scale": 1, "trees": []}')
    with pytest.raises(InvalidRanker, match="shoe_size"):
        load_tree_ranker(str(tmp_path))
