"""The record and the model card written beside the weights of `mini`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from encoders.checkpoints import TRAINING_RECORD
from encoders.spec import MAIN_IMAGE_WEIGHT
from encoders.training.evaluation.metrics import RetrievalReport
from vitrine.samples.mini.config import MiniConfig

_CARD: Final = """---
license: apache-2.0
language: [en, zh]
pipeline_tag: zero-shot-image-classification
tags: [e-commerce, image-text-retrieval, vision-text-dual-encoder]
---
# mini

A small text–image encoder for product search in English and Chinese: titles, descriptions, short queries and
pictures of goods into one {dim}-dimensional space. It loads with `AutoModel` and `AutoProcessor`, which does
not know its setting `do_trim_borders`: cut plain borders off pictures first. It runs some {speed:.0f} products (title
and picture) a second on one CPU core, and takes {size:.1f} MB.

It is the default that needs no download. Where real photos and open vocabulary matter, name a larger CLIP-, SigLIP- or
Chinese-CLIP-shaped checkpoint instead; nothing else changes.

## Recipe
Picture tower: ConvNeXT, {side} × {side} pixels, plain borders cut off. Text tower: BERT,
{layers} layers of {width}, {pieces} word pieces (Chinese by character). Both from random weights; no pretrained
model took part. {steps} steps of AdamW at {rate}, cosine decay, moving average of the weights; {batch} things a batch
in two pictures and two texts each, the first steps on pictures alone. In the last {centred} steps the mean photo is
taken out of the picture tower, which then stays as it is, while the texts learn to meet it.
Loss: symmetric InfoNCE between a thing's studio picture and a scene of it, between its texts and its pictures, and
between two of its texts (two wordings, or two languages); things equal in kind, cut, colour and pattern are no
negatives of each other. Run again with
`python -m vitrine.samples.mini.training DATA`, or without DATA on drawn material alone.

## Data and licences
| material | amount | licence |
|---|---|---|
| rendered by this project, with English and Chinese texts | {rendered} products × 4 pictures | Apache-2.0 |
| invented fruit-like bodies and packs, in heaps and hands | {invented} things × 5 pictures | Apache-2.0 |
| Magento "Luma" sample shop: photos, titles, descriptions | 97 products, 15 % held out | OSL-3.0 or AFL-3.0 |
| dotnet eShop catalogue: pictures, titles, descriptions | 50 products, 15 % held out | MIT |
| Clothing dataset: amateur photos and labels | 600 photos, 215 held out | CC0 1.0 |
| Amazon ESCI product texts (no queries, no judgments) | 1,255 listings, 15 % held out | Apache-2.0 |

Grocery photos, shop photos of groceries and their texts were never seen in training.

## Figures
Share of searches whose target is among the first k, with 95 % bootstrap intervals. Rendered products are of a seed that
training did not use; several of them may share a title's words, which bounds these figures. Real products have one
picture vector each, the mean of their photos in which the main photo counts {first_weight:g} times.
Read the real figures with care: most of the Luma and eShop products were training material (groceries were not), that
weight was chosen on these same products, and the picture tower and the composed scenes were chosen with the shop photos
of groceries in view. Only photos of other products can tell how well photo search carries over.

| search | queries | candidates | {columns} | MRR |
|---|---|---|{rule}---|
{rows}

## Limits
- It knows the words of its training texts. Other words become sub-word pieces whose meaning it has not learnt: leave
  those to lexical search. Real titles find real photos far less often than rendered ones do.
- It tells goods by colour, marking and coarse outline; print, logos and fine shapes are below its resolution.
- People, scenes and anything but goods are outside its training; it must not be used to recognise persons.
"""


def write_record(directory: Path, config: MiniConfig, reports: Sequence[RetrievalReport], speed: float) -> None:
    """Write `training.json` (configuration, data, figures) and `README.md` into the model directory."""
    record = {
        "config": _settings(config),
        "data": data_version(config.corpus.real_data),
        "figures": [asdict(report) for report in reports],
        "products_per_second": round(speed),
    }
    path = directory / TRAINING_RECORD
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (directory / "README.md").write_text(_card(directory, config, reports, speed), "utf-8")


def data_version(data: Path | None) -> dict[str, str]:
    """Short content hashes of the files that say what the real material is; empty without any."""
    files = sorted(data.glob("*.jsonl")) if data is not None else []
    return {path.name: hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest() for path in files}


def _settings(config: MiniConfig) -> dict[str, Any]:
    """The configuration without the places where it ran."""
    settings = asdict(config)
    for place in ("output", "work"):
        del settings[place]
    del settings["corpus"]["real_data"]
    return settings


def _card(directory: Path, config: MiniConfig, reports: Sequence[RetrievalReport], speed: float) -> str:
    shape, corpus = config.architecture, config.corpus
    widest = max(config.phases, key=lambda phase: phase.rendered + phase.invented + phase.photos)
    cut_offs = (1, 3, 5, 10)
    return _CARD.format(
        dim=shape.dim,
        side=shape.picture_side,
        layers=shape.text_layers,
        width=shape.text_width,
        pieces=f"{shape.pieces:,}",
        steps=f"{sum(phase.steps for phase in config.phases):,}",
        centred=sum(phase.steps for phase in config.phases if phase.centred),
        rate=config.learning_rate,
        batch=widest.rendered + widest.invented + widest.photos,
        rendered=f"{corpus.rendered:,}",
        invented=f"{corpus.invented:,}",
        speed=round(speed, -1),
        size=sum(path.stat().st_size for path in directory.iterdir()) / 1e6,
        first_weight=MAIN_IMAGE_WEIGHT,
        columns=" | ".join(f"R@{k}" for k in cut_offs),
        rule="---|" * len(cut_offs),
        rows="\n".join(report_row(report, cut_offs) for report in reports),
    )


def report_row(report: RetrievalReport, cut_offs: Sequence[int]) -> str:
    """A report as a row of a Markdown table, with a cell for each cut-off."""
    shown = {recall.k: f"{recall.value:.3f} ({recall.low:.2f}–{recall.high:.2f})" for recall in report.recalls}
    cells = [report.name, report.queries, report.candidates, *(shown.get(k, "") for k in cut_offs)]
    return "| " + " | ".join(str(cell) for cell in cells) + f" | {report.mean_reciprocal_rank:.3f} |"
