"""The projections that ship."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.torch import load_file as load_torch

from vitrine.samples.standard.palette import palette

DIRECTORY = Path(__file__).parents[5] / "encoders" / "models" / "standard"


def test_they_fit_in_ten_megabytes_with_their_card() -> None:
    files = [path for path in DIRECTORY.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 10_000_000
    assert {"README.md", "projections.safetensors", "standard.json"} <= {path.name for path in files}


def test_each_has_a_bias_and_no_number_out_of_bounds() -> None:
    tensors = load_file(DIRECTORY / "projections.safetensors")
    assert {name.split(".")[0] for name in tensors} == {"text", "semantic", "visual", "palette"}
    assert tensors["text.weight"].shape == (384, 384)
    assert tensors["semantic.weight"].shape == (384, 1280)
    assert all(np.isfinite(rows).all() for rows in tensors.values())
    assert all(tensors[f"{name}.bias"].shape == tensors[f"{name}.weight"].shape[:1] for name in ("text", "visual"))


def test_the_settings_say_how_much_looks_count() -> None:
    settings = json.loads((DIRECTORY / "standard.json").read_text("utf-8"))
    assert 0 < settings["visual_share"] < settings["visual_share"] + settings["colour_share"] < 1


def test_its_palette_is_the_one_that_training_writes() -> None:
    shipped = load_torch(DIRECTORY / "projections.safetensors")
    assert all(torch.allclose(shipped[name], rows, atol=1e-3) for name, rows in palette().items())
