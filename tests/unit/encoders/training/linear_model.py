"""The smallest model that learns: words and colours, each mapped linearly into one space. A step takes milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.media.preparation import FixedSizePreparer, Preparer
from encoders.training.data.text_variation import split_words

SIDE = 8


class LinearModel(nn.Module):
    """`Trainable` over the words of a catalogue and the mean colour of pictures."""

    def __init__(self, texts: Sequence[str], dim: int = 16, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.dim = dim
        self.preparer: Preparer = FixedSizePreparer((SIDE, SIDE))
        words = sorted({word.lower().strip(".") for text in texts for word in split_words(text)})
        self._places = {word: place for place, word in enumerate(words, 1)}
        self.words = nn.EmbeddingBag(len(words) + 1, dim, mode="mean")
        self.colours = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, dim))

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts → (n, dim) unit rows."""
        rows = [[self._places.get(word.lower().strip("."), 0) for word in split_words(text)] or [0] for text in texts]
        offsets = torch.tensor([0, *map(len, rows)]).cumsum(0)[:-1]
        return functional.normalize(self.words(torch.tensor([place for row in rows for place in row]), offsets), dim=-1)

    def embed_images(self, levels: Tensor) -> Tensor:
        """Pictures (n, 3, height, width) → (n, dim) unit rows."""
        return functional.normalize(self.colours(2 * levels.mean(dim=(2, 3)) - 1), dim=-1)

    def embed_products(self, texts: Sequence[str], levels: Tensor, owners: Tensor) -> Tensor:
        """Whole products → (n, dim) unit rows: the sum of a product's text and its pictures."""
        present = torch.tensor([[float(bool(text))] for text in texts])
        summed = (self.embed_texts(texts) * present).index_add(0, owners, self.embed_images(levels))
        return functional.normalize(summed, dim=-1)

    def save(self, directory: Path) -> None:
        raise NotImplementedError
