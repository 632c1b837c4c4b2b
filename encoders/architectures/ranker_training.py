"""Training of a ranker from judged pairs: (query, product, relevance)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from encoders.architectures.ranker import FusionRanker, Side


@dataclass(frozen=True)
class Judgment:
    """How relevant a product is for a query."""

    query: int
    """Row among the queries."""
    product: int
    """Row among the products."""
    relevance: float
    """From 0 to 1."""


@dataclass(frozen=True)
class RankerTraining:
    """What a run depends on."""

    epochs: int = 10
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    silent: float = 0.3
    """Share of pairs whose voice is left out in training, so that the other modalities are learned as well."""
    seed: int = 1


def train_ranker(
    ranker: FusionRanker, queries: Side, products: Side, judged: Sequence[Judgment], config: RankerTraining
) -> list[float]:
    """Fit the relevance of judged pairs; returns the mean loss of each epoch.

    Source: Li, Burges and Wu, "McRank", 2007 (ranking by predicted relevance); graded relevance as a soft label.
    """
    generator = torch.Generator().manual_seed(config.seed)
    pairs = torch.tensor([(one.query, one.product) for one in judged])
    relevance = torch.tensor([one.relevance for one in judged])
    optimiser = torch.optim.AdamW(ranker.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    losses: list[float] = []
    ranker.train()
    for _ in range(config.epochs):
        order, total = torch.randperm(len(judged), generator=generator), 0.0
        for rows in order.split(config.batch):
            asked = queries.rows(pairs[rows, 0])
            hushed = _hushed(asked, config.silent, generator)
            logits = ranker(hushed, products.rows(pairs[rows, 1]))
            loss = functional.binary_cross_entropy_with_logits(logits, relevance[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(rows)
        losses.append(total / len(judged))
    ranker.eval()
    return losses


def _hushed(side: Side, share: float, generator: torch.Generator) -> Side:
    """A side without the voice of some; whoever has nothing else keeps it."""
    if not side.voice:
        return side
    others = (side.text.abs().sum(-1) + side.image.abs().sum(-1)) > 0
    lost = (torch.rand(len(side.text), generator=generator) < share) & others
    voice = [None if gone else one for one, gone in zip(side.voice, lost.tolist(), strict=True)]
    return Side(side.text, side.image, voice)
