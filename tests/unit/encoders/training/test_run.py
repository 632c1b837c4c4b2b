"""Training on a catalogue, small: from listings to a directory that loads, broken off and gone on with."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.errors import EncoderError, ModelUnavailable
from encoders.loading import load_encoder
from encoders.training.averaging import average_models
from encoders.training.config import PART_TASKS, Augmentation, TuningConfig
from encoders.training.data.catalogue import NotEnoughProducts, prepare_catalogue
from encoders.training.data.listings import TrainingListing
from encoders.training.data.text_variation import vary_text
from encoders.training.dual_encoder import TrainableDualEncoder
from encoders.training.optimisation.parameters import freeze
from encoders.training.run import train_on_catalogue
from encoders.training.trainer import Trainer
from tests.unit.encoders.training.conftest import COLOURS, picture

UNCHANGED = Augmentation(0, 0, 0, 1, 0, 0, 0, 0)
UNSEEN = (997, 998, 999)
"""Numbers of pictures that no product has."""
FAMILIES = ["clip", "siglip", "siglip2", "chinese_clip", "bert-vit", "bert-convnext", "semantic-visual"]


@pytest.fixture
def config(tmp_path: Path) -> TuningConfig:
    return TuningConfig(
        tmp_path / "model",
        work=tmp_path / "work",
        batch=8,
        minutes=None,
        steps=4,
        evaluations=2,
        max_tokens=24,
        threads=1,
        learning_rate=1e-2,
    )


def _quiet(_: str) -> None:
    pass


def _weights(directory: Path) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in TrainableDualEncoder(directory).state_dict().items()}


def _colour_margin(directory: Path) -> float:
    """How much nearer unseen pictures of four colours are to the word for their colour than to the three others."""
    encoder = load_encoder(str(directory), "cpu")
    files = [Image.open(BytesIO(picture(colour, number))) for colour in COLOURS for number in UNSEEN]
    scores = encoder.encode_images([encoder.preparer(file) for file in files]) @ encoder.encode_texts(list(COLOURS)).T
    is_right = np.repeat(np.eye(len(COLOURS), dtype=bool), len(UNSEEN), axis=0)
    return float(scores[is_right].mean() - scores[~is_right].mean())


def test_a_run_gives_a_model_that_loads_with_its_record_and_card(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    output = train_on_catalogue(str(checkpoint), listings, config, say=_quiet)
    encoder = load_encoder(str(output), "cpu")
    assert encoder.encode_texts(["red scarf"]).shape == (1, 16)
    record = json.loads((output / "training.json").read_text("utf-8"))
    assert record["progress"]["step"] == 4
    assert record["data"]["products"] == 16
    assert record["new_pieces"] > 0
    assert len(record["before"]) == len(record["after"]) == 2
    assert str(config.work) not in json.dumps(record)
    assert "## Limits" in (output / "README.md").read_text("utf-8")


def test_the_model_that_is_written_has_learnt_the_catalogues_words_and_pictures(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    longer = replace(
        config, steps=100, learning_rate=5e-4, word_rate=10.0, average_decay=0.9, batch=16, augmentation=UNCHANGED
    )
    output = train_on_catalogue(str(checkpoint), listings, longer, teachers=(), say=_quiet)
    # Over seeds the margin is 0.14 to 0.18; before training it is 0.00.
    assert _colour_margin(output) > 0.08 > 0.03 > abs(_colour_margin(checkpoint))
    progress = json.loads((output / "training.json").read_text("utf-8"))["progress"]
    assert progress["best"] == max(measured["score"] for measured in progress["curve"])


def test_equal_seeds_give_equal_weights(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    first = _weights(train_on_catalogue(str(checkpoint), listings, config, say=_quiet))
    again = replace(config, output=config.output.with_name("again"), work=config.work.with_name("other"))
    second = _weights(train_on_catalogue(str(checkpoint), listings, again, say=_quiet))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_a_run_that_was_broken_off_is_found_again_and_ends_like_one_that_was_not(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    whole = _weights(train_on_catalogue(str(checkpoint), listings, config, say=_quiet))
    broken = replace(
        config,
        output=config.output.with_name("broken"),
        work=config.work.with_name("broken-work"),
        checkpoint_every_s=0,
    )
    measurements = iter(range(2))

    def break_off_at_the_second_measurement(_: str) -> None:
        if next(measurements) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_on_catalogue(str(checkpoint), listings, broken, say=break_off_at_the_second_measurement)
    resumed = _weights(train_on_catalogue(str(checkpoint), listings, broken, say=_quiet))
    assert len(list(broken.work.iterdir())) == 1, "it began anew elsewhere"
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_run_stops_when_held_out_retrieval_gets_no_better(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    hopeless = replace(config, steps=20, evaluations=20, patience=2, learning_rate=1e-12, new_pieces=0)
    output = train_on_catalogue(str(checkpoint), listings, hopeless, say=_quiet)
    progress = json.loads((output / "training.json").read_text("utf-8"))["progress"]
    assert progress["step"] < 20
    assert progress["stopped"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_dual_encoders_trains_and_is_saved_as_it_was(
    checkpoints_root: Path, listings: list[TrainingListing], config: TuningConfig, family: str
) -> None:
    output = train_on_catalogue(str(checkpoints_root / family), listings, replace(config, steps=1), say=_quiet)
    model, encoder = TrainableDualEncoder(output), load_encoder(str(output), "cpu")
    with torch.no_grad():
        expected = model.embed_texts(["a red shirt"]).numpy()
    read = encoder.prompts.for_documents(["a red shirt"])
    np.testing.assert_allclose(encoder.encode_texts(read), expected, atol=1e-5)


def test_frozen_parts_stay_and_the_rest_learns(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    model = TrainableDualEncoder(checkpoint)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    freeze(model, ("vision_model", "word_embeddings"))
    settings = replace(config, tasks=PART_TASKS, steps=2)
    trainer = Trainer(model, prepare_catalogue(listings, model.preparer, config.work), settings, say=_quiet)
    trainer.train_step(0.5)
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved
    assert not any("vision_model" in name or "word_embeddings" in name for name in moved)


def test_adapters_learn_alone_and_are_merged_when_saved(checkpoint: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    model = TrainableDualEncoder(checkpoint)
    model.add_adapters(2)
    learning = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert learning
    assert all("lora_" in name for name, _ in learning)
    for _, parameter in learning:
        torch.nn.init.normal_(parameter, std=0.5)
    model.save(tmp_path)
    with torch.no_grad():
        expected = model.embed_texts(["red shirt"])
        torch.testing.assert_close(
            TrainableDualEncoder(tmp_path).embed_texts(["red shirt"]), expected, atol=2e-2, rtol=0
        )
        assert not torch.allclose(TrainableDualEncoder(checkpoint).embed_texts(["red shirt"]), expected, atol=2e-2)


def test_other_encoders_teach_by_their_names(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    taught = train_on_catalogue(str(checkpoint), listings, config, teachers=("hash", "mini"), say=_quiet)
    alone = replace(config, output=config.output.with_name("alone"))
    untaught = _weights(train_on_catalogue(str(checkpoint), listings, alone, teachers=(), say=_quiet))
    assert json.loads((taught / "training.json").read_text("utf-8"))["teachers"] == ["hash", "mini"]
    assert any(not torch.equal(tensor, untaught[name]) for name, tensor in _weights(taught).items())


def test_a_name_to_freeze_by_that_fits_nothing_is_refused(
    checkpoint: Path, listings: list[TrainingListing], config: TuningConfig
) -> None:
    with pytest.raises(EncoderError, match="no parameter's name contains 'visoin'"):
        train_on_catalogue(str(checkpoint), listings, replace(config, frozen=("visoin",)), say=_quiet)


def test_a_catalogue_without_material_is_refused(checkpoint: Path, config: TuningConfig) -> None:
    bare = [TrainingListing(f"p-{number}", "") for number in range(9)]
    with pytest.raises(NotEnoughProducts, match="0 of 9 products have text or pictures"):
        train_on_catalogue(str(checkpoint), bare, config, say=_quiet)


def test_files_that_are_no_pictures_are_left_out_and_counted(
    checkpoint: Path, listings: list[TrainingListing], tmp_path: Path
) -> None:
    broken = [replace(listings[0], pictures=(b"no picture", *listings[0].pictures)), *listings[1:]]
    pictures = prepare_catalogue(broken, TrainableDualEncoder(checkpoint).preparer, tmp_path).pictures
    assert pictures.undecodable_count == 1
    assert len(pictures.levels) == 32


def test_models_of_one_origin_are_averaged_and_others_refused(
    checkpoint: Path, checkpoints_root: Path, listings: list[TrainingListing], config: TuningConfig, tmp_path: Path
) -> None:
    other = train_on_catalogue(str(checkpoint), listings, replace(config, new_pieces=0), say=_quiet)
    mean = _weights(average_models([checkpoint, other], tmp_path / "mean"))
    first, second = _weights(checkpoint), _weights(other)
    for name, tensor in mean.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, (first[name] + second[name]) / 2, atol=1e-3, rtol=1e-2)
    with pytest.raises(ModelUnavailable, match="average models of one origin"):
        average_models([checkpoint, checkpoints_root / "bert-vit"], tmp_path / "none")


def test_augmentation_that_is_off_leaves_texts_as_they_are(listings: list[TrainingListing]) -> None:
    text = "Red shirt. 棉质 衬衫. Nordlys"
    assert vary_text(text, UNCHANGED, np.random.default_rng(0)) == "Red shirt. 棉质衬衫. Nordlys"
