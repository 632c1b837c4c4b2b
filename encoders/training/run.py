"""A whole run: a model and a catalogue in, a directory with a better model out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from encoders import checkpoints
from encoders.architectures.config import ARCHITECTURES
from encoders.architectures.config import MODEL_TYPE as FUSION
from encoders.architectures.model import FusionModel
from encoders.architectures.storage import load_model, new_model
from encoders.errors import EncoderError
from encoders.loading import checkpoint_directory, load_encoder
from encoders.training.config import JOINT_TASKS, PART_TASKS, TuningConfig
from encoders.training.data.catalogue import TrainingCatalogue, prepare_catalogue
from encoders.training.data.listings import TrainingListing, content_hash
from encoders.training.dual_encoder import TrainableDualEncoder
from encoders.training.evaluation.held_out import embed_catalogue, held_out_reports
from encoders.training.evaluation.metrics import RetrievalReport
from encoders.training.objectives.lexical_teacher import LexicalTeacher, listing_text
from encoders.training.objectives.teachers import EncoderTeacher, Teacher
from encoders.training.optimisation.parameters import freeze
from encoders.training.optimisation.process_group import SingleProcess, TrainingProcesses, launched_process_group
from encoders.training.record import TrainingOutcome, recorded_settings, write_record
from encoders.training.trainable import Trainable
from encoders.training.trainer import Trainer
from encoders.training.vocabulary_extension import extend_vocabulary

CATALOGUE_TEACHER = "catalogue"
"""The name of BM25 and LSA over the catalogue's own texts, among teachers."""


def train_on_catalogue(
    encoder: str,
    listings: Sequence[TrainingListing],
    config: TuningConfig,
    teachers: Sequence[str] = (CATALOGUE_TEACHER,),
    say: Callable[[str], None] = print,
) -> Path:
    """Train an encoder on a catalogue, or go on with a run of the same settings and data that was broken off.

    Args:
        encoder: `mini`, `standard`, a directory or hub name of a dual encoder, a directory of a fusion model, or the
            name of an architecture of `encoders.architectures.config`, which begins with random weights.
        listings: the catalogue.
        config: all settings.
        teachers: names of encoders to imitate, and `CATALOGUE_TEACHER`.
        say: takes progress lines.

    Returns:
        `config.output`, which `load_encoder` loads.

    Raises:
        ModelUnavailable: no such encoder or teacher.
        NothingToLearn: the catalogue has too few usable products.
        NothingLearns: every parameter is frozen.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    processes, device = _processes()
    base = _base(encoder, listings, config, processes.rank)
    model = open_trainable(base, device)
    config = _with_tasks(model, config)
    directory = config.work / _identity(base, listings, config, teachers)
    material = prepare_catalogue(listings, model.preparer, directory / f"process-{processes.rank}")
    before = _measured(model, material, joint=config.joint)
    pieces = _prepare(model, material, config)
    settings = replace(config, work=directory, word_rate=_word_rate(config.word_rate, model, pieces))
    trainer = Trainer(model, material, settings, _teachers(teachers, material, device), processes, say)
    after = trainer.run()
    if processes.rank == 0:
        config.output.mkdir(parents=True, exist_ok=True)
        model.save(config.output)
        spec = load_encoder(str(config.output), "cpu").spec
        say(f"{spec.key}, from {encoder}, knows {pieces:,} more words")
        started_from = replace(spec, model=encoder, version=checkpoints.content_version(base))
        outcome = TrainingOutcome(trainer.progress, before, after, pieces, teachers)
        write_record(config.output, started_from, config, material, outcome)
    return config.output


def open_trainable(directory: Path, device: torch.device) -> Trainable:
    """The model of a directory, ready to be trained. Raises `ModelUnavailable`."""
    if checkpoints.model_type(directory) == FUSION:
        return load_model(directory, device)
    return TrainableDualEncoder(directory, device)


def _base(encoder: str, listings: Sequence[TrainingListing], config: TuningConfig, rank: int) -> Path:
    """The directory to begin with; of an architecture's name, one with random weights and the catalogue's words."""
    if encoder not in ARCHITECTURES:
        return _directory(encoder)
    made = config.work / f"new-{encoder}-{content_hash(listings)[:12]}-{config.seed}" / f"process-{rank}"
    if not (made / "config.json").is_file():
        unfinished = made.with_name(f"{made.name}.tmp")
        new_model(encoder, (listing_text(listing) for listing in listings), seed=config.seed).save(unfinished)
        unfinished.rename(made)
    return made


def _with_tasks(model: Trainable, config: TuningConfig) -> TuningConfig:
    """The settings with tasks for whole products, where the model is of such and no other tasks are asked for."""
    is_joint = isinstance(model, FusionModel) and model.config.joint
    return replace(config, tasks=JOINT_TASKS) if is_joint and config.tasks == PART_TASKS else config


def _prepare(model: Trainable, material: TrainingCatalogue, config: TuningConfig) -> int:
    """New words, adapters and frozen parts; returns how many pieces are new."""
    pieces = 0
    if config.lora_rank and not isinstance(model, TrainableDualEncoder):
        raise EncoderError("low-rank adapters are for dual encoders in the Hugging Face format; leave --lora-rank out")
    if config.new_pieces and isinstance(model, TrainableDualEncoder):
        texts = [listing_text(listing) for listing in material.listings]
        pieces = extend_vocabulary(model, [text for text in texts if text], config.new_pieces, config.max_tokens)
    if config.lora_rank and isinstance(model, TrainableDualEncoder):
        model.add_adapters(config.lora_rank)
    freeze(model, config.frozen)
    return pieces


def _word_rate(full: float, model: Trainable, pieces: int) -> float:
    """The text tower's own factor: 1 without new pieces, all of it where half of the vocabulary or more is new."""
    share = pieces / len(model.tokenizer) if isinstance(model, TrainableDualEncoder) else 0.0
    return 1 + (full - 1) * min(1.0, 2 * share)


def _teachers(names: Sequence[str], material: TrainingCatalogue, device: torch.device) -> list[Teacher]:
    return [
        LexicalTeacher(material.listings)
        if name == CATALOGUE_TEACHER
        else EncoderTeacher(load_encoder(name, str(device)), material.pictures)
        for name in names
        if name != CATALOGUE_TEACHER or any(listing.passages for listing in material.listings)
    ]


def _measured(model: Trainable, material: TrainingCatalogue, *, joint: bool) -> list[RetrievalReport]:
    return held_out_reports(model, material, embed_catalogue(model, material, joint=joint))


def _processes() -> tuple[TrainingProcesses, torch.device]:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return launched_process_group()
    return SingleProcess(), torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _directory(encoder: str) -> Path:
    if encoder == "hash":
        raise EncoderError("the encoder 'hash' has no weights to train: name mini, standard, a directory or a hub name")
    return checkpoint_directory(encoder)


def _identity(base: Path, listings: Sequence[TrainingListing], config: TuningConfig, teachers: Sequence[str]) -> str:
    """A short hash of all that a run depends on: another run has another directory and begins anew."""
    parts = [checkpoints.content_version(base), content_hash(listings), recorded_settings(config), list(teachers)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
