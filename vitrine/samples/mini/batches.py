"""Random batches: two pictures and two texts of each thing, as tensors ready for the towers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import BertTokenizer

from encoders.training.data.augmentation import jitter_light, random_crop, random_occlusion
from vitrine.samples.mini.config import TrainingPhase
from vitrine.samples.mini.data.item_store import ItemStore, TrainingItem

Tokens = dict[str, Tensor]
_SAME_VIEW_SHARE = 0.15


@dataclass(frozen=True)
class BatchSource:
    """A store and how many of its items go into each batch."""

    store: ItemStore
    share: int


@dataclass(frozen=True)
class MiniTrainingBatch:
    """n things in two pictures each; the first m pairs of texts belong to the things at `worded`."""

    pictures: tuple[Tensor, Tensor]
    """Two (n, 3, side, side) in −1 … 1."""
    texts: tuple[Tokens, Tokens] | None
    """Tokens of (m + listings) texts, twice; row i of one means the same as row i of the other. None: no words."""
    rows_with_texts: Tensor
    """(m,) rows among the pictures that have words."""
    false_negatives: Tensor
    """(m + listings, m + listings) bool: texts that may mean the same."""


class MiniBatchSampler:
    """Draws batches; the same seed and step give the same batch."""

    def __init__(
        self,
        sources: Sequence[BatchSource],
        listings: Sequence[list[str]],
        phase: TrainingPhase,
        tokenizer: BertTokenizer,
        side: int,
    ) -> None:
        self._sources = [(source, source.store.rows(held_out=False)) for source in sources]
        self._listings = listings
        self._phase = phase
        self._tokenizer = tokenizer
        self._side = side

    def draw(self, seed: int, step: int) -> MiniTrainingBatch:
        """The batch of a step."""
        rng = np.random.default_rng((seed, step))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        items: list[TrainingItem] = []
        studio: list[NDArray[np.uint8]] = []
        scenes: list[NDArray[np.uint8]] = []
        for source, rows in self._sources:
            for row in rng.choice(rows, source.share, replace=len(rows) < source.share):
                item = source.store.items[row]
                first, second = _two_views(item.views, rng)
                items.append(item)
                studio.append(source.store.pictures[row, first])
                scenes.append(source.store.pictures[row, second])
        return self._assemble(items, studio, scenes, rng, generator)

    def _assemble(
        self,
        items: list[TrainingItem],
        studio: list[NDArray[np.uint8]],
        scenes: list[NDArray[np.uint8]],
        rng: np.random.Generator,
        generator: torch.Generator,
    ) -> MiniTrainingBatch:
        pictures = (self._studio(np.stack(studio), generator), self._scene(np.stack(scenes), generator))
        if not self._phase.words:
            return MiniTrainingBatch(
                pictures, None, torch.empty(0, dtype=torch.long), torch.empty(0, 0, dtype=torch.bool)
            )
        rows_with_texts = [row for row, item in enumerate(items) if item.english]
        pairs = [_two_texts(items[row], rng) for row in rows_with_texts]
        pairs += [_two_of(self._listings[row], rng) for row in self._listing_rows(rng)]
        marks = [items[row].alike or items[row].key for row in rows_with_texts]
        marks += [f"listing-{number}" for number in range(len(pairs) - len(marks))]
        alike = torch.tensor([[left == right for right in marks] for left in marks])
        return MiniTrainingBatch(
            pictures,
            (
                _tokens(self._tokenizer, [left for left, _ in pairs]),
                _tokens(self._tokenizer, [right for _, right in pairs]),
            ),
            torch.tensor(rows_with_texts),
            alike,
        )

    def _listing_rows(self, rng: np.random.Generator) -> list[int]:
        share = min(self._phase.listings, len(self._listings))
        return rng.choice(len(self._listings), share, replace=False).tolist() if share else []

    def _studio(self, pictures: NDArray[np.uint8], generator: torch.Generator) -> Tensor:
        framed = random_crop(_levels(pictures), self._side, (0.7, 1.1), generator)
        return jitter_light(framed, 0.4, generator) * 2 - 1

    def _scene(self, pictures: NDArray[np.uint8], generator: torch.Generator) -> Tensor:
        framed = random_occlusion(
            random_crop(_levels(pictures), self._side, (self._phase.closest, 1.05), generator), 0.2, generator
        )
        return jitter_light(framed, self._phase.light, generator) * 2 - 1


def _tokens(tokenizer: BertTokenizer, texts: list[str]) -> Tokens:
    return dict(tokenizer(texts, padding=True, truncation=True, return_tensors="pt"))


def _levels(pictures: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255


def _two_views(views: int, rng: np.random.Generator) -> tuple[int, int]:
    if views == 1 or rng.random() < _SAME_VIEW_SHARE:
        return 0, 0
    if rng.random() < 0.75:
        return 0, int(rng.integers(1, views))
    first, second = rng.choice(views, 2, replace=False)
    return int(first), int(second)


def _two_texts(item: TrainingItem, rng: np.random.Generator) -> tuple[str, str]:
    """Two texts of an item, of different languages half the time."""
    if item.chinese and rng.random() < 0.5:
        left, right = str(rng.choice(item.english)), str(rng.choice(item.chinese))
        return (left, right) if rng.random() < 0.5 else (right, left)
    texts = item.chinese if item.chinese and rng.random() < 0.5 else item.english
    return _two_of(texts, rng)


def _two_of(texts: list[str], rng: np.random.Generator) -> tuple[str, str]:
    if len(texts) == 1:
        return texts[0], texts[0]
    left, right = rng.choice(len(texts), 2, replace=False)
    return texts[left], texts[right]
