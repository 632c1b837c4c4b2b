"""The training loop on a catalogue of sixteen products: every loss learns, and a broken run goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from encoders.port import HashEncoder
from encoders.training.config import JOINT_TASKS, PART_TASKS, Augmentation, Loss, Task, TuningConfig
from encoders.training.data.batches import TrainingBatch
from encoders.training.data.catalogue import prepare_catalogue
from encoders.training.data.listings import TrainingListing
from encoders.training.objectives.lexical_teacher import listing_text
from encoders.training.objectives.teachers import EncoderTeacher, Teacher
from encoders.training.trainer import Trainer
from tests.unit.encoders.training.conftest import COLOURS, picture
from tests.unit.encoders.training.linear_model import LinearModel

STEPS = 60
UNCHANGED = Augmentation(0, 0, 0, 1, 0, 0, 0, 0)
UNSEEN = 999
"""The number of a picture that no product has."""


@pytest.fixture
def config(tmp_path: Path) -> TuningConfig:
    return TuningConfig(
        tmp_path / "model", work=tmp_path / "work", batch=16, minutes=None, steps=STEPS, threads=1,
        learning_rate=1e-2, word_rate=1.0, augmentation=UNCHANGED,
    )  # fmt: skip


def _quiet(_: str) -> None:
    pass


def _trainer(
    model: LinearModel, listings: Sequence[TrainingListing], config: TuningConfig, teachers: Sequence[Teacher] = ()
) -> Trainer:
    material = prepare_catalogue(listings, model.preparer, config.work / "data")
    return Trainer(model, material, config, teachers, say=_quiet)


def _model(listings: Sequence[TrainingListing]) -> LinearModel:
    return LinearModel([listing_text(listing) for listing in listings])


def _steps(trainer: Trainer) -> list[dict[str, float]]:
    return [trainer.train_step(step / STEPS) for step in range(STEPS)]


def _fall(losses: Sequence[dict[str, float]], name: str | None = None) -> float:
    """A loss at the end as a share of what it was at the beginning, each the mean of five steps; of all, their sum."""
    values = [loss[name] if name else sum(loss.values()) for loss in losses]
    return float(np.mean(values[-5:]) / np.mean(values[:5]))


@torch.no_grad()
def _named_colours(model: LinearModel) -> list[str]:
    """For an unseen picture of each colour the colour whose word is nearest."""
    files = [Image.open(BytesIO(picture(colour, UNSEEN))) for colour in COLOURS]
    levels = torch.stack([torch.from_numpy(np.array(model.preparer(file))) for file in files])
    pictures = model.embed_images(levels.permute(0, 3, 1, 2).float() / 255)
    return [list(COLOURS)[place] for place in (pictures @ model.embed_texts(list(COLOURS)).T).argmax(dim=1)]


@pytest.mark.parametrize("loss", get_args(Loss))
def test_every_loss_teaches_words_and_pictures_with_a_classifier_beside_it(
    listings: list[TrainingListing], config: TuningConfig, loss: Loss
) -> None:
    model = _model(listings)
    assert _named_colours(model) != list(COLOURS)
    losses = _steps(_trainer(model, listings, replace(config, loss=loss, category_weight=0.5)))
    assert _named_colours(model) == list(COLOURS)
    assert _fall(losses) < 0.8 and _fall(losses, "category") < 0.8


def test_whole_products_are_learnt_with_either_part_missing(
    listings: list[TrainingListing], config: TuningConfig
) -> None:
    without_text = [
        replace(listing, text="", passages=()) if place % 4 == 0 else listing for place, listing in enumerate(listings)
    ]
    partial = [
        replace(listing, pictures=()) if place % 4 == 1 else listing for place, listing in enumerate(without_text)
    ]
    model = _model(partial)
    losses = _steps(_trainer(model, partial, replace(config, tasks=JOINT_TASKS)))
    assert _fall(losses, "query-product") < 0.8 and _fall(losses, "photo-product") < 0.8


def test_the_similarities_of_another_encoder_are_learnt(listings: list[TrainingListing], config: TuningConfig) -> None:
    model = _model(listings)
    material = prepare_catalogue(listings, model.preparer, config.work)
    teacher = EncoderTeacher(HashEncoder(), material.pictures)
    losses = _steps(Trainer(model, material, config, [teacher], say=_quiet))
    # The contrastive losses alone leave the teacher's opinion of photos and texts where it was.
    assert _fall(losses, "photo-text taught") < 0.5 and _fall(losses, "query-picture taught") < 0.5


class StepCounter:
    """A teacher that knows nothing: it counts steps, and can break a run off before one of them."""

    def __init__(self, break_before: int | None = None) -> None:
        self.steps = 0
        self._batch: TrainingBatch | None = None
        self._break_before = break_before

    def similarities(self, batch: TrainingBatch, task: Task) -> Tensor | None:
        if batch is not self._batch:
            if self.steps == self._break_before:
                raise KeyboardInterrupt
            self._batch, self.steps = batch, self.steps + 1
        return None


def test_a_run_that_was_broken_off_goes_on_and_ends_like_one_that_was_not(
    listings: list[TrainingListing], config: TuningConfig
) -> None:
    short = replace(config, steps=6, evaluations=2, checkpoint_every_s=0, tasks=PART_TASKS)
    whole, uninterrupted = _model(listings), StepCounter()
    _trainer(whole, listings, replace(short, work=config.work / "whole"), [uninterrupted]).run()
    with pytest.raises(KeyboardInterrupt):
        _trainer(_model(listings), listings, short, [StepCounter(break_before=4)]).run()
    resumed, rest = _model(listings), StepCounter()
    _trainer(resumed, listings, short, [rest]).run()
    assert (uninterrupted.steps, rest.steps) == (6, 2)
    assert _equal(resumed, whole) and not _equal(resumed, _model(listings))


def _equal(first: LinearModel, second: LinearModel) -> bool:
    return all(torch.equal(tensor, second.state_dict()[name]) for name, tensor in first.state_dict().items())
