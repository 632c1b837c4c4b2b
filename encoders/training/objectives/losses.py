"""Losses over a batch of products: which rows belong together is the diagonal, or what teachers say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.training.config import BatchSideName, Loss, TuningConfig


@dataclass(frozen=True)
class EmbeddedSide:
    """One side of a batch's products."""

    vectors: Tensor
    """(m, dim) unit rows."""
    rows: Tensor
    """(m,) int64, which product of the batch each row is of; ascending."""


class Objective(nn.Module):
    """The weighted sum of all tasks' losses, with what it learns beside the model: temperature and classifier."""

    def __init__(self, config: TuningConfig, dim: int, categories: int) -> None:
        super().__init__()
        self._config = config
        self.scale = nn.Parameter(torch.tensor(math.log(16.0)))
        self.bias = nn.Parameter(torch.tensor(-4.0))
        self.classifier = nn.Linear(dim, max(1, categories))
        self._classes = categories

    def forward(
        self,
        sides: Mapping[BatchSideName, EmbeddedSide],
        alike: Tensor,
        categories: Tensor,
        targets: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """Losses by name.

        Args:
            sides: embeddings of each side that the batch has.
            alike: (n, n) bool, pairs of products that are no negatives of each other.
            categories: (n,) int64 class of each product; −1 where it has none.
            targets: teachers' similarities (n, n) of left sides to right sides, by the task's name.
        """
        losses: dict[str, Tensor] = {}
        for task in self._config.tasks:
            if task.left in sides and task.right in sides:
                name = f"{task.left}-{task.right}"
                left, right, rows = _common(sides[task.left], sides[task.right])
                if len(rows) > 1:
                    losses |= self._task(name, task.weight, left, right, alike[rows][:, rows], targets.get(name), rows)
        if self._classes and self._config.category_weight:
            losses["category"] = self._config.category_weight * self._category(sides, categories)
        return losses

    def _task(
        self, name: str, weight: float, left: Tensor, right: Tensor, alike: Tensor, targets: Tensor | None, rows: Tensor
    ) -> dict[str, Tensor]:
        scale = self.scale.exp().clamp(1, 60)
        losses = {
            name: weight
            * contrastive_loss(self._config.loss, left, right, scale, self.bias, alike, self._config.margin)
        }
        if targets is not None and self._config.distil_weight:
            target = targets[rows][:, rows]
            losses[f"{name} taught"] = (
                weight * self._config.distil_weight * distillation_loss(left, right, scale, target)
            )
        return losses

    def _category(self, sides: Mapping[BatchSideName, EmbeddedSide], categories: Tensor) -> Tensor:
        total = self.scale.new_zeros(())
        for side in sides.values():
            target = categories[side.rows]
            if bool((target >= 0).any()):
                logits = self.classifier(side.vectors) * 4
                total = total + functional.cross_entropy(logits, target, ignore_index=-1)
        return total


def contrastive_loss(
    loss: Loss, left: Tensor, right: Tensor, scale: Tensor, bias: Tensor, alike: Tensor, margin: float
) -> Tensor:
    """The loss of pairs (n, d), (n, d) whose diagonal belongs together; `alike` pairs are no negatives."""
    false_negatives = alike & ~torch.eye(len(left), dtype=torch.bool, device=alike.device)
    if loss == "info-nce":
        return info_nce(left, right, scale, false_negatives)
    similar = left @ right.T
    if loss == "sigmoid":
        return sigmoid_loss(similar * scale + bias, false_negatives)
    return (
        triplet_loss(similar, false_negatives, margin)
        if loss == "triplet"
        else pair_loss(similar * scale + bias, false_negatives)
    )


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
        false_negatives = alike & ~torch.eye(len(left), dtype=torch.bool)
        logits = logits.masked_fill(false_negatives, -1e4)
    target = torch.arange(len(left))
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def sigmoid_loss(logits: Tensor, false_negatives: Tensor) -> Tensor:
    """Each pair of a batch (n, n) judged alone: belongs together, or not; `others` (n, n) bool are left out.

    Source: Zhai et al., "Sigmoid Loss for Language Image Pre-Training", 2023.
    """
    signs = 2 * torch.eye(len(logits), device=logits.device) - 1
    return -(functional.logsigmoid(signs * logits) * ~false_negatives).sum() / len(logits)


def triplet_loss(similar: Tensor, false_negatives: Tensor, margin: float) -> Tensor:
    """The nearest wrong row has to be `margin` further than the right one, in both directions; (n, n) cosines.

    Source: Hermans, Beyer and Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017.
    """
    own = similar.diagonal()
    excluded = false_negatives | torch.eye(len(similar), dtype=torch.bool, device=similar.device)
    wrong = similar.masked_fill(excluded, -1.0)
    down, across = (functional.relu(margin + wrong.amax(dim) - own).mean() for dim in (0, 1))
    return (down + across) / 2


def pair_loss(logits: Tensor, false_negatives: Tensor) -> Tensor:
    """Binary judgments of as many wrong pairs as right ones: each row's hardest wrong partner, (n, n) logits."""
    excluded = false_negatives | torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    hardest = logits.masked_fill(excluded, -math.inf).amax(dim=1)
    right = functional.binary_cross_entropy_with_logits(logits.diagonal(), torch.ones(len(logits)).to(logits))
    kept = hardest[torch.isfinite(hardest)]
    wrong = functional.softplus(kept).mean() if len(kept) else logits.sum() * 0
    return (right + wrong) / 2


def distillation_loss(left: Tensor, right: Tensor, scale: Tensor, targets: Tensor) -> Tensor:
    """How far a batch's distribution over right sides, for each left side, is from the teachers' (n, n) log-odds.

    Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """
    own = functional.log_softmax(left @ right.T * scale, dim=1)
    return functional.kl_div(own, functional.log_softmax(targets, dim=1), log_target=True, reduction="batchmean")


def _common(left: EmbeddedSide, right: EmbeddedSide) -> tuple[Tensor, Tensor, Tensor]:
    """Both sides of the products that have both."""
    in_left, in_right = torch.isin(left.rows, right.rows), torch.isin(right.rows, left.rows)
    return left.vectors[in_left], right.vectors[in_right], left.rows[in_left]
