"""Image towers as OpenVINO's graphs: pixel values (n, 3, height, width) float32 → features, float32.

These are pooled, (n, width), or maps (n, width, rows, columns) where what joins the towers pools them.

Another tower is a function like `convnext` and its name in `IMAGE_TOWERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from openvino import Node
from openvino import opset13 as ops

from encoders.backends.operations import (
    activation,
    channel_norm,
    convolution,
    depthwise_convolution,
    layer_norm,
    linear,
)
from encoders.backends.weights import CheckpointWeights

ImageTower = Callable[[Node, Mapping[str, Any], CheckpointWeights, str], Node]
"""Of pixel values, the tower's part of `config.json`, the weights, and what their names begin with."""
_CONVNEXT_EPSILON: Final = 1e-6
"""Of the norms within; `layer_norm_eps` is the last one's."""


def convnext(pixels: Node, config: Mapping[str, Any], weights: CheckpointWeights, prefix: str) -> Node:
    """ConvNeXT's stages, averaged over the picture and normalised.

    Source: Liu et al., "A ConvNet for the 2020s", 2022.
    """
    patches = convolution(pixels, weights, f"{prefix}embeddings.patch_embeddings", int(config["patch_size"]))
    features = channel_norm(patches, weights, f"{prefix}embeddings.layernorm", _CONVNEXT_EPSILON)
    act = activation(config["hidden_act"])
    for number, depth in enumerate(config["depths"]):
        stage = f"{prefix}encoder.stages.{number}."
        if number:
            features = channel_norm(features, weights, f"{stage}downsampling_layer.0", _CONVNEXT_EPSILON)
            features = convolution(features, weights, f"{stage}downsampling_layer.1", stride=2)
        for block in range(int(depth)):
            features = _convnext_block(features, act, weights, f"{stage}layers.{block}.")
    averaged = ops.reduce_mean(features, np.array([2, 3]))
    return layer_norm(averaged, weights, f"{prefix}layernorm", float(config["layer_norm_eps"]))


def _convnext_block(features: Node, act: Callable[[Node], Node], weights: CheckpointWeights, prefix: str) -> Node:
    """(n, channels, height, width) → the same, added to what it makes of it."""
    mixed = ops.transpose(depthwise_convolution(features, weights, f"{prefix}dwconv", padding=3), [0, 2, 3, 1])
    mixed = layer_norm(mixed, weights, f"{prefix}layernorm", _CONVNEXT_EPSILON)
    mixed = linear(act(linear(mixed, weights, f"{prefix}pwconv1")), weights, f"{prefix}pwconv2")
    if (scale := f"{prefix}layer_scale_parameter") in weights:
        mixed = ops.multiply(mixed, weights.take(scale))
    return ops.add(features, ops.transpose(mixed, [0, 3, 1, 2]))


def efficientnet_lite(pixels: Node, config: Mapping[str, Any], weights: CheckpointWeights, prefix: str) -> Node:
    """The last feature maps of EfficientNet-Lite, batch normalisation folded into the convolutions.

    Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019.
    """
    act = activation("relu6")
    features = act(convolution(pixels, weights, f"{prefix}stem", 2, "same"))
    for number, block in enumerate(config["blocks"]):
        name, wide = f"{prefix}blocks.{number}.", features
        if block["expanded"] != block["in"]:
            wide = act(convolution(features, weights, f"{name}expand"))
        wide = act(depthwise_convolution(wide, weights, f"{name}depthwise", int(block["stride"]), "same"))
        narrow = convolution(wide, weights, f"{name}project")
        is_residual = block["stride"] == 1 and block["in"] == block["out"]
        features = ops.add(narrow, features) if is_residual else narrow
    return act(convolution(features, weights, f"{prefix}head"))


IMAGE_TOWERS: Final[Mapping[str, ImageTower]] = {"convnext": convnext, "efficientnet-lite": efficientnet_lite}
"""By the `model_type` of their configuration."""
