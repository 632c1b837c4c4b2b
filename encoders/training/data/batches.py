"""Batches of products: who is in one, what of them is seen, and who is no negative of whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.training.config import Augmentation, BatchSideName, TuningConfig
from encoders.training.data.catalogue import TrainingCatalogue
from encoders.training.data.listings import TrainingListing
from encoders.training.data.pictures import PictureStore, augment_pictures
from encoders.training.data.text_variation import draw_query, vary_text
from encoders.training.trainable import Trainable

Neighbours = NDArray[np.int64]
"""(n, k) rows of the nearest wrong listings of each."""
_COMPANION_SHARE = 0.25
_ABSENT_PART_SHARE = 0.15
"""Of whole products, the share that is shown without text, and again without pictures."""


@dataclass(frozen=True)
class BatchSide:
    """One side of a batch, before the model."""

    rows: list[int]
    """Which product of the batch each row is of; ascending."""
    texts: list[str] | None
    """(m) texts; None for a side of pictures alone."""
    pictures: list[int]
    """Rows of the picture store."""
    owners: list[int]
    """Which row of this side each picture belongs to; ascending."""
    levels: Tensor | None = None
    """(pictures, 3, side, side), once loaded."""

    def rows_between(self, start: int, stop: int) -> BatchSide:
        """Rows from `start` up to `stop`."""
        places = [place for place, owner in enumerate(self.owners) if start <= owner < stop]
        return BatchSide(
            self.rows[start:stop],
            None if self.texts is None else self.texts[start:stop],
            [self.pictures[place] for place in places],
            [self.owners[place] - start for place in places],
            None if self.levels is None else self.levels[places],
        )

    def with_pictures(self, store: PictureStore, settings: Augmentation, generator: torch.Generator) -> BatchSide:
        """With its pictures read and varied."""
        return replace(self, levels=augment_pictures(store.read(self.pictures), store.side, settings, generator))

    def embed(self, model: Trainable) -> Tensor:
        """(m, dim) unit rows."""
        levels = self.levels if self.levels is not None else torch.zeros(0, 3, 1, 1)
        if self.texts is None:
            return model.embed_images(levels)
        if not self.pictures and all(self.texts):
            return model.embed_texts(self.texts)
        return model.embed_products(self.texts, levels, torch.tensor(self.owners, dtype=torch.long))


@dataclass(frozen=True)
class TrainingBatch:
    """n products and what is seen of them."""

    products: NDArray[np.int64]
    """(n,) rows of the listings."""
    sides: dict[BatchSideName, BatchSide]
    alike: Tensor
    """(n, n) bool; products that are no negatives of each other."""
    categories: Tensor
    """(n,) int64; −1 where there is none."""


class BatchSampler:
    """Draws batches; the same seed, step and neighbours give the same batch."""

    def __init__(self, material: TrainingCatalogue, config: TuningConfig) -> None:
        self._material = material
        self._config = config
        self._companions = material.co_viewed_rows()
        self._marks = material.identity_texts()
        self._wanted = {side for task in config.tasks for side in (task.left, task.right)}

    def draw(self, step: int, neighbours: Neighbours | None = None) -> TrainingBatch:
        """The batch of a step. With `neighbours` (n, k), products come together with some of their near misses."""
        rng = np.random.default_rng((self._config.seed, step))
        products = self._choose(rng, neighbours)
        lefts = [self._partner(int(row), rng) for row in products]
        sides: dict[BatchSideName, BatchSide] = {}
        rows_by_side: tuple[tuple[BatchSideName, Sequence[int]], ...] = (
            ("query", lefts),
            ("text", products.tolist()),
            ("photo", lefts),
            ("picture", products.tolist()),
        )
        for side, rows in rows_by_side:
            if side in self._wanted:
                sides[side] = self._side(side, rows, rng)
        if "product" in self._wanted:
            sides["product"] = self._products(products, rng)
        present: dict[BatchSideName, BatchSide] = {side: inputs for side, inputs in sides.items() if inputs.rows}
        classes = torch.tensor([self._material.classes[row] for row in products])
        return TrainingBatch(products, present, self._alike(products, lefts), classes)

    def _choose(self, rng: np.random.Generator, neighbours: Neighbours | None) -> NDArray[np.int64]:
        count = len(self._material.listings)
        size = min(self._config.batch, count)
        hard = self._config.hard_negatives if neighbours is not None and size < count else 0
        order = rng.permutation(count)
        if not hard or neighbours is None:
            return np.sort(order[:size])
        seeds = order[: size // (1 + hard)]
        near_misses = [rng.choice(neighbours[row], min(hard, neighbours.shape[1]), replace=False) for row in seeds]
        chosen = dict.fromkeys([*seeds.tolist(), *np.concatenate(near_misses).tolist(), *order.tolist()])
        return np.sort(np.fromiter(chosen, np.int64)[:size])

    def _partner(self, row: int, rng: np.random.Generator) -> int:
        """The product itself, or now and then one that the same people looked at."""
        companions = self._companions[row]
        if companions and rng.random() < _COMPANION_SHARE:
            return companions[rng.integers(len(companions))]
        return row

    def _side(self, side: BatchSideName, rows: Sequence[int], rng: np.random.Generator) -> BatchSide:
        settings, listings = self._config.augmentation, self._material.listings
        if side in ("photo", "picture"):
            owned = [(place, self._material.pictures.rows[row]) for place, row in enumerate(rows)]
            present = [(place, own) for place, own in owned if own]
            picked = [_pick(own, side, rng) for _, own in present]
            return BatchSide([place for place, _ in present], None, picked, list(range(len(present))))
        draw = draw_query if side == "query" else _draw_text
        texts = [(place, draw(listings[row], settings, rng)) for place, row in enumerate(rows)]
        kept = [(place, text) for place, text in texts if text]
        return BatchSide([place for place, _ in kept], [text for _, text in kept], [], [])

    def _products(self, rows: NDArray[np.int64], rng: np.random.Generator) -> BatchSide:
        texts: list[str] = []
        pictures: list[int] = []
        owners: list[int] = []
        for place, row in enumerate(rows):
            own = self._material.pictures.rows[row]
            text = _draw_text(self._material.listings[row], self._config.augmentation, rng)
            absent = rng.random()
            if own and not (text and absent < _ABSENT_PART_SHARE):
                pictures.append(_pick(own, "picture", rng))
                owners.append(place)
            texts.append("" if own and 1 - absent < _ABSENT_PART_SHARE else text)
        return BatchSide(list(range(len(rows))), texts, pictures, owners)

    def _alike(self, products: NDArray[np.int64], lefts: Sequence[int]) -> Tensor:
        """Left row i and right row j are alike when their words are equal or they are each other's companions."""
        left_texts, right_texts = ([self._marks[row] for row in rows] for rows in (lefts, products))
        same = np.asarray(left_texts)[:, None] == np.asarray(right_texts)[None, :]
        for place, row in enumerate(lefts):
            same[place] |= np.isin(products, [*self._companions[row], *self._companions[int(products[place])]])
        return torch.from_numpy(same)


def _pick(own: Sequence[int], side: BatchSideName, rng: np.random.Generator) -> int:
    """A picture: of two sides one is mostly the main picture, and the other mostly another one."""
    if len(own) == 1:
        return own[0]
    if side == "picture" and rng.random() < 0.6:
        return own[0]
    return own[int(rng.integers(1 if side == "photo" and rng.random() < 0.8 else 0, len(own)))]


def _draw_text(listing: TrainingListing, settings: Augmentation, rng: np.random.Generator) -> str:
    """The text as the index embeds it, or a variation."""
    return vary_text(listing.text, settings, rng) if rng.random() < 0.5 else listing.text
