"""The record and the card that a run writes beside the weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from encoders.checkpoints import TRAINING_RECORD
from encoders.spec import EmbeddingSpec
from encoders.training.config import TuningConfig
from encoders.training.data.catalogue import TrainingCatalogue
from encoders.training.evaluation.metrics import RetrievalReport
from encoders.training.trainer import TrainingProgress

_OF_ONE_MACHINE: Final = ("output", "work", "tensorboard", "checkpoint_every_s")
"""Settings that change nothing about the weights."""
_CARD: Final = """---
tags: [e-commerce, image-text-retrieval]
base_model: {base}
---
# {name}

`{base}`, trained further on a shop's own catalogue of {products:,} products with {pictures:,} pictures (data version
`{data}`). Use it with `vitrine reindex --encoder DIRECTORY`.

## Recipe
{steps:,} steps in {minutes:.1f} minutes, {batch} products a batch; loss {loss}; tasks {tasks}; teachers: {teachers};
{pieces:,} new word pieces. Kept are the averaged weights of step {best}, the best on held-out material.{stopped}
All settings are in `{record}`.

## Figures
Texts and pictures of known products that training did not see, each to find its product among all {products:,}: the
share found among the first k, with 95 % bootstrap intervals.

| search | queries | before: R@1 | R@10 | MRR | after: R@1 | R@10 | MRR |
|---|---|---|---|---|---|---|---|
{rows}

## Limits
The figures are of this catalogue. A product of a kind that it does not have yet may be embedded worse than by `{base}`:
train again when the catalogue has changed much.
"""


@dataclass(frozen=True)
class TrainingOutcome:
    """What a run came to."""

    progress: TrainingProgress
    before: Sequence[RetrievalReport]
    after: Sequence[RetrievalReport]
    new_pieces: int
    teachers: Sequence[str]


def write_record(
    directory: Path, base: EmbeddingSpec, config: TuningConfig, material: TrainingCatalogue, outcome: TrainingOutcome
) -> None:
    """Write the record, for programs, and the card, for people."""
    libraries = {name: version(name) for name in ("torch", "transformers", "numpy")}
    record = {
        "base": base.key,
        "data": {"version": material.version, "products": len(material.listings), **_amounts(material)},
        "config": recorded_settings(config),
        "teachers": list(outcome.teachers),
        "new_pieces": outcome.new_pieces,
        "progress": asdict(outcome.progress),
        "before": [asdict(report) for report in outcome.before],
        "after": [asdict(report) for report in outcome.after],
        "libraries": libraries,
    }
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (directory / TRAINING_RECORD).write_text(text, "utf-8")
    (directory / "README.md").write_text(_card(directory.name, base, config, material, outcome), "utf-8")


def _amounts(material: TrainingCatalogue) -> dict[str, int]:
    return {
        "pictures": len(material.pictures.levels),
        "broken_pictures": material.pictures.undecodable_count,
        "held_out_texts": len(material.queries),
        "held_out_pictures": len(material.photos),
        "searched_for": sum(bool(listing.queries) for listing in material.listings),
        "with_companions": sum(bool(listing.co_viewed) for listing in material.listings),
    }


def recorded_settings(config: TuningConfig) -> dict[str, Any]:
    """The settings that the weights depend on, for a record and for the identity of a run."""
    return {name: value for name, value in asdict(config).items() if name not in _OF_ONE_MACHINE}


def _card(
    name: str, base: EmbeddingSpec, config: TuningConfig, material: TrainingCatalogue, outcome: TrainingOutcome
) -> str:
    progress = outcome.progress
    return _CARD.format(
        base=base.model,
        name=name,
        products=len(material.listings),
        pictures=len(material.pictures.levels),
        data=material.version,
        steps=progress.step,
        minutes=progress.seconds / 60,
        batch=config.batch,
        loss=config.loss,
        tasks=", ".join(f"{task.left}–{task.right} × {task.weight:g}" for task in config.tasks),
        teachers=", ".join(outcome.teachers) or "none",
        pieces=outcome.new_pieces,
        best=progress.best_step,
        stopped=f" It stopped early: {progress.stopped}." if progress.stopped else "",
        record=TRAINING_RECORD,
        rows="\n".join(_row(before, after) for before, after in zip(outcome.before, outcome.after, strict=True)),
    )


def _row(before: RetrievalReport, after: RetrievalReport) -> str:
    return f"| {before.name} | {before.queries} | {_figures(before)} | {_figures(after)} |"


def _figures(report: RetrievalReport) -> str:
    shown = [recall for recall in report.recalls if recall.k in (1, 10)]
    cells = [f"{recall.value:.3f} ({recall.low:.2f}–{recall.high:.2f})" for recall in shown]
    return " | ".join([*cells, f"{report.mean_reciprocal_rank:.3f}"])
