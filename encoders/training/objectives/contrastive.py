"""Contrastive losses over batches of pairs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(left: Tensor, right: Tensor, scale: Tensor | float, alike: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE: row i of one side belongs to row i of the other.

    Args:
        left: (n, d) unit rows.
        right: (n, d) unit rows.
        scale: What similarities are multiplied by (inverse temperature).
        alike: (n, n) bool; pairs off the diagonal that are no negatives, since they mean the same.

    Returns:
        Scalar loss.

    Source: van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018.
    """
    logits = left @ right.T * scale
    if alike is not None:
        others = alike & ~torch.eye(len(left), dtype=torch.bool)
        logits = logits.masked_fill(others, -1e4)
    target = torch.arange(len(left))
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
