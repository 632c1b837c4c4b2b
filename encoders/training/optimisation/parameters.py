"""Which parameters learn, and how fast."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from torch import nn

from encoders.errors import EncoderError
from encoders.training.config import TuningConfig
from encoders.training.trainable import Trainable

_LAYER: Final = re.compile(r"\b(?:layers?|blocks?|stages|h)\.(\d+)\.")
_LOWEST: Final = re.compile(r"embeddings?\b|\bstem\b|conv1\b|word_emb|patch_emb")
_WORDS: Final = re.compile(r"\btext_(?:model|projection)\b")
_MAX_RATE, _SMALL = 6e-4, 3_000_000


class NoTrainableParameters(EncoderError):
    """Every parameter is frozen, or a name to freeze by fits none."""


def freeze(model: Trainable, names: Sequence[str]) -> int:
    """Stop the parameters whose names contain one of `names` from learning; returns how many numbers still learn.

    Raises:
        NoTrainableParameters: a name that fits no parameter, or nothing that is left to learn.
    """
    parameters = dict(model.named_parameters())
    for part in names:
        fitting = [parameter for name, parameter in parameters.items() if part in name]
        if not fitting:
            known = sorted({".".join(name.split(".")[:3]) for name in parameters})
            raise NoTrainableParameters(f"no parameter's name contains {part!r}; they begin with {', '.join(known)}")
        for parameter in fitting:
            parameter.requires_grad_(False)
    learning = sum(parameter.numel() for parameter in parameters.values() if parameter.requires_grad)
    if not learning:
        raise NoTrainableParameters("every parameter is frozen: freeze fewer, or train low-rank adapters")
    return learning


def parameter_groups(model: Trainable, heads: nn.Module, config: TuningConfig) -> list[dict[str, Any]]:
    """Optimiser groups: layers further from the output learn slower; only matrices shrink.

    Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018.
    """
    rate = config.learning_rate or default_learning_rate(model)
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    depths = _depths(name for name, _ in named)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in named:
        faster = config.word_rate if _WORDS.search(name) else 1.0
        key = (faster * config.layer_decay ** depths[name], parameter.ndim > 1)
        groups.setdefault(key, []).append(parameter)
    made = [
        _group(members, rate * factor, config.weight_decay if shrinks else 0.0)
        for (factor, shrinks), members in groups.items()
    ]
    return [*made, _group(list(heads.parameters()), config.head_learning_rate, 0.0)]


def default_learning_rate(model: Trainable) -> float:
    """A learning rate for so many learning numbers: 6e-4 up to 3 million, and the inverse of their count beyond."""
    learning = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return _MAX_RATE * min(1.0, _SMALL / max(1, learning))


def _group(members: list[nn.Parameter], rate: float, decay: float) -> dict[str, Any]:
    return {"params": members, "lr": rate, "full_lr": rate, "weight_decay": decay}


def _depths(names: Iterable[str]) -> dict[str, int]:
    """Layers between each parameter and the output, counted within its own tower."""
    places = {name: _layer_number(name) for name in names}
    tops: dict[str, int] = {}
    for name, place in places.items():
        tower = _tower(name)
        tops[tower] = max(tops.get(tower, 0), place)
    return {name: tops[_tower(name)] + 1 - place if place >= 0 else 0 for name, place in places.items()}


def _layer_number(name: str) -> int:
    """0 for the lowest parts, 1 and up for numbered layers, −1 for heads and projections."""
    layer = _LAYER.search(name)
    if layer:
        return 1 + int(layer.group(1))
    return 0 if _LOWEST.search(name) else -1


def _tower(name: str) -> str:
    return "text" if "text" in name else "vision" if "vision" in name or "visual" in name else ""
