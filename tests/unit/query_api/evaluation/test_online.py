"""What shoppers choose, by variant."""

from __future__ import annotations

import numpy as np
import pytest

from query_api.evaluation.click_log import LoggedAnswer
from query_api.evaluation.online import report_variants


def answers(variant: str, rate: float, people: int, seed: int, products: str = "abc") -> list[LoggedAnswer]:
    """Five answers to each person, whose mood is the same in all of them."""
    random = np.random.default_rng(seed)
    logged = list[LoggedAnswer]()
    for person in range(people):
        mood = random.random() < rate
        for number in range(5):
            chosen = {products[1]: "purchased"} if mood else {}
            query_id = f"{variant}{person}-{number}"
            logged.append(
                LoggedAnswer(query_id, 0, "mug", 0, variant, 1, [*products], "", chosen, f"{variant}{person}")
            )
    return logged


def test_measures_are_told_by_variant_with_intervals_over_people():
    first, second = report_variants([*answers("", 0.5, 200, 1), *answers("b", 0.2, 200, 2, "abd")], {"b": 3.0})
    assert (first.variant, first.answers, first.visitors, first.coverage) == ("", 1_000, 200, 0.75)
    assert first.measures["CTR"].mean == pytest.approx(2 * first.measures["MRR"].mean)
    assert first.measures["revenue"].mean == pytest.approx(3 * first.measures["CTR"].mean)
    # As wide as 200 people make it, not 1,000 answers.
    assert first.measures["CTR"].high - first.measures["CTR"].low > 0.1
    assert second.differences["CTR"].high < 0 and second.is_worse and not first.is_worse and not first.differences


def test_a_variant_that_is_as_good_is_not_worse():
    _, second = report_variants([*answers("", 0.3, 300, 3), *answers("b", 0.3, 300, 4)], {})
    assert not second.is_worse and second.differences["CTR"].low < 0 < second.differences["CTR"].high
    assert "revenue" not in second.measures
