"""The same goods listed twice: which products look like it. Pure.

Nearness of embeddings alone does not tell: an encoder is made to see that two black hoodies are alike. So the pictures
must be all but the same, the titles too must say the same in other words or in another order, and nothing that both
listings state may contradict. Variants of one group are no duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from encoders.spec import PART_SCALE, EmbeddingSpec, FloatArray
from indexer.stated_labels import CATEGORY, Labels, normalised_label
from indexer.text_analysis.analyzer import query_terms

PICTURE_SIMILARITY = 0.95
"""Cosine. Cropped by up to 12 % a side and recompressed, 98 % of real products' pictures keep more with `mini`."""
TITLE_OVERLAP = 0.6
"""Of the shorter title's terms, how many the other one has; with alike pictures."""
TEXT_SIMILARITY = 0.95
"""Cosine of the texts that counts as much as the titles' overlap: the same in another language."""
TITLE_AGREEMENT = 0.9
"""Of both titles' terms, how many both have; for listings one of which has no picture."""
BLOCK = 1_024
"""Products compared with all others at once."""


@dataclass(frozen=True, slots=True)
class ComparedProduct:
    """What two listings are compared by, beside their vectors."""

    product_id: str
    title_terms: frozenset[str]
    labels: Labels
    group_id: str | None
    has_picture: bool


def compared_product(
    product_id: str, title: str, labels: Labels, group_id: str | None, has_picture: bool
) -> ComparedProduct:
    """A product as it is compared."""
    return ComparedProduct(product_id, frozenset(query_terms(title).split()), labels, group_id, has_picture)


def are_duplicates(
    one: ComparedProduct,
    other: ComparedProduct,
    text: float,
    image: float,
    picture_similarity: float = PICTURE_SIMILARITY,
) -> bool:
    """Whether two products look like the same goods listed twice.

    Args:
        one, other: listings of distinct products.
        text: cosine of their text parts; 0 where it is not known.
        image: cosine of their image parts.
        picture_similarity: the least cosine of pictures that are the same but for cropping and compression.
    """
    if one.group_id is not None and one.group_id == other.group_id:
        return False
    shared = len(one.title_terms & other.title_terms)
    if not (one.has_picture and other.has_picture):
        alike = shared >= TITLE_AGREEMENT * max(1, len(one.title_terms | other.title_terms))
    else:
        overlap = shared / max(1, min(len(one.title_terms), len(other.title_terms)))
        alike = image >= picture_similarity and (overlap >= TITLE_OVERLAP or text >= TEXT_SIMILARITY)
    return alike and not _contradict(one, other)


def duplicate_pairs(
    spec: EmbeddingSpec,
    listings: Sequence[ComparedProduct],
    vectors: FloatArray,
    picture_similarity: float = PICTURE_SIMILARITY,
) -> Iterator[tuple[int, int]]:
    """All pairs of duplicates among products, as positions, the first the lesser.

    Args:
        spec: of the vectors.
        listings: products.
        vectors: their fused vectors (n, 2·dim).
        picture_similarity: as `are_duplicates` has it.
    """
    texts, images = np.split(vectors / PART_SCALE, [spec.dim], axis=1)
    for start in range(0, len(listings), BLOCK):
        near = images[start : start + BLOCK] @ images.T >= picture_similarity
        for at, other in _ascending_pairs(near, start):
            text, image = float(texts[at] @ texts[other]), float(images[at] @ images[other])
            if are_duplicates(listings[at], listings[other], text, image, picture_similarity):
                yield at, other
    yield from _pairs_by_title(listings)


def duplicate_groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Products that are duplicates of each other, directly or by way of others, each group by id; the largest first."""
    leaders: dict[str, str] = {}
    for one, other in pairs:
        leaders[_group_root(leaders, one)] = _group_root(leaders, other)
    found: dict[str, list[str]] = {}
    for one in sorted(leaders.keys() | leaders.values()):
        found.setdefault(_group_root(leaders, one), []).append(one)
    return sorted(found.values(), key=lambda some: (-len(some), some))


def _group_root(leaders: Mapping[str, str], one: str) -> str:
    while leaders.get(one, one) != one:
        one = leaders[one]
    return one


def _ascending_pairs(near: np.ndarray, start: int) -> Iterator[tuple[int, int]]:
    rows, others = np.nonzero(near)
    yield from ((start + int(row), int(other)) for row, other in zip(rows, others, strict=True) if other > start + row)


def _pairs_by_title(listings: Sequence[ComparedProduct]) -> Iterator[tuple[int, int]]:
    """Pairs one of which has no picture: their titles must agree, so that rare terms lead to them."""
    holding: dict[str, list[int]] = {}
    for at, one in enumerate(listings):
        for term in one.title_terms:
            holding.setdefault(term, []).append(at)
    for at, one in enumerate(listings):
        if one.has_picture or not one.title_terms:
            continue
        # Titles that agree in nine of ten terms share one of any two; the rarest are the shortest to look through.
        rarest = sorted(one.title_terms, key=lambda term: len(holding[term]))[: 1 + len(one.title_terms) // 10]
        for other in {position for term in rarest for position in holding[term]}:
            if (
                other != at
                and (listings[other].has_picture or other > at)
                and are_duplicates(one, listings[other], 0.0, 0.0)
            ):
                yield min(at, other), max(at, other)


def _contradict(one: ComparedProduct, other: ComparedProduct) -> bool:
    """Whether both state something, and not the same: a brand, an attribute, a number in the title."""
    for field in one.labels.keys() & other.labels.keys() - {CATEGORY}:
        values = [{normalised_label(field, value) for value in some.labels[field]} for some in (one, other)]
        if values[0].isdisjoint(values[1]):
            return True
    numbers = _numbers(one.title_terms), _numbers(other.title_terms)
    return all(numbers) and numbers[0] != numbers[1]


def _numbers(terms: Iterable[str]) -> set[str]:
    """Terms with a digit: sizes and amounts; terms of other scripts are written as code units, which are none."""
    return {term for term in terms if not term.startswith("0x") and any(map(str.isdigit, term))}
