"""The projection of pictures among texts: what a picture shows, said as a text would say it.

Three things are learnt at once. What the tower's own classifier tells of a picture: the similarities to the 1,000 class
names imitate its probabilities, on photos and on mixtures of photos and of classes' prototypes, so that kinds of goods
are learnt of which there is no photo. Real photos and the words of their products, each against the others. Amateur
photos and their labels.

Sources: Norouzi et al., "Zero-shot learning by convex combination of semantic embeddings", 2013, for pictures among
class names; Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, for imitating; Radford et
al., "Learning transferable visual models from natural language supervision", 2021, for pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from vitrine.samples.standard.config import LinearTraining
from vitrine.samples.standard.optimisation import AffineMap, fit
from vitrine.samples.standard.towers import Classifier

_RIDGE: Final = 100.0
_SOFTNESS: Final = 2.0
"""The classifier's scores are divided by this before they become probabilities."""
_MIXTURES, _PAIRS, _LABELLED = 128, 32, 64
"""How many of each are in a step."""
_LABEL_WEIGHT: Final = 0.3
_STRONGEST: Final = (1.6, 0.6)
"""Up to how much of a first and of a second class is in a mixture, in lengths of a photo."""


@dataclass(frozen=True)
class PairedPhotos:
    """Photos of products with words."""

    features: Tensor
    """(photos, 1280)."""
    product: Tensor
    """(photos,) int64: whose photo it is."""
    words: Tensor
    """(wordings, products, 384) unit: embeddings, in several wordings."""


@dataclass(frozen=True)
class LabelledPhotos:
    """Photos with one of a few labels."""

    features: Tensor
    """(photos, 1280)."""
    label: Tensor
    """(photos,) int64."""
    words: Tensor
    """(labels, 384) unit."""


def train_semantic_map(
    pairs: PairedPhotos,
    labelled: LabelledPhotos,
    classifier: Classifier,
    class_names: Tensor,
    training: LinearTraining,
    seed: int,
) -> AffineMap:
    """The map of pooled features (1280,) among texts. Args: class_names: unit embeddings (1000, 384)."""
    mean = torch.cat([pairs.features, labelled.features]).mean(dim=0)
    prototypes = _prototypes(classifier, pairs.features - mean)
    generator = torch.Generator().manual_seed(seed)
    photos = torch.cat([pairs.features, labelled.features]) - mean

    def loss(weight: Tensor, bias: Tensor) -> Tensor:
        def similarities(rows: Tensor, words: Tensor) -> Tensor:
            return functional.normalize(rows @ weight.T + bias, dim=-1) @ words.T / training.temperature

        mixtures = _mixtures(photos, prototypes, generator)
        told = functional.linear(mixtures + mean, classifier.weight, classifier.bias).div(_SOFTNESS).softmax(dim=-1)
        features, words = _pairs(pairs, generator)
        scores, own = similarities(features - mean, words), torch.arange(len(words))
        rows = torch.randint(len(labelled.label), (_LABELLED,), generator=generator)
        labels = similarities(labelled.features[rows] - mean, labelled.words)
        return (
            functional.cross_entropy(similarities(mixtures, class_names), told)
            + (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own)) / 2
            + _LABEL_WEIGHT * functional.cross_entropy(labels, labelled.label[rows])
        )

    trained = fit(_first_map(prototypes, class_names, photos), loss, training)
    return AffineMap(trained.weight, trained.bias - trained.weight @ mean)


def _prototypes(classifier: Classifier, photos: Tensor) -> Tensor:
    """The classifier's rows (1000, 1280), centred, as long as photos are on average."""
    rows = classifier.weight - classifier.weight.mean(dim=0)
    return rows * (photos.norm(dim=1).mean() / rows.norm(dim=1).mean())


def _first_map(prototypes: Tensor, class_names: Tensor, photos: Tensor) -> AffineMap:
    """Ridge regression of class names on prototypes; photos come out with a mean length of 1."""
    gram = prototypes.T @ prototypes + _RIDGE * torch.eye(prototypes.shape[1])
    weight = torch.linalg.solve(gram, prototypes.T @ class_names).T
    return AffineMap(weight / (photos @ weight.T).norm(dim=1).mean(), torch.zeros(len(weight)))


def _mixtures(photos: Tensor, prototypes: Tensor, generator: torch.Generator) -> Tensor:
    """Photos, half of them partly replaced by one or two classes' prototypes: (mixtures, 1280)."""
    rows = photos[torch.randint(len(photos), (_MIXTURES,), generator=generator)]
    classes = prototypes[torch.randint(len(prototypes), (_MIXTURES, 2), generator=generator)]
    strengths = torch.rand(_MIXTURES, 2, 1, generator=generator) * torch.tensor(_STRONGEST).view(1, 2, 1)
    mixed = (torch.rand(_MIXTURES, 1, generator=generator) < 0.5).float()
    fading = mixed * torch.rand(_MIXTURES, 1, generator=generator)
    return rows * (1 - fading) + mixed * (strengths * classes).sum(dim=1)


def _pairs(pairs: PairedPhotos, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A photo each of some products, and their words in one of the wordings."""
    order = torch.randperm(len(pairs.product), generator=generator)
    # The first photo of each product in a random order is a random photo of it.
    seen: dict[int, int] = {}
    for row, product in zip(order.tolist(), pairs.product[order].tolist(), strict=True):
        seen.setdefault(product, row)
    chosen = torch.tensor(list(seen.values())[:_PAIRS])
    wording = int(torch.randint(len(pairs.words), (1,), generator=generator))
    return pairs.features[chosen], pairs.words[wording][pairs.product[chosen]]
