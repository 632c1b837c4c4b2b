"""Trains the projections of the encoder `standard` and writes its card.

Run by `python -m vitrine.samples.standard.training DATA`; DATA has real photos and listings. It takes some minutes of a
core, most of which embed what is learnt from; that is kept in the directory of work.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch.nn import functional

from encoders.loading import STANDARD, load_encoder
from vitrine.samples.mini.card import data_version
from vitrine.samples.standard.card import measure, write_card
from vitrine.samples.standard.config import StandardConfig
from vitrine.samples.standard.material import RealPhotos, bilingual_texts, class_names, real_photos
from vitrine.samples.standard.optimisation import AffineMap
from vitrine.samples.standard.palette import palette
from vitrine.samples.standard.semantic_map import LabelledPhotos, PairedPhotos, train_semantic_map
from vitrine.samples.standard.text_map import train_text_map
from vitrine.samples.standard.towers import FrozenTowers, read_classifier
from vitrine.samples.standard.visual_map import visual_map

Value = TypeVar("Value")


def main(config: StandardConfig) -> None:
    """Train, write, measure as others will load it, and write the card.

    Raises:
        ValueError: there are no real data.
    """
    if config.real_data is None:
        raise ValueError("the projections are trained with real photos: name their directory")
    write_projections(train_standard(config, config.real_data), config)
    # Its checkpoint is made of the projections that were just written.
    reports = measure(load_encoder(STANDARD, "cpu"), config.real_data)
    print(*reports, sep="\n", flush=True)
    write_card(config, reports)


def train_standard(config: StandardConfig, data: Path) -> dict[str, AffineMap]:
    """Train the three maps: `text`, `semantic`, `visual`. Args: data: real photos and listings."""
    towers = FrozenTowers(config.work / "towers")
    names = _kept(config, "names", lambda: class_names(towers))
    photos = _kept(config, "photos", lambda: real_photos(towers, data))
    texts = _kept(config, f"texts-{config.rendered}", lambda: bilingual_texts(towers, config.rendered))
    classifier = read_classifier()
    others = torch.cat([names, photos.words.flatten(0, 1)])
    text = train_text_map(texts, others, config.translation_shrinkage, config.text)
    pairs, labelled = _projected(photos, text)
    unit_names = functional.normalize(text(names), dim=-1)
    semantic = train_semantic_map(pairs, labelled, classifier, unit_names, config.semantic, config.seed)
    return {"text": text, "semantic": semantic, "visual": visual_map(classifier, config.visual_dim)}


def write_projections(maps: dict[str, AffineMap], config: StandardConfig) -> None:
    """Write `projections.safetensors`, float16, and `standard.json`."""
    tensors = {
        f"{name}.{kind}": getattr(projection, kind).half().contiguous()
        for name, projection in maps.items()
        for kind in ("weight", "bias")
    }
    config.output.mkdir(parents=True, exist_ok=True)
    tensors |= palette()
    save_file(tensors, config.output / "projections.safetensors")
    data = data_version(config.real_data)
    version = "-".join(["3", *data.values()][:2])
    settings: dict[str, Any] = {"version": version, "visual_share": config.visual_share}
    settings |= {"colour_share": config.colour_share, "visual_power": config.visual_power}
    settings |= {"picture": {"do_trim_borders": True, "query_views": config.query_views}}
    (config.output / "standard.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")


def _projected(photos: RealPhotos, text: AffineMap) -> tuple[PairedPhotos, LabelledPhotos]:
    words, labels = (functional.normalize(text(rows), dim=-1) for rows in (photos.words, photos.labels))
    return (
        PairedPhotos(photos.features, photos.product, words),
        LabelledPhotos(photos.amateur, photos.label, labels),
    )


def _kept(config: StandardConfig, name: str, make: Callable[[], Value]) -> Value:
    """What is in the directory of work under a name, made where it is not there."""
    path = config.work / f"{name}.pt"
    if not path.is_file():
        config.work.mkdir(parents=True, exist_ok=True)
        torch.save(make(), path)
    # Written by this program, in its own directory.
    return torch.load(path, weights_only=False)


if __name__ == "__main__":
    main(StandardConfig(real_data=Path(sys.argv[1]) if sys.argv[1:] else None))
