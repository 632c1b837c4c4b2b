"""Towers built from a checkpoint's own files by OpenVINO's operations: no torch, no transformers.

The architectures are those in `TEXT_TOWERS` and `IMAGE_TOWERS`, joined as `VisionTextDualEncoderModel` joins them. A
checkpoint with anything else in its configuration or its weights is refused rather than built half.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino
from openvino import Node
from openvino import opset13 as ops
from PIL import Image
from tokenizers import Tokenizer

from encoders.backends.image_towers import IMAGE_TOWERS
from encoders.backends.operations import linear
from encoders.backends.text_towers import TEXT_TOWERS
from encoders.backends.towers import Towers
from encoders.backends.weights import CheckpointWeights
from encoders.errors import ModelUnavailable
from encoders.inference.tokens import TokenRules
from encoders.media.preparation import FixedSizePreparer
from encoders.media.processor_settings import LevelScale, fixed_size, scale_of, written_settings

MODEL_TYPE: Final = "vision-text-dual-encoder"
_TEXT, _IMAGE = "text_model.", "vision_model."
"""What the names of each tower's weights begin with."""


def built(checkpoint: Path) -> Towers:
    """Build both towers.

    Args:
        checkpoint: config, safetensors weights, `tokenizer.json` with its configuration, and image processor.

    Raises:
        ModelUnavailable: a file is missing, or asks for what is not built here.
    """
    config = _document(checkpoint / "config.json")
    if config.get("model_type") != MODEL_TYPE:
        raise ModelUnavailable(f"{checkpoint}: a {config.get('model_type')} is not built by operations")
    settings = written_settings(checkpoint)
    preparer, scale = fixed_size(settings), scale_of(settings)
    weights = CheckpointWeights(checkpoint)
    try:
        text = _text_model(config["text_config"], weights)
        image = _image_model(config["vision_config"], weights, _picture_size(checkpoint, preparer), scale)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelUnavailable(f"{checkpoint} is not built by operations: {type(error).__name__}: {error}") from error
    weights.check_all_taken()
    tokenizer, rules = _tokens(checkpoint, config["text_config"])
    dim = int(weights.take("text_projection.weight").shape[0])
    return Towers(text, image, tokenizer, rules, preparer, dim)


def _text_model(config: Mapping[str, Any], weights: CheckpointWeights) -> openvino.Model:
    tower = TEXT_TOWERS.get(config["model_type"])
    if tower is None:
        raise ModelUnavailable(f"a text tower of type {config['model_type']!r} is none of {', '.join(TEXT_TOWERS)}")
    ids, mask = (_input(name, [-1, -1], np.int64) for name in ("input_ids", "attention_mask"))
    pooled = tower(ids, mask, config, weights, _TEXT)
    return _model(linear(pooled, weights, "text_projection"), ids, mask)


def _image_model(
    config: Mapping[str, Any], weights: CheckpointWeights, size: tuple[int, int], scale: LevelScale
) -> openvino.Model:
    tower = IMAGE_TOWERS.get(config["model_type"])
    if tower is None:
        raise ModelUnavailable(f"an image tower of type {config['model_type']!r} is none of {', '.join(IMAGE_TOWERS)}")
    levels = _input("levels", [-1, *size, 3], np.uint8)
    pooled = tower(_pixels(levels, scale), config, weights, _IMAGE)
    return _model(linear(pooled, weights, "visual_projection"), levels)


def _pixels(levels: Node, scale: LevelScale) -> Node:
    """(n, height, width, 3) uint8 → (n, 3, height, width) float32, scaled and normalised."""
    mean, std = (np.asarray(row, np.float32) for row in (scale.mean, scale.std))
    scaled = ops.multiply(ops.convert(levels, "f32"), np.float32(scale.factor))
    return ops.transpose(ops.divide(ops.subtract(scaled, mean), std), [0, 3, 1, 2])


def _model(output: Node, *inputs: Any) -> openvino.Model:
    # The class's own annotations say that it cannot be made.
    make: Any = openvino.Model
    return make([output], list(inputs))


def _input(name: str, shape: list[int], kind: type) -> Any:
    node = ops.parameter(shape, kind)
    node.output(0).get_tensor().set_names({name})
    return node


def _picture_size(checkpoint: Path, preparer: FixedSizePreparer) -> tuple[int, int]:
    """(height, width) of all prepared pictures. Raises `ModelUnavailable` where they have many shapes."""
    wide, high = (preparer(Image.new("RGB", size)).shape for size in ((96, 64), (64, 96)))
    if wide != high:
        raise ModelUnavailable(f"{checkpoint}: it takes pictures of many shapes, which only torch is used for")
    return wide[0], wide[1]


def _tokens(checkpoint: Path, config: Mapping[str, Any]) -> tuple[str, TokenRules]:
    """The tokenizer as JSON, and what the tower takes. Raises `ModelUnavailable` where its two files disagree."""
    path, settings = checkpoint / "tokenizer.json", _document(checkpoint / "tokenizer_config.json")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:
        raise ModelUnavailable(f"{path} is missing or broken: {error}") from error
    lowercase = _document(path).get("normalizer") or {}
    if settings.get("do_lower_case", lowercase.get("lowercase")) != lowercase.get("lowercase"):
        raise ModelUnavailable(f"{path} and tokenizer_config.json disagree about lower case")
    pad = tokenizer.token_to_id(str(settings.get("pad_token", "")))
    most = min(int(config["max_position_embeddings"]), int(settings.get("model_max_length", 1 << 30)))
    left = settings.get("padding_side") == "left"
    return tokenizer.to_str(), TokenRules(most, pad or 0, full_padding=False, pad_left=left)


def _document(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{path} is missing or no JSON: {error}") from error
