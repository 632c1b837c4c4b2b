"""Fusion architectures trained on a catalogue by their names, and trained further from their directories."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from encoders.architectures.config import ARCHITECTURES
from encoders.loading import load_encoder
from encoders.training.config import Augmentation, TuningConfig
from encoders.training.data.listings import TrainingListing
from encoders.training.run import train_on_catalogue
from tests.unit.encoders.tiny_models import tiny_config

SAY = str.strip


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(ARCHITECTURES):
        monkeypatch.setitem(ARCHITECTURES, name, tiny_config(name))


def config(output: Path, work: Path) -> TuningConfig:
    plain = Augmentation(0, 0, 0, 1.0, 0, 0, 0, 0)
    return TuningConfig(
        output, work=work, batch=16, minutes=None, steps=4, evaluations=2, threads=1, augmentation=plain
    )


@pytest.mark.parametrize("name", ["towers-bert-resnet", "bert-resnet-concat", "cnn-lstm", "vit-text-early"])
def test_an_architecture_is_trained_by_its_name(name: str, listings: list[TrainingListing], tmp_path: Path):
    output = train_on_catalogue(name, listings, config(tmp_path / "model", tmp_path / "work"), say=SAY)
    encoder = load_encoder(str(output), "cpu")
    assert encoder.spec.joint == ARCHITECTURES[name].joint
    assert encoder.encode_texts(["red scarf"]).shape == (1, 16)
    assert json.loads((output / "training.json").read_text())["progress"]["step"] == 4


def test_a_fusion_model_is_trained_further(listings: list[TrainingListing], tmp_path: Path):
    first = config(tmp_path / "first", tmp_path / "work")
    once = train_on_catalogue("bert-resnet-mean", listings, first, say=SAY)
    again = train_on_catalogue(str(once), listings, replace(first, output=tmp_path / "second"), say=SAY)
    specs = [load_encoder(str(one), "cpu").spec for one in (once, again)]
    assert specs[0].version != specs[1].version and specs[1].joint
