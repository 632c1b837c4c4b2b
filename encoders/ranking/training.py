"""Training of a ranker from judged pairs: (query, product, relevance)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from encoders.ranking.ranker import FusionRanker, RankerInputs


@dataclass(frozen=True)
class RelevanceJudgment:
    """How relevant a product is for a query."""

    query: int
    """Row among the queries."""
    product: int
    """Row among the products."""
    relevance: float
    """From 0 to 1."""


@dataclass(frozen=True)
class RankerTrainingConfig:
    """What a run depends on."""

    epochs: int = 5
    batch: int = 16
    """Queries a step, each with all that is judged for it."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    voice_dropout: float = 0.3
    """Share of the queries whose voice is left out in training, so that the other modalities are learned as well."""
    held_out: float = 0.15
    """Share of the queries that tell after which epoch the ranker was best; that is the one kept."""
    seed: int = 1


JudgedLists = Mapping[int, tuple[Tensor, Tensor]]
"""By query: rows of its judged products (n,) int64, and their relevance (n,)."""


def train_ranker(
    ranker: FusionRanker,
    queries: RankerInputs,
    products: RankerInputs,
    judged: Sequence[RelevanceJudgment],
    config: RankerTrainingConfig,
) -> list[float]:
    """Fit the order of each query's judged products, and their relevance.

    Returns:
        The mean loss of each epoch over the held-out queries; over the trained ones where they are too few to hold any.

    Source: Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007 (top-one probabilities),
    with graded relevance as a soft label beside it.
    """
    learned, held_out = _split_judged_lists(judged, config)
    optimiser = torch.optim.AdamW(ranker.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    generator = torch.Generator().manual_seed(config.seed)
    torch.manual_seed(config.seed)
    losses: list[float] = []
    best = {name: tensor.clone() for name, tensor in ranker.state_dict().items()}
    for _ in range(config.epochs):
        ranker.train()
        trained = _epoch(
            ranker, _drop_voices(queries, config.voice_dropout, generator), products, learned, optimiser, config
        )
        ranker.eval()
        with torch.no_grad():
            losses.append(_loss(ranker, queries, products, held_out).item() if held_out else trained)
        if losses[-1] == min(losses):
            best = {name: tensor.clone() for name, tensor in ranker.state_dict().items()}
    ranker.load_state_dict(best)
    return losses


def _split_judged_lists(
    judged: Sequence[RelevanceJudgment], config: RankerTrainingConfig
) -> tuple[JudgedLists, JudgedLists]:
    """What is judged by query: to learn from, and held out."""
    by_query: dict[int, list[RelevanceJudgment]] = {}
    for judgment in judged:
        by_query.setdefault(judgment.query, []).append(judgment)
    lists = {
        query: (
            torch.tensor([judgment.product for judgment in judgments]),
            torch.tensor([judgment.relevance for judgment in judgments]),
        )
        for query, judgments in by_query.items()
    }
    order = random.Random(config.seed).sample(sorted(lists), len(lists))
    held_out = set(order[: int(config.held_out * len(order))])
    learned = {query: judgments for query, judgments in lists.items() if query not in held_out}
    return learned, {query: lists[query] for query in sorted(held_out)}


def _epoch(
    ranker: FusionRanker,
    queries: RankerInputs,
    products: RankerInputs,
    lists: JudgedLists,
    optimiser: torch.optim.Optimizer,
    config: RankerTrainingConfig,
) -> float:
    order = [list(lists)[row] for row in torch.randperm(len(lists)).tolist()]
    total = 0.0
    for start in range(0, len(order), config.batch):
        chosen = order[start : start + config.batch]
        loss = _loss(ranker, queries, products, {query: lists[query] for query in chosen})
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(chosen)
    return total / len(order)


def _loss(ranker: FusionRanker, queries: RankerInputs, products: RankerInputs, lists: JudgedLists) -> Tensor:
    """Mean over the queries of how wrong the order of their products is, and how wrong their relevance."""
    counts = torch.tensor([len(rows) for rows, _ in lists.values()])
    query_rows = torch.repeat_interleave(torch.tensor(list(lists)), counts)
    relevance = torch.cat([relevances for _, relevances in lists.values()])
    logits = ranker(queries.select(query_rows), products.select(torch.cat([rows for rows, _ in lists.values()])))
    order = [
        functional.cross_entropy(own, wanted / wanted.sum())
        for own, wanted in zip(logits.split(counts.tolist()), relevance.split(counts.tolist()), strict=True)
        if wanted.sum() > 0
    ]
    level = functional.binary_cross_entropy_with_logits(logits, relevance)
    return torch.stack(order).mean() + level if order else level


def _drop_voices(side: RankerInputs, share: float, generator: torch.Generator) -> RankerInputs:
    """A side without the voice of some; whoever has nothing else keeps it."""
    if not side.voice:
        return side
    has_other_parts = (side.text.abs().sum(-1) + side.image.abs().sum(-1)) > 0
    lost = (torch.rand(len(side.text), generator=generator) < share) & has_other_parts
    voice = [None if gone else frames for frames, gone in zip(side.voice, lost.tolist(), strict=True)]
    return RankerInputs(side.text, side.image, voice)
