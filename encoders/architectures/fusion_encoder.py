"""A fusion model behind the `Encoder` port; a jointly fused one also encodes whole products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from encoders import checkpoints
from encoders.architectures.storage import load_model
from encoders.errors import EncoderError, ModelUnavailable
from encoders.media.preparation import Pixels
from encoders.prompts import Prompts
from encoders.spec import EmbeddingSpec, FloatArray

MAX_BATCH: Final = 32
"""Rows of one forward pass, and pictures of one pass over products unless a single product has more."""


class FusionEncoder:
    """The encoder in a directory that `FusionModel.save` wrote."""

    prompts = Prompts()

    def __init__(self, directory: Path, device: torch.device, name: str | None = None) -> None:
        """Load a model, and pass a product through it to see that its parts fit.

        Args:
            directory: Config, safetensors weights and tokenizer.
            device: Where the forward passes run.
            name: Model name in the spec; the directory's own name if absent.

        Raises:
            ModelUnavailable: the files are missing, of another kind, or do not fit together.
        """
        self._model = load_model(directory, device)
        self._model.train(False)
        self.preparer = self._model.preparer
        version = checkpoints.content_version(directory)
        joint = self._model.config.joint
        self.spec = EmbeddingSpec(name or directory.resolve().name, version, self._model.dim, joint=joint)
        self._probe(directory)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows."""
        # Texts of like length together, so that short ones are not padded to a long one.
        return self._in_batches(
            _batches(sorted(range(len(texts)), key=lambda row: len(texts[row]))),
            len(texts),
            lambda rows: self._model.embed_texts([texts[row] for row in rows]),
        )

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        return self._in_batches(
            _batches(range(len(images))),
            len(images),
            lambda rows: self._model.embed_images(_levels([images[row] for row in rows])),
        )

    def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Embed whole products → (n, dim) unit float32 rows; one without text and pictures is zero."""
        present = [row for row in range(len(texts)) if texts[row] or images[row]]
        return self._in_batches(
            _product_batches(present, [len(pictures) for pictures in images]),
            len(texts),
            lambda rows: self._products([texts[row] for row in rows], [images[row] for row in rows]),
        )

    def _products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> Tensor:
        pictures = [picture for own in images for picture in own]
        owners = torch.tensor([row for row, own in enumerate(images) for _ in own], dtype=torch.int64)
        return self._model.embed_products(texts, _levels(pictures), owners)

    @torch.inference_mode()
    def _in_batches(
        self, batches: Iterator[Sequence[int]], count: int, embed: Callable[[Sequence[int]], Tensor]
    ) -> FloatArray:
        out = np.zeros((count, self.spec.dim), np.float32)
        for rows in batches:
            out[list(rows)] = embed(rows).float().cpu().numpy()
        return out

    def _probe(self, directory: Path) -> None:
        try:
            self.encode_products(["probe"], [[self.preparer(Image.new("RGB", (64, 48)))]])
        except EncoderError:
            raise
        except Exception as error:
            raise ModelUnavailable(f"{directory}: tokenizer and weights do not fit: {error}") from error


def _levels(images: Sequence[Pixels]) -> Tensor:
    """Pictures (height, width, 3) uint8 → (n, 3, height, width) float32 in 0 … 1."""
    if not images:
        return torch.zeros(0, 3, 1, 1)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).to(torch.float32) / 255


def _batches(order: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(order), MAX_BATCH):
        yield order[start : start + MAX_BATCH]


def _product_batches(order: Sequence[int], pictures: Sequence[int]) -> Iterator[Sequence[int]]:
    """Products in runs of at most so many of them, and so many pictures."""
    run: list[int] = []
    for row in order:
        if run and (len(run) == MAX_BATCH or sum(pictures[member] for member in [*run, row]) > MAX_BATCH):
            yield run
            run = []
        run.append(row)
    if run:
        yield run
