"""Clicks joined with what was shown, and what is told by them of places and of products."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.ports.impressions import Impression
from indexer.shown_hits import pack_shown
from query_api.evaluation.click_log import LoggedAnswer, decode_log, encode_log, join_clicks, merged_logs
from query_api.evaluation.click_model import fit_click_model


def shown(query_id: str, products: list[str], time_ms: int = 0, text: str = "mug") -> Impression:
    packed = pack_shown(7, products, np.arange(2.0 * len(products)).reshape(-1, 2))
    return Impression(query_id, time_ms, text, 0, "", packed, "somebody")


def test_the_strongest_choice_of_each_product_that_was_shown_counts():
    choices = [
        ("q1", "a", "clicked"),
        ("q1", "a", "purchased"),
        ("q1", "a", "viewed"),
        ("q1", "x", "clicked"),
        ("q3", "a", "clicked"),
        ("q2", "b", "searched"),
    ]
    impressions = [shown("q2", ["b"], 2), shown("q1", ["a", "b"], 1), Impression("q9", 3, "", 0, "", b"?")]
    first, second = join_clicks(impressions, choices)
    assert (first.query_id, first.chosen, second.chosen) == ("q1", {"a": "purchased"}, {})
    assert first.grades.tolist() == [4, 0] and first.rows.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert b"somebody" not in b"".join(encode_log([first]))


def test_a_log_is_written_and_read_and_several_are_merged_with_what_was_chosen_later():
    early = join_clicks([shown("q1", ["a"], 1), shown("q2", ["a"], 2)], [])
    late = join_clicks([shown("q2", ["a"], 2), shown("q3", ["a"], 3)], [("q2", "a", "clicked")])
    assert list(decode_log(encode_log(late))) == late
    merged = merged_logs([early, decode_log(encode_log(late))])
    assert [(answer.query_id, answer.chosen) for answer in merged] == [("q1", {}), ("q2", {"a": "clicked"}), ("q3", {})]
    with pytest.raises(ValueError, match="line 2"):
        list(decode_log([b"\n", b"{}"]))


def test_places_and_products_are_told_apart():
    random = np.random.default_rng(5)
    examination = np.array([1.0, 0.6, 0.4, 0.25, 0.15])
    attraction = {f"p{number}": value for number, value in enumerate((0.7, 0.5, 0.3, 0.2, 0.1))}
    answers: list[LoggedAnswer] = []
    for number in range(6_000):
        # Mostly the worst first, as a ranking may have it: clicks alone would say that those are best.
        order = sorted(attraction, reverse=True)
        if number % 3 == 0:
            random.shuffle(order)
        clicked = [
            (str(number), product, "clicked")
            for place, product in enumerate(order)
            if random.random() < examination[place] * attraction[product]
        ]
        answers += join_clicks([shown(str(number), order, number, "Red  mug")], clicked)
    model = fit_click_model(answers)
    np.testing.assert_allclose(model.examined(0, 5), examination, atol=0.06)
    for product, value in attraction.items():
        assert model.attractiveness["red mug", product] == pytest.approx(value, abs=0.06)
        assert model.views["red mug", product] == 6_000
