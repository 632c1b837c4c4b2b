"""How two towers' features, and pixels, become embeddings in one space, as OpenVINO's graphs.

Another way is two functions like those here and their name in `JOINTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from openvino import Node
from openvino import opset13 as ops

from encoders.backends.operations import linear, power_mean, unit
from encoders.backends.palette import palette
from encoders.backends.weights import CheckpointWeights

Head = Callable[[Node, Mapping[str, Any], CheckpointWeights], Node]
"""Of pooled features (n, width), all of `config.json`, and the weights; gives embeddings (n, dim) of any length."""
ImageHead = Callable[[Node, Node, Mapping[str, Any], CheckpointWeights], Node]
"""The same, of an image tower's features and normalised pixels (n, 3, height, width)."""


@dataclass(frozen=True, slots=True)
class Joint:
    """What comes after the text tower, and what after the image tower."""

    text: Head
    image: ImageHead


def _projected_text(pooled: Node, config: Mapping[str, Any], weights: CheckpointWeights) -> Node:
    return linear(pooled, weights, "text_projection")


def _projected_image(pooled: Node, pixels: Node, config: Mapping[str, Any], weights: CheckpointWeights) -> Node:
    return linear(pooled, weights, "visual_projection")


def _semantic_text(pooled: Node, config: Mapping[str, Any], weights: CheckpointWeights) -> Node:
    """What a text means, and zeros: nothing of how it looks."""
    semantic = unit(linear(unit(pooled), weights, "text_projection"))
    own = int(config["visual_dim"]) + int(config["colours"])
    return ops.pad(semantic, [0, 0], [0, own], "constant", np.float32(0))


def _semantic_and_visual_image(
    features: Node, pixels: Node, config: Mapping[str, Any], weights: CheckpointWeights
) -> Node:
    """What a picture means, among texts, how it looks, and its colours, each of its share."""
    powers = {"semantic": 1.0, "visual": float(config.get("visual_power", 1.0))}
    semantic, visual = (
        unit(linear(power_mean(features, power), weights, f"{name}_projection")) for name, power in powers.items()
    )
    looks, colours = float(config["visual_share"]), float(config["colour_share"])
    shares = (1 - looks - colours, looks, colours)
    parts = zip((semantic, visual, palette(pixels, weights, "palette")), shares, strict=True)
    return ops.concat([ops.multiply(part, np.float32(share**0.5)) for part, share in parts], 1)


JOINTS: Final[Mapping[str, Joint]] = {
    "vision-text-dual-encoder": Joint(_projected_text, _projected_image),
    "semantic-visual": Joint(_semantic_text, _semantic_and_visual_image),
}
"""By the `model_type` of `config.json`."""
