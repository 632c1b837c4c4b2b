"""The shape of `mini`, and its way to a directory that `AutoModel` and `AutoProcessor` load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import (
    BertConfig,
    BertTokenizer,
    ConvNextConfig,
    SiglipImageProcessor,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)


@dataclass(frozen=True)
class MiniArchitecture:
    """Sizes of the two towers. The defaults fit in 5 MB as half-precision weights."""

    dim: int = 128
    """Dimensions of the space that texts and pictures share."""
    picture_side: int = 64
    """Side of the square that pictures are squeezed to, in pixels, once plain borders are cut off."""
    picture_widths: tuple[int, ...] = (32, 64, 128, 256)
    picture_depths: tuple[int, ...] = (1, 2, 3, 1)
    text_width: int = 128
    text_layers: int = 2
    text_heads: int = 4
    pieces: int = 5000
    """Size of the vocabulary."""
    max_tokens: int = 40
    """Where texts are cut: a title, brand, category and attributes fit, and batches stay fast."""


def build_model(shape: MiniArchitecture) -> VisionTextDualEncoderModel:
    """A ConvNeXT picture tower and a BERT text tower with random weights.

    Source: Liu et al., "A ConvNet for the 2020s", 2022; Devlin et al., "BERT", 2018.
    """
    vision = ConvNextConfig(
        image_size=shape.picture_side,
        hidden_sizes=list(shape.picture_widths),
        depths=list(shape.picture_depths),
        num_stages=len(shape.picture_widths),
        layer_scale_init_value=0.1,
    )
    # Joined towers read the width of their parts from this name, which ConvNeXT's own configuration lacks.
    vision.hidden_size = shape.picture_widths[-1]
    text = BertConfig(
        vocab_size=shape.pieces,
        hidden_size=shape.text_width,
        num_hidden_layers=shape.text_layers,
        num_attention_heads=shape.text_heads,
        intermediate_size=4 * shape.text_width,
        max_position_embeddings=shape.max_tokens,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    config = VisionTextDualEncoderConfig.from_vision_text_configs(vision, text, projection_dim=shape.dim)
    return VisionTextDualEncoderModel(config)


def export_model(
    model: VisionTextDualEncoderModel, tokenizer: BertTokenizer, shape: MiniArchitecture, directory: Path
) -> None:
    """Write weights (half precision), configuration, tokenizer and image processor."""
    side = {"height": shape.picture_side, "width": shape.picture_side}
    half = build_model(shape)
    half.load_state_dict(model.state_dict())
    half.half().save_pretrained(directory)
    # The second is for `encoders.huggingface.preprocessing`; transformers keeps it, and does nothing with it.
    preparation: dict[str, Any] = {"size": side, "do_trim_borders": True}
    pictures = SiglipImageProcessor(**preparation)
    VisionTextDualEncoderProcessor(pictures, tokenizer).save_pretrained(directory)
