"""The projection of texts: centred, blind to the language, and sharpened on the words of goods.

The text tower's embeddings all point one way, and a second way by language, so that a Chinese query prefers Chinese
listings. The mean is taken out; what sets translations of each other apart is shrunk; then queries learn to meet
listings in both languages, with the map drawn back to where it began.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vitrine.samples.standard.config import LinearTraining
from vitrine.samples.standard.optimisation import AffineMap, fit


@dataclass(frozen=True)
class BilingualTexts:
    """Features (n, 384) of the same n products' words in two languages; row i of each is of product i."""

    queries: tuple[Tensor, Tensor]
    titles: tuple[Tensor, Tensor]
    listings: tuple[Tensor, Tensor]
    alike: Tensor
    """(n, n) bool: which products short queries cannot tell apart."""


def mean_text(texts: BilingualTexts, others: Tensor) -> Tensor:
    """The mean (384,) of texts in either language, each counting the same. Args: others: more English ones (m, 384)."""
    english, chinese = (torch.cat([part[at] for part in _parts(texts)]) for at in (0, 1))
    return (torch.cat([english, others]).mean(dim=0) + chinese.mean(dim=0)) / 2


def shrink_translation(texts: BilingualTexts, shrinkage: float) -> Tensor:
    """The symmetric map (384, 384) that divides by the spread between translations.

    Source: Hatch, Kajarekar and Stolcke, "Within-class covariance normalization for SVM-based speaker recognition",
    2006; classes are translations of one text.
    """
    apart = torch.cat([chinese - english for english, chinese in _parts(texts)]).double()
    spread, directions = torch.linalg.eigh(apart.T @ apart / len(apart))
    scales = (spread + shrinkage * spread.mean()).rsqrt()
    return ((directions * (scales / scales.mean())) @ directions.T).float()


def train_text_map(texts: BilingualTexts, others: Tensor, shrinkage: float, training: LinearTraining) -> AffineMap:
    """The map of texts. Args: others: features (m, 384) of more texts, for the mean."""
    mean, first = mean_text(texts, others), shrink_translation(texts, shrinkage)
    centred = [tuple(rows - mean for rows in part) for part in (texts.queries, texts.titles, texts.listings)]
    own = torch.eye(len(texts.alike), dtype=torch.bool)

    def loss(weight: Tensor, _: Tensor) -> Tensor:
        queries, titles, listings = (
            [functional.normalize(rows @ weight.T, dim=-1) for rows in part] for part in centred
        )
        targets = torch.cat(listings)
        short = [_multi_positive(rows @ targets.T / training.temperature, texts.alike, texts.alike) for rows in queries]
        long = [_multi_positive(rows @ targets.T / training.temperature, own, texts.alike) for rows in titles]
        return torch.stack([*short, *long]).mean()

    weight = fit(AffineMap(first, torch.zeros(len(first))), loss, training).weight
    return AffineMap(weight, -weight @ mean)


def _multi_positive(scores: Tensor, right: Tensor, alike: Tensor) -> Tensor:
    """Each right one against all wrong ones. Args: scores: (n, 2n); right, alike: (n, n), which are right, and which
    are no wrong ones, in either language."""
    right, alike = right.repeat(1, 2), alike.repeat(1, 2)
    wrong = scores.masked_fill(alike, float("-inf")).logsumexp(dim=1, keepdim=True)
    chosen = (scores - torch.logaddexp(scores, wrong)) * right
    return -(chosen.sum(dim=1) / right.sum(dim=1)).mean()


def _parts(texts: BilingualTexts) -> tuple[tuple[Tensor, Tensor], ...]:
    return texts.queries, texts.titles, texts.listings
