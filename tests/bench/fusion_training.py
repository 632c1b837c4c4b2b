"""A short contrastive training that is the same for every fusion architecture, over the rendered catalogue."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from encoders.architectures.matching import matching_loss
from encoders.architectures.model import FusionModel
from encoders.training.data.augmentation import jitter_light, random_crop
from tests.bench.report import BUILD
from vitrine.samples.mini.data.item_store import ItemStore, TrainingItem, open_store
from vitrine.samples.mini.data.rendered import VIEWS, rendered_items

LISTING = -1
"""Among an item's texts the listing in a row, as an index embeds it; the others are what may be asked."""
SCALE = 20.0
DISTANCE_SCALE = 14.0
"""Inverse temperatures of cosine and of distance: the slopes are alike where it matters."""
WORK: Final = BUILD / "bench-models"
TRAINED, HELD_OUT = 4_000, 600
_STORED_SIDE = 104


def rendered_store(count: int, seed: int) -> ItemStore:
    """Products of the rendered catalogue, drawn once."""
    directory = WORK / f"rendered-{count}-{_STORED_SIDE}-{seed}"
    shape = count, VIEWS, _STORED_SIDE
    return open_store(directory, shape, lambda: rendered_items(count, _STORED_SIDE, seed), "rendered catalogue")


@dataclass(frozen=True)
class Budget:
    """What each architecture may spend."""

    steps: int
    batch: int = 48
    learning_rate: float = 2e-3
    warmup: int = 20
    missing: float = 0.2
    """Share of the products that are shown without their text, and of those without their picture."""
    seed: int = 1


def train(model: FusionModel, store: ItemStore, budget: Budget) -> None:
    """Bring text queries and photos near to whole products, some of which lack a modality."""
    torch.manual_seed(budget.seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=budget.learning_rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, budget))
    model.train()
    for step in range(budget.steps):
        loss = _loss(model, store, budget, step)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(f"  step {step}/{budget.steps}: {loss.item():.3f}", flush=True)
    model.eval()


def _rate(step: int, budget: Budget) -> float:
    rise = min(1.0, (step + 1) / budget.warmup)
    return rise * max(0.02, 0.5 * (1 + np.cos(np.pi * step / budget.steps)))


def _loss(model: FusionModel, store: ItemStore, budget: Budget, step: int) -> Tensor:
    rng = random.Random(f"{budget.seed}-{step}")
    rows = rng.sample(range(len(store.items)), budget.batch)
    items, side = [store.items[row] for row in rows], model.config.image.side
    packshots, photos = (_seen(store, rows, views, side, rng, step) for views in ((0,), (1, 2, 3)))
    lost = [rng.random() for _ in rows]
    listings = [
        "" if one < budget.missing else _texts(item, rng)[LISTING] for one, item in zip(lost, items, strict=True)
    ]
    kept = torch.tensor([row for row, one in enumerate(lost) if one < 1 - budget.missing])
    asked = [rng.choice(_texts(item, rng)[:LISTING]) for item in items]
    products = model.embed_products(listings, packshots[kept], kept)
    queries = model.embed_texts(asked), model.embed_images(photos)
    alike = _alike(items)
    matching = model.config.matching
    scale = SCALE if matching == "cosine" else DISTANCE_SCALE
    return sum((matching_loss(query, products, matching, scale, alike) for query in queries), torch.zeros(()))


def _texts(item: TrainingItem, rng: random.Random) -> list[str]:
    return item.english if rng.random() < 0.5 else item.chinese


def _alike(items: list[TrainingItem]) -> Tensor:
    return torch.tensor([[one.alike == other.alike for other in items] for one in items])


def _seen(
    store: ItemStore, rows: list[int], views: tuple[int, ...], side: int, rng: random.Random, step: int
) -> Tensor:
    """A view of each product, framed and lit anew → (n, 3, side, side) in 0 … 1."""
    stack = np.stack([store.pictures[row, rng.choice(views)] for row in rows])
    levels = torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255
    generator = torch.Generator().manual_seed(rng.getrandbits(31) + step)
    return jitter_light(random_crop(levels, side, (0.7, 1.0), generator), 0.5, generator)
