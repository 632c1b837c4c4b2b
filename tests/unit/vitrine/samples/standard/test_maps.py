"""The maps, trained on small made-up features."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from vitrine.samples.standard.config import LinearTraining
from vitrine.samples.standard.semantic_map import LabelledPhotos, PairedPhotos, train_semantic_map
from vitrine.samples.standard.text_map import BilingualTexts, shrink_translation, train_text_map
from vitrine.samples.standard.towers import Classifier
from vitrine.samples.standard.visual_map import visual_map

PRODUCTS, WIDTH, PICTURE_WIDTH, CLASSES = 40, 24, 32, 30
TRAINING = LinearTraining(60, 1e-2, 1.0)


def test_translations_come_nearer_to_each_other_than_other_texts() -> None:
    texts = bilingual(torch.Generator().manual_seed(1))
    shrunk = shrink_translation(texts, 0.1)

    def share(rows: Tensor, others: Tensor) -> Tensor:
        return (rows - others).norm(dim=1).mean() / (rows - rows.roll(1, 0)).norm(dim=1).mean()

    assert torch.allclose(shrunk, shrunk.T, atol=1e-5)
    english, chinese = texts.titles
    assert share(english @ shrunk, chinese @ shrunk) < 0.5 * share(english, chinese)


def test_a_query_finds_the_listings_of_its_product_in_both_languages() -> None:
    texts = bilingual(torch.Generator().manual_seed(2))
    before = found(texts, lambda rows: rows)
    after = found(texts, train_text_map(texts, texts.listings[0], 0.3, TRAINING))
    assert after > max(0.9, before)


def test_the_same_training_gives_the_same_map() -> None:
    texts = bilingual(torch.Generator().manual_seed(3))
    first, second = (train_text_map(texts, texts.listings[0], 1.0, TRAINING) for _ in range(2))
    assert torch.equal(first.weight, second.weight)


def test_pictures_learn_their_words_and_keep_what_the_classifier_knows() -> None:
    generator = torch.Generator().manual_seed(4)
    classifier = Classifier(torch.randn(CLASSES, PICTURE_WIDTH, generator=generator), torch.zeros(CLASSES))
    names = unit(torch.randn(CLASSES, WIDTH, generator=generator))
    looks = torch.randn(PRODUCTS, PICTURE_WIDTH, generator=generator)
    hidden = torch.randn(PICTURE_WIDTH, WIDTH, generator=generator)
    words = unit(looks @ hidden)
    pairs = PairedPhotos(looks, torch.arange(PRODUCTS), words[None])
    labelled = LabelledPhotos(classifier.weight[:5] * 2, torch.arange(5), names[:5])
    projection = train_semantic_map(pairs, labelled, classifier, names, LinearTraining(150, 3e-2, 0.1), 0)
    assert best(projection(looks), words) > 0.9
    assert best(projection(3 * classifier.weight), names) > 0.5


def test_the_visual_map_is_made_of_directions_at_right_angles() -> None:
    generator = torch.Generator().manual_seed(5)
    classifier = Classifier(torch.randn(CLASSES, PICTURE_WIDTH, generator=generator), torch.zeros(CLASSES))
    projection = visual_map(classifier, 8)
    assert torch.allclose(projection.weight @ projection.weight.T, torch.eye(8), atol=1e-4)


def bilingual(generator: torch.Generator) -> BilingualTexts:
    """What texts mean, beside a strong direction of their language and noise."""
    meanings = torch.randn(PRODUCTS, WIDTH, generator=generator)
    language = 4 * torch.randn(WIDTH, generator=generator)

    def texts() -> tuple[Tensor, Tensor]:
        noise = 0.3 * torch.randn(2, PRODUCTS, WIDTH, generator=generator)
        return unit(meanings + noise[0] + 3), unit(meanings + noise[1] + 3 + language)

    return BilingualTexts(texts(), texts(), texts(), torch.eye(PRODUCTS, dtype=torch.bool))


def found(texts: BilingualTexts, projection: Callable[[Tensor], Tensor]) -> float:
    """Share of Chinese queries whose two first listings are their product's."""
    queries, listings = projection(texts.queries[1]), projection(torch.cat(texts.listings))
    first = (unit(queries) @ unit(listings).T).topk(2).indices % PRODUCTS
    return float((first == torch.arange(PRODUCTS)[:, None]).all(dim=1).float().mean())


def best(rows: Tensor, candidates: Tensor) -> float:
    """Share of rows that are nearest to the candidate of their number."""
    return float(((unit(rows) @ candidates.T).argmax(dim=1) == torch.arange(len(rows))).float().mean())


def unit(rows: Tensor) -> Tensor:
    return functional.normalize(rows, dim=-1)
