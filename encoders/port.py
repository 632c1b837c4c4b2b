"""The ports that models stand behind (`Encoder`, `JointEncoder`, `Ranker` and others), and doubles without weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np

from encoders.errors import InvalidImage, SpecMismatch
from encoders.media.preparation import FixedSizePreparer, Pixels, Preparer
from encoders.prompts import Prompts
from encoders.spec import EmbeddingSpec, FloatArray, normalise_rows, pool_vectors


class Encoder(Protocol):
    """Embeds texts and pictures into one vector space.

    Deterministic: the same input gives the same vector up to float rounding, in any batch. Call the `encode_*` methods
    from one thread at a time.
    """

    @property
    def spec(self) -> EmbeddingSpec:
        """The space its vectors live in."""
        ...

    @property
    def preparer(self) -> Preparer:
        """Resizes and crops decoded pictures to the model's input, in any thread or process."""
        ...

    @property
    def prompts(self) -> Prompts:
        """What its callers put before queries and before products' texts."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows; long texts are cut, and empty ones are allowed."""
        ...

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        ...


@runtime_checkable
class JointEncoder(Encoder, Protocol):
    """An encoder that fuses a product's text and pictures into one vector; its `spec.joint` is true."""

    def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Embed whole products → (n, dim) unit float32 rows; a product without text and pictures is a zero row.

        Args:
            texts: n texts, empty where a product has none.
            images: of each product its prepared pictures (height, width, 3) uint8, the main one first; may be empty.
        """
        ...


def as_joint_encoder(encoder: Encoder) -> JointEncoder:
    """The same encoder as a `JointEncoder`. Raises `SpecMismatch` where it only embeds parts of products."""
    if encoder.spec.joint and isinstance(encoder, JointEncoder):
        return encoder
    raise SpecMismatch(f"{encoder.spec.key} embeds texts and pictures, not whole products")


class Ranker(Protocol):
    """Says how relevant products are for a query, from their vectors. Deterministic; may be called from any thread."""

    def scores(self, query: FloatArray, products: FloatArray) -> FloatArray:
        """Relevance (n,) float32 from 0 to 1 of products' fused vectors (n, 2·dim) for a query vector (2·dim,)."""
        ...


class ImageDecoder(Protocol):
    """Makes prepared pictures of files of unknown origin, so that a bad file harms nothing else."""

    async def decode(self, images: Sequence[bytes]) -> list[Pixels | InvalidImage]:
        """Decode and prepare whole files.

        Returns:
            Of each file its picture (height, width, 3) uint8, or why there is none; no file raises an error.
        """
        ...


class AsyncEncoder(Protocol):
    """An encoder for an event loop, which goes on while it computes. Calls run one after another, in their order."""

    @property
    def spec(self) -> EmbeddingSpec:
        """The space its vectors live in."""
        ...

    @property
    def prompts(self) -> Prompts:
        """What its callers put before queries and before products' texts."""
        ...

    async def encode(self, texts: Sequence[str], images: Sequence[Pixels]) -> tuple[FloatArray, FloatArray]:
        """Unit float32 rows (n_texts, dim) and (n_images, dim) of a batch; an empty side costs nothing."""
        ...

    async def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Unit float32 rows (n, dim) of whole products, as of `JointEncoder`.

        Raises:
            SpecMismatch: the encoder's `spec.joint` is false.
        """
        ...


class HashEncoder:
    """An encoder without weights: the sum of a random direction for each word, or for each coarse colour of a picture.

    Inputs that share words or colours have near vectors, so that tests retrieve for real, in microseconds.
    """

    prompts = Prompts()

    def __init__(self, dim: int = 64) -> None:
        self.spec = EmbeddingSpec("hash", "1", dim)
        self.preparer: Preparer = FixedSizePreparer(size=(8, 8))

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows."""
        rows = [sum((self._direction(word) for word in text.lower().split()), self._direction("")) for text in texts]
        return normalise_rows(np.asarray(rows, np.float32).reshape(-1, self.spec.dim))

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        rows = [sum(self._direction(bytes(cell)) for cell in pixels.reshape(-1, 3) // 32) for pixels in images]
        return normalise_rows(np.asarray(rows, np.float32).reshape(-1, self.spec.dim))

    def _direction(self, token: str | bytes) -> FloatArray:
        return _direction(token, self.spec.dim)


class JointHashEncoder(HashEncoder):
    """A joint encoder without weights: the normalised sum of a product's hashed text and its pooled hashed pictures."""

    def __init__(self, dim: int = 64) -> None:
        super().__init__(dim)
        self.spec = EmbeddingSpec("hash-joint", "1", dim, joint=True)

    def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        """Embed whole products → (n, dim) unit float32 rows; one without text and pictures is a zero row."""
        rows = [self._product(text, pictures) for text, pictures in zip(texts, images, strict=True)]
        return np.asarray(rows, np.float32).reshape(-1, self.spec.dim)

    def _product(self, text: str, images: Sequence[Pixels]) -> FloatArray:
        parts = [
            *self.encode_texts([text] if text else []),
            *([pool_vectors(self.encode_images(images))] if images else []),
        ]
        return normalise_rows(np.stack([np.zeros(self.spec.dim, np.float32), *parts]).sum(axis=0)[None])[0]


def _direction(token: str | bytes, dim: int) -> FloatArray:
    return (_short_token_direction if len(token) <= 64 else _make_direction)(token, dim)


def _make_direction(token: str | bytes, dim: int) -> FloatArray:
    seed = hashlib.blake2b(token.encode() if isinstance(token, str) else token, digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(seed)).standard_normal(dim).astype(np.float32)


# Of short tokens alone, so that 20,000 of 64 numbers take 15 MB at most.
_short_token_direction = lru_cache(20_000)(_make_direction)
