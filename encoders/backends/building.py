"""Towers built from a checkpoint's own files by OpenVINO's operations: no torch, no transformers.

The architectures are those in `TEXT_TOWERS` and `IMAGE_TOWERS`, joined as one of `JOINTS` joins them. A checkpoint with
anything else in its configuration or its weights is refused rather than built half.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from openvino import Node
from openvino import opset13 as ops
from PIL import Image
from tokenizers import Tokenizer

from encoders.backends.image_towers import IMAGE_TOWERS
from encoders.backends.joints import JOINTS, Joint
from encoders.backends.manifest import WORD_VECTORS
from encoders.backends.text_towers import TEXT_TOWERS, WORDS
from encoders.backends.towers import Towers
from encoders.backends.weights import CheckpointWeights
from encoders.backends.word_table import LARGE_TABLE
from encoders.errors import ModelUnavailable
from encoders.inference.tokens import TokenRules
from encoders.media.preparation import FixedSizePreparer
from encoders.media.processor_settings import LevelScale, fixed_size, scale_of, written_settings
from encoders.spec import FloatArray

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
    joint = JOINTS.get(str(config.get("model_type")))
    if joint is None:
        raise ModelUnavailable(f"{checkpoint}: a {config.get('model_type')} is not built by operations")
    settings = written_settings(checkpoint)
    preparer, scale = fixed_size(settings), scale_of(settings)
    weights = CheckpointWeights(checkpoint)
    try:
        words = _large_word_table(weights)
        text = _text_model(config, weights, joint, words)
        image = _image_model(config, weights, joint, _picture_size(checkpoint, preparer), scale)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelUnavailable(f"{checkpoint} is not built by operations: {type(error).__name__}: {error}") from error
    weights.check_all_taken()
    tokenizer, rules = _tokens(checkpoint, config["text_config"])
    return Towers(text, image, tokenizer, rules, preparer, _width(text), words, weights.are_half)


def _large_word_table(weights: CheckpointWeights) -> FloatArray | None:
    """The table of word embeddings, where it is too large for the graph."""
    name = f"{_TEXT}{WORDS}"
    return weights.take(name) if weights.size_of(name) >= LARGE_TABLE else None


def _text_model(
    config: Mapping[str, Any], weights: CheckpointWeights, joint: Joint, words: FloatArray | None
) -> openvino.Model:
    kind = config["text_config"]["model_type"]
    tower = TEXT_TOWERS.get(kind)
    if tower is None:
        raise ModelUnavailable(f"a text tower of type {kind!r} is none of {', '.join(TEXT_TOWERS)}")
    mask = _input("attention_mask", [-1, -1], np.int64)
    tokens = (
        _input("input_ids", [-1, -1], np.int64)
        if words is None
        else _input(WORD_VECTORS, [-1, -1, words.shape[1]], np.float32)
    )
    pooled = tower(tokens, mask, config["text_config"], weights, _TEXT)
    return _model(joint.text(pooled, config, weights), tokens, mask)


def _image_model(
    config: Mapping[str, Any], weights: CheckpointWeights, joint: Joint, size: tuple[int, int], scale: LevelScale
) -> openvino.Model:
    kind = config["vision_config"]["model_type"]
    tower = IMAGE_TOWERS.get(kind)
    if tower is None:
        raise ModelUnavailable(f"an image tower of type {kind!r} is none of {', '.join(IMAGE_TOWERS)}")
    levels = _input("levels", [-1, *size, 3], np.uint8)
    pixels = _pixels(levels, scale)
    pooled = tower(pixels, config["vision_config"], weights, _IMAGE)
    return _model(joint.image(pooled, pixels, config, weights), levels)


def _width(tower: openvino.Model) -> int:
    """Dimensions of a tower's embeddings."""
    return int(tower.output(0).partial_shape[1].get_length())


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
