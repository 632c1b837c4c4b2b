"""Linear maps and how they are fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vitrine.samples.standard.config import LinearTraining

Loss = Callable[[Tensor, Tensor], Tensor]
"""Of a map's weight and bias."""


@dataclass(frozen=True)
class AffineMap:
    """Rows (n, in) → rows (n, out)."""

    weight: Tensor
    """(out, in) float32."""
    bias: Tensor
    """(out,) float32."""

    def __call__(self, rows: Tensor) -> Tensor:
        return rows @ self.weight.T + self.bias


def fit(first: AffineMap, loss: Loss, training: LinearTraining) -> AffineMap:
    """Train a map from where it begins; the same loss gives the same map on the same machine."""
    scale = float(first.weight.std())
    weight, bias = (part.clone().requires_grad_() for part in (first.weight, first.bias))
    optimiser = torch.optim.Adam([weight, bias], lr=training.learning_rate * scale)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.steps)
    size = first.weight.square().sum()
    for _ in range(training.steps):
        optimiser.zero_grad()
        moved = (weight - first.weight).square().sum() / size
        (loss(weight, bias) + training.pull * moved).backward()
        optimiser.step()
        schedule.step()
    return AffineMap(weight.detach(), bias.detach())
