"""The mean of pictures taken out of a picture tower: what all photos have in common tells no two of them apart.

Vectors of a small tower crowd around their mean, the more so for photos of another kind than it was trained on, whose
common light and ground then count more than the goods. The last layer before the projection is a normalisation with a
bias, and projected vectors are nearly of one length, so that the mean is taken out by that bias alone: the model's
shape stays what it was.

Source: Mu and Viswanath, "All-but-the-Top: Simple and Effective Postprocessing for Word Representations", 2018.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional
from transformers import VisionTextDualEncoderModel

from encoders.huggingface.dual_encoder import pooled_features


@torch.no_grad()
def centre_pictures(model: VisionTextDualEncoderModel, pictures: Iterable[Tensor]) -> float:
    """Move the picture tower's bias so that the mean of these pictures' unit vectors comes near 0.

    Args:
        model: with a ConvNeXT picture tower; changed in place.
        pictures: batches (n, 3, side, side), normalised as the tower's.

    Returns:
        Length of the mean before, in 0–1.
    """
    model.eval()
    vectors = torch.cat([pooled_features(model.get_image_features(pixel_values=batch)).float() for batch in pictures])
    mean = functional.normalize(vectors, dim=-1).mean(dim=0)
    offset = mean * vectors.norm(dim=-1).mean()
    bias = model.get_parameter("vision_model.layernorm.bias")
    bias -= torch.linalg.pinv(model.visual_projection.weight.float()) @ offset
    return float(mean.norm())
