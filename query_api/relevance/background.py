"""How near a query is to products at large, and how near texts without meaning come. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from encoders.spec import PART_SCALE, EmbeddingSpec, FloatArray, PartWeights

MIN_SAMPLE = 64
"""With fewer products nothing can be told of products at large."""
LOW_QUANTILE = 0.16
"""One spread below the middle, where scores are normally distributed. The lower half alone is looked at: what is above
the middle may be what the query looks for, which is half of the products at most."""
_MIN_SPREAD = 1e-6
MIN_TITLES = 16
TITLE_QUANTILE = 0.3
UNRECOGNISED, RECOGNISED = 0.8, 1.1
"""What seven of ten products reach of what texts without meaning usually do, with some words of their own titles: where
similarity tells nothing of what matches, and where it can be relied upon. A general text encoder had 1.5 and more on
three catalogues; a small one .76 on a catalogue of other goods than it was trained on."""


class Standing(NamedTuple):
    """Dense scores of products at large."""

    middle: float
    spread: float
    """From the middle down to `LOW_QUANTILE`; above 0."""


class NoiseCeiling(NamedTuple):
    """What the nearest of the products to a text without meaning reaches."""

    usual_spreads: float
    """Above the middle, as a multiple of the spread, in the sample: half of the texts reach more."""
    spreads: float
    """The most that any of the texts reaches among all products."""
    score: float
    """The same as a dense score."""


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
    recognition: float = 1.0
    """How surely the encoder tells what some words of a product's title mean, from 0 to 1."""

    @classmethod
    def of(cls, spec: EmbeddingSpec, vectors: FloatArray, noise: FloatArray, product_count: int) -> Background:
        """Args: vectors: of products, (n, 2·dim); noise: unit embeddings (m, dim) of texts without meaning, m ≥ 1."""
        text, image = (_similarities(noise, part) for part in (vectors[:, : spec.dim], vectors[:, spec.dim :]))
        return cls(vectors, text, image, product_count)

    def with_recognition(self, spec: EmbeddingSpec, titles: FloatArray, products: FloatArray) -> Background:
        """The same, with how near products come to words of their own titles, by what texts without meaning reach.

        Args:
            titles: unit embeddings (k, dim) of some words of titles.
            products: the fused vectors (k, 2·dim) of the products that have these titles.
        """
        ceiling = self.noise_ceiling(PartWeights(1, 0))
        if ceiling is None or len(titles) < MIN_TITLES:
            return self
        scores = _similarities(titles, self.vectors[:, : spec.dim])
        low, middle = np.quantile(scores, (LOW_QUANTILE, 0.5), axis=1)
        own = np.sum(titles / PART_SCALE * products[:, : spec.dim], axis=1)
        spreads = (own - middle) / np.maximum(middle - low, _MIN_SPREAD)
        near = float(np.quantile(spreads, TITLE_QUANTILE)) / ceiling.usual_spreads
        share = (near - UNRECOGNISED) / (RECOGNISED - UNRECOGNISED)
        return replace(self, recognition=round(min(1.0, max(0.0, share)), 1))

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
        return NoiseCeiling(float(np.median(reached)), growth * float(reached.max()), float(best.max()))


def _similarities(texts: FloatArray, parts: FloatArray) -> FloatArray:
    """Cosines (m, n) of unit embeddings (m, dim) with products' parts (n, dim), as they are within fused vectors."""
    return np.asarray((texts / PART_SCALE) @ parts.T, np.float32)
