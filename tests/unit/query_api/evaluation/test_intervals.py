"""Bootstrap intervals."""

import numpy as np
import pytest

from query_api.evaluation.intervals import MANY, bootstrap


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(1).random(40)
    assert bootstrap(values) == bootstrap(list(values))
    assert bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_an_interval_holds_its_mean_and_narrows_with_more_queries():
    values = np.random.default_rng(1).random(2_000)
    few, many = bootstrap(values[:50]), bootstrap(values)
    assert few.low < few.mean < few.high
    assert many.high - many.low < few.high - few.low


def test_values_that_do_not_vary_have_an_interval_of_no_width():
    found = bootstrap([0.25] * 10)
    assert found.low == found.mean == found.high == 0.25


def test_the_approximation_for_many_values_agrees_with_resampling():
    values = np.random.default_rng(2).random(MANY)
    resampled, normal = bootstrap(values), bootstrap(np.append(values, values.mean()))
    assert resampled.low == pytest.approx(normal.low, abs=1e-3)
    assert resampled.high == pytest.approx(normal.high, abs=1e-3)


def test_no_values_have_no_mean():
    with pytest.raises(ValueError, match="no values"):
        bootstrap([])
