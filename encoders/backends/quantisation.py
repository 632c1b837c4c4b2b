"""Towers in 8-bit integers, calibrated on texts and pictures made for it. Wants the package nncf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import nncf
import numpy as np
import openvino
from PIL import Image

from encoders.backends.calibration import calibration_pictures, calibration_texts
from encoders.backends.towers import Towers


def quantise_towers(
    towers: Towers, texts: Sequence[str] | None = None, pictures: Sequence[Image.Image] | None = None
) -> Towers:
    """Both towers with weights and activations in 8 bits, where that is known not to ruin them.

    Args:
        towers: in float32.
        texts: to calibrate on, as they are searched for and indexed; None: `calibration_texts`.
        pictures: to calibrate on, in RGB; None: `calibration_pictures`.

    Source: Jacob et al., 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
    inference"; the ranges of activations are those seen in calibration.
    """
    ids = [towers.text_inputs(text) for text in texts or calibration_texts()]
    levels = [{"levels": towers.preparer(picture)[None]} for picture in pictures or calibration_pictures()]
    return replace(towers, text=_quantised(towers.text, ids), image=_quantised(towers.image, levels))


def _quantised(tower: openvino.Model, samples: Sequence[dict[str, Any]]) -> openvino.Model:
    return nncf.quantize(
        tower,
        nncf.Dataset([{name: np.asarray(value) for name, value in sample.items()} for sample in samples]),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(samples),
    )
