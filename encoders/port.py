"""The one thing the rest of the system knows of a model: `Encoder`, and a double that needs no weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from encoders.spec import EmbeddingSpec, FloatArray, unit

Pixels = NDArray[np.uint8]
"""A prepared picture: (height, width, 3) RGB at the encoder's own input size."""


class Encoder(Protocol):
    """Texts and pictures into one vector space.

    Deterministic: the same input gives the same vector up to float rounding, in any batch.
    `prepare_image` may be called from many threads at once; the `encode_*` calls from one at a time.
    """

    @property
    def spec(self) -> EmbeddingSpec:
        """The space its vectors live in."""
        ...

    def prepare_image(self, image: Image.Image) -> Pixels:
        """Resize and crop a decoded RGB picture to the model's input; CPU work, releases the GIL where it can."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows; over-long texts are cut, an empty one is allowed."""
        ...

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        ...


class HashEncoder:
    """An encoder without weights: words and coarse colours hashed into fixed random directions.

    Equal words or colours give near vectors, so pipelines and tests run real retrieval in microseconds.
    """

    def __init__(self, dim: int = 64) -> None:
        self.spec = EmbeddingSpec("hash", "1", dim)

    def prepare_image(self, image: Image.Image) -> Pixels:
        return np.asarray(image.convert("RGB").resize((8, 8)), np.uint8)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        rows = [sum((self._direction(word) for word in text.lower().split()), self._direction("")) for text in texts]
        return unit(np.asarray(rows, np.float32).reshape(-1, self.spec.dim))

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        rows = [sum(self._direction(bytes(cell)) for cell in pixels.reshape(-1, 3) // 32) for pixels in images]
        return unit(np.asarray(rows, np.float32).reshape(-1, self.spec.dim))

    def _direction(self, token: str | bytes) -> FloatArray:
        seed = hashlib.blake2b(token.encode() if isinstance(token, str) else token, digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(seed)).standard_normal(self.spec.dim).astype(np.float32)
