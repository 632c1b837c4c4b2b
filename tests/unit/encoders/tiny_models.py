"""Fusion models of a few thousand weights."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import torch

from encoders.architectures.config import ARCHITECTURES, FusionConfig
from encoders.architectures.model import FusionModel
from encoders.architectures.storage import new_model

TEXTS = ["a red cotton shirt with long sleeves", "blue running shoes", "green apple, 500 g", "红色棉质衬衫 蓝色跑鞋"]
SIDE = 32


def tiny_config(name: str) -> FusionConfig:
    """An architecture with towers of next to no size."""
    config = ARCHITECTURES[name]
    stages = len(config.image.widths)
    widths = (16,) if config.image.kind == "vit" else (8, 12, 16, 16)[:stages]
    image = replace(config.image, side=SIDE, widths=widths, depths=(1,) * stages, heads=2)
    text = replace(config.text, width=16, layers=1, heads=2, pieces=200, max_tokens=16)
    return replace(config, text=text, image=image, dim=16, layers=1, heads=2)


@lru_cache
def tiny_model(name: str) -> FusionModel:
    """A small model of an architecture, by its name; not to be trained, since tests share it."""
    torch.set_num_threads(1)
    return new_model(tiny_config(name), TEXTS).eval()
