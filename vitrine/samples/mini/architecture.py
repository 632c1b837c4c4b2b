"""The shape of `mini`, and its way to a directory that `AutoModel` and `AutoProcessor` load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import (
    BertConfig,
    BertTokenizer,
    ConvNextConfig,
    SiglipImageProcessor,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
    VisionTextDualEncoderProcessor,
)

from encoders.huggingface.dual_encoder import pooled_features


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


@torch.no_grad()
def centre_pictures(model: VisionTextDualEncoderModel, pictures: Iterable[Tensor]) -> float:
    """Move the picture tower's bias so that the mean of these pictures' unit vectors comes near 0.

    Vectors of a small tower crowd around their mean, which tells no two pictures apart, the more so for photos of
    another kind than it was trained on: their common light and ground then count more than the goods. The last layer
    before the projection is a normalisation with a bias, and projected vectors are nearly of one length, so that the
    bias alone takes the mean out, and the model's shape stays what it was.

    Args:
        model: with a ConvNeXT picture tower; changed in place.
        pictures: batches (n, 3, side, side), normalised as the tower's.

    Returns:
        Length of the mean before, in 0–1.

    Source: Mu and Viswanath, "All-but-the-Top: Simple and Effective Postprocessing for Word Representations", 2018.
    """
    model.eval()
    vectors = torch.cat([pooled_features(model.get_image_features(pixel_values=batch)).float() for batch in pictures])
    mean = functional.normalize(vectors, dim=-1).mean(dim=0)
    offset = mean * vectors.norm(dim=-1).mean()
    bias = model.get_parameter("vision_model.layernorm.bias")
    bias -= torch.linalg.pinv(model.visual_projection.weight.float()) @ offset
    return float(mean.norm())
