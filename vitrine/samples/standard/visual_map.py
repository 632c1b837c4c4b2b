"""The projection of pictures among pictures: what tells kinds of things apart, and nothing else.

The directions in which the tower's own classifier looks, each as much as the others: with 384 of 1,280 dimensions,
photos taken in shops find their products as well as by all of them. Features are pooled by a mean of squares, which
the map takes as it takes plain means: only directions count. Whitening, within-class normalisation and contrastive
training on scenes that are drawn or composed found fewer.
"""

from __future__ import annotations

import torch

from vitrine.samples.standard.optimisation import AffineMap
from vitrine.samples.standard.towers import Classifier


def visual_map(classifier: Classifier, dim: int) -> AffineMap:
    """The map of pooled features (1280,) → (dim,): the classifier's first right singular vectors, unscaled."""
    rows = (classifier.weight - classifier.weight.mean(dim=0)).double()
    directions = torch.linalg.svd(rows, full_matrices=False).Vh[:dim]
    # A direction and its opposite are the same one: the sign is made certain.
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    return AffineMap((directions * largest.sign()).float(), torch.zeros(dim))
