"""The vector space: what a vector means, and how a product's parts become one fused vector. Free of torch.

A product's fused vector (2·dim,) is the concatenation of its unit text part and its unit image part, each scaled by
√½. A query vector carries the weights of the parts divided by the same factor. So the inner product is exactly
`w_text · cos(text part) + w_image · cos(image part)`, for any weights. The half of a part that a product lacks is zero.

An encoder that fuses text and pictures itself makes one vector (dim,) of a product, which stands for both parts: the
inner product is then `(w_text + w_image) · cos` for a query of one modality. Searching, explaining and indexing treat
it like two equal parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from encoders.errors import SpecMismatch

FloatArray = NDArray[np.float32]
PART_SCALE = np.float32(np.sqrt(0.5))
_JOINT = "+joint"
MAIN_IMAGE_WEIGHT = 6.0
"""Weight of a product's main picture; each other picture has 1. Searched by its own main photo, a real product came
first in 85 % of cases with weight 1, and in 98 % with 6. For photos taken elsewhere the weight makes no difference;
by a secondary photo fewer products are found, the higher it is."""


@dataclass(frozen=True, slots=True)
class EmbeddingSpec:
    """Which encoder made a vector, and how vectors of it compare."""

    model: str
    version: str
    dim: int
    """Dimensions of one part; text and images share this space."""
    metric: Literal["IP"] = "IP"
    joint: bool = False
    """Whether a product has one vector made of its text and its pictures together, which stands for both parts."""

    @property
    def fused_dim(self) -> int:
        """Dimensions of a fused vector."""
        return 2 * self.dim

    @property
    def key(self) -> str:
        """The name under which vectors and caches of this space are kept: `model@version`, or `model@version+joint`."""
        return f"{self.model}@{self.version}{_JOINT if self.joint else ''}"

    @classmethod
    def from_key(cls, key: str, dim: int) -> EmbeddingSpec:
        """The spec whose `key` this is."""
        model, _, version = key.rpartition("@")
        return cls(model, version.removesuffix(_JOINT), dim, joint=version.endswith(_JOINT))


@dataclass(frozen=True, slots=True)
class PartWeights:
    """How much each part of a product counts in a dense score."""

    text: float
    image: float


def normalise_rows(rows: FloatArray) -> FloatArray:
    """Scale rows (…, d) float32 to length 1; a zero row stays zero."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0).astype(np.float32, copy=False)


def pool_vectors(vectors: FloatArray, first_weight: float = MAIN_IMAGE_WEIGHT) -> FloatArray:
    """The weighted mean of a product's pictures.

    Args:
        vectors: (n, d) float32 unit rows, the main picture's first.
        first_weight: the weight of the first row; the others have 1.

    Returns:
        Unit vector (d,) float32.
    """
    if len(vectors) == 1:
        return vectors[0]
    weights = np.ones(len(vectors), np.float32)
    weights[0] = first_weight
    return normalise_rows((weights @ vectors)[None])[0]


def fuse_parts(spec: EmbeddingSpec, text: FloatArray | None, image: FloatArray | None) -> FloatArray:
    """Join a product's unit text part (d,) and unit image part (d,) into its fused vector (2d,) float32.

    Raises:
        SpecMismatch: a part has other dimensions than the spec.
    """
    halves: list[FloatArray] = []
    for name, part in (("text", text), ("image", image)):
        if part is None:
            part = np.zeros(spec.dim, np.float32)
        if part.shape != (spec.dim,):
            raise SpecMismatch(f"{name} part has shape {part.shape}, {spec.key} makes ({spec.dim},)")
        halves.append(part)
    return np.concatenate(halves) * PART_SCALE


def split_parts(spec: EmbeddingSpec, fused: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Unit text part (d,) and unit image part (d,) of a fused vector (2d,); the inverse of `fuse_parts`.

    Raises:
        SpecMismatch: the vector has other dimensions than the spec.
    """
    if fused.shape != (spec.fused_dim,):
        raise SpecMismatch(f"fused vector has shape {fused.shape}, {spec.key} makes ({spec.fused_dim},)")
    halves = fused / PART_SCALE
    return halves[: spec.dim], halves[spec.dim :]


def fused_query_vector(
    spec: EmbeddingSpec, text: FloatArray | None, image: FloatArray | None, weights: PartWeights
) -> FloatArray:
    """The query vector whose inner product with a fused vector is the weighted sum of the parts' similarities.

    Each part of a product is compared with the query's part of that kind. Where the query has just one part, both are
    compared with that: texts and pictures share a space.

    Args:
        spec: the vector space.
        text: the query's unit text embedding (d,); None without text.
        image: the query's unit image embedding (d,); None without a picture.
        weights: of the product's parts.

    Returns:
        (2d,) float32.

    Raises:
        ValueError: neither text nor image is given.
    """
    for_text = text if text is not None else image
    for_image = image if image is not None else text
    if for_text is None or for_image is None:
        raise ValueError("a query vector needs a text or an image embedding")
    scale = 1 / PART_SCALE
    return np.concatenate([for_text * (weights.text * scale), for_image * (weights.image * scale)]).astype(np.float32)
