"""One model out of several that were trained from the same one: the mean of their weights."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from encoders import checkpoints
from encoders.errors import ModelUnavailable

_WEIGHTS = "*.safetensors"


def average_models(models: Sequence[Path], output: Path) -> Path:
    """Average the weights of model directories; everything else is copied from the first.

    Args:
        models: directories whose weights have the same names and shapes.
        output: directory of the result; must not be one of them.

    Returns:
        `output`.

    Raises:
        ModelUnavailable: a directory holds no usable model, or weights that do not fit those of the first.

    Source: Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", 2022.
    """
    for directory in models:
        checkpoints.check_dual_encoder(directory)
        if directory.resolve() == output.resolve():
            raise ModelUnavailable(f"{output} is one of the models to average: name another directory")
    output.mkdir(parents=True, exist_ok=True)
    for path in models[0].iterdir():
        if path.is_file() and path.name != checkpoints.TRAINING_RECORD and path.suffix != ".safetensors":
            shutil.copy2(path, output / path.name)
    for path in sorted(models[0].glob(_WEIGHTS)):
        save_file(_mean([directory / path.name for directory in models]), output / path.name, {"format": "pt"})
    return output


def _mean(paths: Sequence[Path]) -> dict[str, torch.Tensor]:
    states = [_read(path) for path in paths]
    shapes = {name: tensor.shape for name, tensor in states[0].items()}
    for path, state in zip(paths, states, strict=True):
        if {name: tensor.shape for name, tensor in state.items()} != shapes:
            raise ModelUnavailable(f"{path} has other weights than {paths[0]}: average models of one origin")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[0].items()
    }


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except OSError as error:
        raise ModelUnavailable(f"{path} cannot be read: {error}") from error
