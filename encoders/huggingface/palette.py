"""The colours of a picture, by torch."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

_PATCH: Final = 8
"""Side in pixels of the patches whose mean colours are counted."""
_LEAST_SHARE: Final = 1e-6
"""Added to each colour's share of a picture, so that one of white alone has a direction, too."""


class Palette(nn.Module):
    """How much of a picture has each colour of a palette, as a unit vector.

    A patch counts for the colours that its own is near. The last colour is the white of margins and is left out; each
    other counts by its emphasis. Training changes none of that.
    Source: Swain and Ballard, "Color indexing", 1991; roots of shares as in Arandjelović and Zisserman, "Three things
    everyone should know to improve object retrieval", 2012.
    """

    emphasis: Tensor
    """(colours,) float32."""

    def __init__(self, colours: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(3, colours + 1, 1).requires_grad_(False)
        self.register_buffer("emphasis", torch.ones(colours))

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalised pictures (n, 3, height, width) → (n, colours) of length 1."""
        near = self.near(functional.avg_pool2d(pixels, _PATCH)).softmax(dim=1)
        shares = near.mean(dim=(2, 3))[:, :-1] * self.emphasis
        return functional.normalize((shares + _LEAST_SHARE).sqrt(), dim=-1)
