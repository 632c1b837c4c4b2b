"""Random framing and light on whole batches of pictures, as tensors."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def random_crop(pictures: Tensor, side: int, zoom: tuple[float, float], generator: torch.Generator) -> Tensor:
    """Cut a random, slightly turned and stretched window out of each picture.

    Args:
        pictures: (n, 3, height, width) float.
        side: Output side in pixels.
        zoom: Least and greatest window side, as a share of the picture's; above 1 the border is repeated outwards.
        generator: Source of the randomness.

    Returns:
        (n, 3, side, side).
    """
    count = len(pictures)
    extent = _uniform(count, *zoom, generator)
    stretch = torch.exp(_normal(count, 0.1, generator))
    angle = _normal(count, 0.12, generator)
    flip = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    room = (1 - extent).abs()
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = extent * stretch * torch.cos(angle) * flip
    theta[:, 0, 1] = -extent * torch.sin(angle)
    theta[:, 1, 0] = extent * torch.sin(angle) * flip
    theta[:, 1, 1] = extent / stretch * torch.cos(angle)
    theta[:, :, 2] = _uniform(2 * count, -1, 1, generator).reshape(count, 2) * room[:, None]
    grid = functional.affine_grid(theta, [count, 3, side, side], align_corners=False)
    return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def jitter_light(pictures: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Change exposure, colour temperature, contrast, gamma and saturation; hues stay, since goods differ by them.

    Args:
        pictures: (n, 3, height, width) in 0–1.
        strength: 1 is a shop seen by a phone; 0.3 a good studio.
        generator: Source of the randomness.
    """
    count, _, height, width = pictures.shape

    def factor(spread: float) -> Tensor:
        return torch.exp(_normal(count, spread * strength, generator)).reshape(-1, 1, 1)

    curved = pictures.clamp(1e-3, 1) ** factor(0.2)[..., None]
    warmth, saturation, contrast = factor(0.09), factor(0.18), factor(0.15)
    gains = torch.cat([warmth, factor(0.03), 1 / warmth], dim=1) * factor(0.18)
    grey = torch.full((3, 3), 1 / 3)
    # All that is linear in the colours is one matrix, so the pixels are passed over once.
    mixing = grey + saturation * (torch.eye(3) - grey)
    matrix = contrast * mixing @ torch.diag_embed(gains[:, :, 0])
    middle = curved.mean(dim=(2, 3)).mean(dim=1).reshape(-1, 1, 1) * (1 - contrast)
    lit = torch.baddbmm(middle, matrix, curved.reshape(count, 3, -1))
    return lit.clamp_(0, 1).reshape(count, 3, height, width)


def random_occlusion(pictures: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Put a flat rectangle over a part of some pictures (n, 3, side, side), as price tags and fingers do; in place.

    Args:
        pictures: float in 0–1, changed and returned.
        share: of the pictures that are covered, on average.
        generator: source of the randomness.
    """
    side = pictures.shape[-1]
    for row in torch.nonzero(torch.rand(len(pictures), generator=generator) < share).flatten().tolist():
        draws = torch.rand(7, generator=generator)
        height, width = (int(side * (0.1 + 0.3 * draws[axis].item())) for axis in (0, 1))
        top, left = int(draws[2] * (side - height)), int(draws[3] * (side - width))
        pictures[row, :, top : top + height, left : left + width] = draws[4:7].reshape(3, 1, 1)
    return pictures


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _normal(count: int, spread: float, generator: torch.Generator) -> Tensor:
    return torch.randn(count, generator=generator).clamp(-math.pi, math.pi) * spread
