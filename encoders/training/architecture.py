"""The shape of `mini`, and its way to a directory that `AutoModel` and `AutoProcessor` load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertTokenizerFast,
    LevitConfig,
    SiglipImageProcessor,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)


@dataclass(frozen=True)
class Architecture:
    """Sizes of the two towers. The defaults fit in 5 MB as half-precision weights."""

    dim: int = 128
    """Dimensions of the space that texts and pictures share."""
    picture_side: int = 80
    """Side of the square that pictures are squeezed to, in pixels."""
    picture_widths: tuple[int, int, int] = (96, 144, 208)
    picture_heads: tuple[int, int, int] = (3, 4, 6)
    picture_depths: tuple[int, int, int] = (2, 2, 2)
    text_width: int = 128
    text_layers: int = 2
    text_heads: int = 4
    pieces: int = 5000
    """Size of the vocabulary."""
    max_tokens: int = 64


def build_model(shape: Architecture, vocabulary: int) -> VisionTextDualEncoderModel:
    """A LeViT picture tower and a BERT text tower with random weights.

    LeViT (Graham et al., 2021: convolutions down to a coarse grid, then attention) trains four times as many
    pictures a second on a CPU as a ConvNeXT of the same size.
    """
    vision = LevitConfig(
        image_size=shape.picture_side,
        hidden_sizes=list(shape.picture_widths),
        num_attention_heads=list(shape.picture_heads),
        depths=list(shape.picture_depths),
        key_dim=[16, 16, 16],
    )
    # Joined towers read the width of their parts from this name, which LeViT's own configuration lacks.
    vision.hidden_size = shape.picture_widths[-1]
    text = BertConfig(
        vocab_size=vocabulary,
        hidden_size=shape.text_width,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=shape.text_heads,
        intermediate_size=4 * shape.text_width,
        max_position_embeddings=shape.max_tokens,
    )
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=shape.dim)
    return VisionTextDualEncoderModel(config)


def export(
    model: VisionTextDualEncoderModel, tokenizer: BertTokenizerFast, shape: Architecture, directory: Path
) -> None:
    """Write weights (half precision), configuration, tokenizer and image processor."""
    side = {"height": shape.picture_side, "width": shape.picture_side}
    half = build_model(shape, len(tokenizer))
    half.load_state_dict(model.state_dict())
    half.to(torch.float16).save_pretrained(directory)
    VisionTextDualEncoderProcessor(SiglipImageProcessor(size=side), tokenizer).save_pretrained(directory)
