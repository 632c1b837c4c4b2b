"""The colours of a picture as an OpenVINO graph; `encoders.huggingface.palette` says what they are."""

from __future__ import annotations

from typing import Final

import numpy as np
from openvino import Node
from openvino import opset13 as ops

from encoders.backends.operations import convolution, unit
from encoders.backends.weights import CheckpointWeights

_PATCH: Final = 8
_LEAST_SHARE: Final = np.float32(1e-6)


def palette(pixels: Node, weights: CheckpointWeights, name: str) -> Node:
    """Normalised pictures (n, 3, height, width) → (n, colours) of length 1: how much has each colour of the palette."""
    patches = ops.avg_pool(pixels, [_PATCH] * 2, [0, 0], [0, 0], [_PATCH] * 2, True)
    near = ops.softmax(convolution(patches, weights, f"{name}.near"), 1)
    emphasis = weights.take(f"{name}.emphasis")
    counted = ops.slice(ops.reduce_mean(near, np.array([2, 3])), [0], [len(emphasis)], [1], [1])
    return unit(ops.sqrt(ops.add(ops.multiply(counted, emphasis[None]), _LEAST_SHARE)))
