"""Layers as OpenVINO's own operations, from named weights. A node is what the next layer takes.

Names are those of safetensors files: a layer called `dense` has `dense.weight` and, in most cases, `dense.bias`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
from openvino import Node
from openvino import opset13 as ops

from encoders.backends.weights import CheckpointWeights
from encoders.errors import ModelUnavailable

ACTIVATIONS: Final[Mapping[str, Callable[[Node], Node]]] = {
    "gelu": lambda node: ops.gelu(node, "ERF"),
    "gelu_new": lambda node: ops.gelu(node, "TANH"),
    "gelu_pytorch_tanh": lambda node: ops.gelu(node, "TANH"),
    "quick_gelu": lambda node: ops.multiply(node, ops.sigmoid(ops.multiply(node, np.float32(1.702)))),
    "relu": ops.relu,
    "relu6": lambda node: ops.clamp(node, 0.0, 6.0),
    "silu": lambda node: ops.swish(node),
    "tanh": ops.tanh,
}
"""By their names in `config.json`."""
Padding = int | Literal["same"]
"""Pixels on each side; or as many as make the output as large as the input by the stride, the odd one at the end."""
_LAST: Final = (-1,)
_CHANNELS: Final = (1, -1, 1, 1)
"""The shape of a vector that goes along the channels of (n, channels, height, width)."""
_LEAST_SQUARE: Final = 1e-24
"""Of a length that is scaled to 1, as torch has it."""
_PLACES: Final = np.array([2, 3])
"""The axes of the height and the width of feature maps."""
_LEAST_FEATURE: Final = np.float32(1e-6)
"""What features are at least before they are raised, as `encoders.huggingface.semantic_visual` has it."""
_MASKED: Final = np.finfo(np.float32).min


def activation(name: object) -> Callable[[Node], Node]:
    """An activation by its name in `config.json`. Raises `ModelUnavailable` for one that is not known."""
    if name not in ACTIVATIONS:
        raise ModelUnavailable(f"activation {name!r} is none of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[str(name)]


def linear(node: Node, weights: CheckpointWeights, name: str) -> Node:
    """(…, in) → (…, out); with a bias where the weights have one."""
    product = ops.matmul(node, ops.constant(weights.take(f"{name}.weight")), False, True)
    return _plus_bias(product, weights, name, _LAST)


def layer_norm(node: Node, weights: CheckpointWeights, name: str, epsilon: float) -> Node:
    """Normalise over the last axis, scale and shift. Source: Ba et al., "Layer normalization", 2016."""
    return _layer_norm(node, weights, name, epsilon, -1, _LAST)


def channel_norm(node: Node, weights: CheckpointWeights, name: str, epsilon: float) -> Node:
    """`layer_norm` over the channels of (n, channels, height, width)."""
    return _layer_norm(node, weights, name, epsilon, 1, _CHANNELS)


def convolution(node: Node, weights: CheckpointWeights, name: str, stride: int = 1, padding: Padding = 0) -> Node:
    """(n, in, height, width) → (n, out, …) by a square kernel; with a bias where the weights have one."""
    kernel = ops.constant(weights.take(f"{name}.weight"))
    result = ops.convolution(node, kernel, [stride] * 2, *_padded(padding))
    return _plus_bias(result, weights, name, _CHANNELS)


def depthwise_convolution(
    node: Node, weights: CheckpointWeights, name: str, stride: int = 1, padding: Padding = 0
) -> Node:
    """Each channel of (n, channels, height, width) by a square kernel of its own."""
    kernel = weights.take(f"{name}.weight")
    grouped = ops.constant(kernel[:, None])
    result = ops.group_convolution(node, grouped, [stride] * 2, *_padded(padding))
    return _plus_bias(result, weights, name, _CHANNELS)


def attention(query: Node, key: Node, value: Node, heads: int, mask: Node | None = None) -> Node:
    """Multi-head attention of (n, length, width) projections, its heads joined again, before the output projection.

    Args:
        mask: added to the scores, as `additive_mask` makes it; None: everything is looked at.

    Source: Vaswani et al., "Attention is all you need", 2017.
    """
    split = [ops.transpose(ops.reshape(node, [0, 0, heads, -1], True), [0, 2, 1, 3]) for node in (query, key, value)]
    mixed = ops.scaled_dot_product_attention(*split, attention_mask=mask)
    return ops.reshape(ops.transpose(mixed, [0, 2, 1, 3]), [0, 0, -1], True)


def additive_mask(mask: Node) -> Node:
    """An attention mask (n, length) of 1 and 0 → (n, 1, 1, length): nothing where it is 1, very negative where 0."""
    absent = ops.subtract(np.float32(1), ops.convert(mask, "f32"))
    return ops.unsqueeze(ops.multiply(absent, _MASKED), ops.constant(np.array([1, 2])))


def embedding(ids: Node, weights: CheckpointWeights, name: str) -> Node:
    """Rows of a table by whole numbers: (n, length) → (n, length, width)."""
    return ops.gather(ops.constant(weights.take(f"{name}.weight")), ids, ops.constant(np.int64(0)))


def first_positions(tokens: Node, weights: CheckpointWeights, name: str) -> Node:
    """The first rows (length, width) of a table, as many as `tokens` (n, length, …) has columns."""
    length = ops.gather(ops.shape_of(tokens), ops.constant(np.array([1])), ops.constant(np.int64(0)))
    table = ops.constant(weights.take(f"{name}.weight"))
    return ops.slice(table, np.array([0]), length, np.array([1]), np.array([0]))


def masked_mean(node: Node, mask: Node) -> Node:
    """(n, length, width) → (n, width): the mean of the tokens whose mask (n, length) is 1; 0 where there is none."""
    weights = ops.unsqueeze(ops.convert(mask, "f32"), ops.constant(np.int64(2)))
    total = ops.reduce_sum(ops.multiply(node, weights), np.array([1]))
    return ops.divide(total, ops.maximum(ops.reduce_sum(weights, np.array([1])), np.float32(1)))


def unit(node: Node) -> Node:
    """(n, width) → the same scaled to length 1."""
    return ops.normalize_l2(node, np.array([1]), _LEAST_SQUARE, "max")


def power_mean(node: Node, power: float) -> Node:
    """(n, channels, height, width) of what is not negative → (n, channels): the mean of powers, and its root.

    Source: Radenović et al., "Fine-tuning CNN image retrieval with no human annotation", 2019.
    """
    if power == 1:
        return ops.reduce_mean(node, _PLACES)
    raised = ops.power(ops.maximum(node, _LEAST_FEATURE), np.float32(power))
    return ops.power(ops.reduce_mean(raised, _PLACES), np.float32(1 / power))


def token_at(node: Node, position: int) -> Node:
    """(n, length, width) → (n, width): the token at a fixed position."""
    return ops.gather(node, ops.constant(np.int64(position)), ops.constant(np.int64(1)))


def _layer_norm(
    node: Node, weights: CheckpointWeights, name: str, epsilon: float, axis: int, shape: tuple[int, ...]
) -> Node:
    normalised = ops.mvn(node, ops.constant(np.array([axis])), True, epsilon, "INSIDE_SQRT")
    scaled = ops.multiply(normalised, _vector(weights, f"{name}.weight", shape))
    return ops.add(scaled, _vector(weights, f"{name}.bias", shape))


def _padded(padding: Padding) -> tuple[list[int], list[int], list[int], str]:
    """The last arguments of a convolution: padding before and after, dilation, and who reckons the padding."""
    pixels, rule = (0, "same_upper") if padding == "same" else (padding, "explicit")
    return [pixels] * 2, [pixels] * 2, [1, 1], rule


def _plus_bias(node: Node, weights: CheckpointWeights, name: str, shape: tuple[int, ...]) -> Node:
    return ops.add(node, _vector(weights, f"{name}.bias", shape)) if f"{name}.bias" in weights else node


def _vector(weights: CheckpointWeights, name: str, shape: tuple[int, ...]) -> Node:
    return ops.constant(weights.take(name).reshape(shape))
