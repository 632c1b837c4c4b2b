"""Towers in 8-bit integers, calibrated on the project's own rendered catalogue. Wants the package nncf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import nncf
import numpy as np
import openvino

from encoders.huggingface.dual_encoder import HfDualEncoder
from vitrine.samples.catalogue import sample_products
from vitrine.samples.drawing.rendering import render

CALIBRATION_PRODUCTS: Final = 128
_SEED: Final = 8
_SIDE: Final = 256


def quantise_towers(
    text: openvino.Model, image: openvino.Model, encoder: HfDualEncoder
) -> tuple[openvino.Model, openvino.Model]:
    """Both towers with weights and activations in 8 bits, where that is known not to ruin them.

    Source: Jacob et al., 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
    inference"; the ranges of activations are those seen on the calibration products.
    """
    products = sample_products(CALIBRATION_PRODUCTS, _SEED)
    titles = [one.title(lang) for one in products for lang in ("en", "zh")]
    batches = [encoder.texts.pad(encoder.texts.token_ids([one])) for one in titles]
    wanted = {port.any_name for port in text.inputs}
    texts = [
        {name: ids for name, ids in zip(("input_ids", "attention_mask"), batch, strict=True) if name in wanted}
        for batch in batches
    ]
    pictures = [
        {"levels": np.asarray(encoder.preparer(render(one, at % 2, _SIDE)))[None]} for at, one in enumerate(products)
    ]
    return _quantised(text, texts), _quantised(image, pictures)


def _quantised(tower: openvino.Model, samples: Sequence[dict[str, Any]]) -> openvino.Model:
    return nncf.quantize(
        tower,
        nncf.Dataset(samples),
        preset=nncf.QuantizationPreset.MIXED,
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(samples),
    )
