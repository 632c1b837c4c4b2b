"""Losses of training on a catalogue, each on cases whose answer is known."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from encoders.training.config import Task, TuningConfig
from encoders.training.objectives.losses import (
    EmbeddedSide,
    Objective,
    contrastive_loss,
    distillation_loss,
    pair_loss,
    triplet_loss,
)

LOSSES = ["info-nce", "sigmoid", "triplet", "pair"]
SCALE, BIAS = torch.tensor(20.0), torch.tensor(-10.0)


@pytest.mark.parametrize("loss", LOSSES)
def test_right_pairs_cost_little_and_wrong_ones_much(loss: str) -> None:
    right, none = torch.eye(6), torch.eye(6, dtype=torch.bool)
    low = contrastive_loss(loss, right, right, SCALE, BIAS, none, 0.2)  # type: ignore[arg-type]
    high = contrastive_loss(loss, right, right.roll(1, 0), SCALE, BIAS, none, 0.2)  # type: ignore[arg-type]
    assert float(low) < 0.01 < 1 < float(high)


@pytest.mark.parametrize("loss", LOSSES)
def test_products_that_are_alike_are_no_negatives_of_each_other(loss: str) -> None:
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    alike = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    strict = contrastive_loss(loss, rows, rows, SCALE, BIAS, torch.eye(3, dtype=torch.bool), 0.2)  # type: ignore[arg-type]
    lenient = contrastive_loss(loss, rows, rows, SCALE, BIAS, alike, 0.2)  # type: ignore[arg-type]
    assert float(lenient) < 0.01 < float(strict)


def test_a_triplet_within_the_margin_costs_what_it_lacks() -> None:
    similar = torch.tensor([[0.9, 0.8], [0.1, 0.9]])
    none = torch.zeros(2, 2, dtype=torch.bool)
    # Along rows 0.8 is 0.1 away from 0.9, along columns too; the other two are far enough.
    assert float(triplet_loss(similar, none, 0.2)) == pytest.approx((0.05 + 0.05) / 2)


def test_pairs_without_any_wrong_partner_are_judged_as_right_ones_alone() -> None:
    everything = torch.ones(2, 2, dtype=torch.bool)
    assert float(pair_loss(torch.zeros(2, 2), everything)) == pytest.approx(math.log(2) / 2)


def test_a_student_that_agrees_with_its_teacher_has_nothing_to_learn() -> None:
    rows = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    assert float(distillation_loss(rows, rows, torch.tensor(7.0), rows @ rows.T * 7)) == pytest.approx(0.0, abs=1e-5)
    assert float(distillation_loss(rows, rows, torch.tensor(7.0), -(rows @ rows.T) * 7)) > 1


def test_a_task_looks_at_the_products_that_have_both_sides() -> None:
    config = TuningConfig(Path("model"), tasks=(Task("query", "picture", 2.0),))
    objective = Objective(config, 4, 0)
    sides = {
        "query": EmbeddedSide(torch.eye(4)[:3], torch.tensor([0, 1, 3])),
        "picture": EmbeddedSide(torch.eye(4)[1:], torch.tensor([1, 2, 3])),
    }
    # Queries of products 1 and 3 are rows 1 and 2, their pictures rows 0 and 2: equal directions.
    alike, classes = torch.eye(4, dtype=torch.bool), torch.full((4,), -1)
    losses = objective(sides, alike, classes, {})
    assert set(losses) == {"query-picture"}
    both = (
        EmbeddedSide(torch.eye(4)[[1, 2]], torch.tensor([1, 3])),
        EmbeddedSide(torch.eye(4)[[1, 3]], torch.tensor([1, 3])),
    )
    again = objective({"query": both[0], "picture": both[1]}, alike, classes, {})
    torch.testing.assert_close(losses["query-picture"], again["query-picture"])
