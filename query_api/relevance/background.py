"""How near a query is to products at large, and how near texts without meaning come. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from encoders.spec import PART_SCALE, EmbeddingSpec, FloatArray, PartWeights

MIN_SAMPLE = 64
"""With fewer products nothing can be told of products at large."""
LOW_QUANTILE = 0.16
"""One spread below the middle, where scores are normally distributed. The lower half alone is looked at: what is above
the middle may be what the query looks for, which is half of the products at most."""
_MIN_SPREAD = 1e-6


class Standing(NamedTuple):
    """Dense scores of products at large."""

    middle: float
    spread: float
    """From the middle down to `LOW_QUANTILE`; above 0."""


class NoiseCeiling(NamedTuple):
    """What the nearest product to a text without meaning reaches at most."""

    spreads: float
    """Above the middle, as a multiple of the spread."""
    score: float
    """Dense score."""
    product_spreads: float
    """As `spreads`, among as many products as the sample has."""


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Products drawn from an index, and how similar texts without meaning are to them."""

    vectors: FloatArray
    """Fused vectors (n, 2·dim), n ≥ `MIN_SAMPLE`."""
    noise_text: FloatArray
    """Similarities (m, n) of m texts without meaning with the products' texts."""
    noise_image: FloatArray
    """Likewise with their pictures."""
    product_count: int
    """How many products the index has."""

    @classmethod
    def of(cls, spec: EmbeddingSpec, vectors: FloatArray, noise: FloatArray, product_count: int) -> Background:
        """Args: vectors: of products, (n, 2·dim); noise: unit embeddings (m, dim) of texts without meaning, m ≥ 1."""
        unscaled = noise / PART_SCALE
        text, image = (unscaled @ part.T for part in (vectors[:, : spec.dim], vectors[:, spec.dim :]))
        return cls(vectors, text.astype(np.float32), image.astype(np.float32), product_count)

    def standing(self, query: FloatArray) -> Standing | None:
        """How products at large score with a query vector (2·dim,); None: too few have what it looks at."""
        scores = self.vectors @ query
        # A product without the part that is compared scores exactly 0, which tells nothing.
        scores = scores[scores != 0]
        if len(scores) < MIN_SAMPLE:
            return None
        low, middle = np.quantile(scores, (LOW_QUANTILE, 0.5))
        return Standing(float(middle), max(float(middle - low), _MIN_SPREAD))

    def noise_ceiling(self, weights: PartWeights) -> NoiseCeiling | None:
        """What texts without meaning reach with these weights; None: too few products have what they look at.

        The best of many products is better than the best of few: as among normally distributed scores, the ceiling
        grows by the root of the logarithm of their number (Fisher and Tippett, 1928).
        """
        scores = weights.text * self.noise_text + weights.image * self.noise_image
        scores = scores[:, np.any(scores != 0, axis=0)]
        if scores.shape[1] < MIN_SAMPLE:
            return None
        low, middle = np.quantile(scores, (LOW_QUANTILE, 0.5), axis=1)
        spread = np.maximum(middle - low, _MIN_SPREAD)
        reached = (scores.max(axis=1) - middle) / spread
        drawn = scores.shape[1]
        growth = math.sqrt(math.log(max(self.product_count, drawn)) / math.log(drawn))
        best = middle + growth * reached * spread
        return NoiseCeiling(growth * float(reached.max()), float(best.max()), float(reached.max()))
