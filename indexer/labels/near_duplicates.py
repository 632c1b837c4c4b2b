"""Finds near-duplicates: products that look like the same goods listed twice. Pure.

Near embeddings alone do not tell, for an encoder is trained to see that two black hoodies are alike. Two products are
near-duplicates when their pictures are all but the same, their titles share most words (or their texts are near, as in
another language), and nothing that both state differs. Variants of one group are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
BLOCK_ROWS = 1_024
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
    first: ComparedProduct,
    second: ComparedProduct,
    text: float,
    image: float,
    picture_similarity: float = PICTURE_SIMILARITY,
) -> bool:
    """Whether two products look like the same goods listed twice.

    Args:
        first, second: listings of distinct products.
        text: cosine of their text parts; 0 where it is not known.
        image: cosine of their image parts.
        picture_similarity: the least cosine of pictures that are the same but for cropping and compression.
    """
    if first.group_id is not None and first.group_id == second.group_id:
        return False
    shared = len(first.title_terms & second.title_terms)
    if first.has_picture and second.has_picture:
        overlap = shared / max(1, min(len(first.title_terms), len(second.title_terms)))
        alike = image >= picture_similarity and (overlap >= TITLE_OVERLAP or text >= TEXT_SIMILARITY)
    else:
        alike = shared >= TITLE_AGREEMENT * max(1, len(first.title_terms | second.title_terms))
    return alike and not _contradict(first, second)


def duplicate_pairs(
    spec: EmbeddingSpec,
    listings: Sequence[ComparedProduct],
    vectors: FloatArray,
    picture_similarity: float = PICTURE_SIMILARITY,
    block_rows: int = BLOCK_ROWS,
) -> Iterator[tuple[int, int]]:
    """All pairs of duplicates among products, as positions, the first the lesser.

    Args:
        spec: of the vectors.
        listings: products.
        vectors: their fused vectors (n, 2·dim) float32.
        picture_similarity: as `are_duplicates` has it.
        block_rows: how many are compared with all others at once.
    """
    texts, images = np.split(vectors / PART_SCALE, [spec.dim], axis=1)
    for start in range(0, len(listings), block_rows):
        near = images[start : start + block_rows] @ images.T >= picture_similarity
        for lesser, greater in _ascending_pairs(near, start):
            text, image = float(texts[lesser] @ texts[greater]), float(images[lesser] @ images[greater])
            if are_duplicates(listings[lesser], listings[greater], text, image, picture_similarity):
                yield lesser, greater
    yield from _pairs_by_title(listings)


def duplicate_groups(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Products that are duplicates of each other, directly or by way of others, each group by id; the largest first."""
    leaders: dict[str, str] = {}
    for first, second in pairs:
        leaders[_group_root(leaders, first)] = _group_root(leaders, second)
    groups: dict[str, list[str]] = {}
    for product_id in sorted(leaders.keys() | leaders.values()):
        groups.setdefault(_group_root(leaders, product_id), []).append(product_id)
    return sorted(groups.values(), key=lambda group: (-len(group), group))


def _group_root(leaders: Mapping[str, str], product_id: str) -> str:
    while leaders.get(product_id, product_id) != product_id:
        product_id = leaders[product_id]
    return product_id


def _ascending_pairs(near: NDArray[np.bool_], start: int) -> Iterator[tuple[int, int]]:
    """Positions of pairs that are near, the lesser first; `near` (b, n) has the rows from `start` on."""
    rows, columns = np.nonzero(near)
    pairs = ((start + int(row), int(column)) for row, column in zip(rows, columns, strict=True))
    yield from ((lesser, greater) for lesser, greater in pairs if greater > lesser)


def _pairs_by_title(listings: Sequence[ComparedProduct]) -> Iterator[tuple[int, int]]:
    """Pairs of which a product has no picture: their titles must agree, so that rare terms lead to them."""
    holders: dict[str, list[int]] = {}
    for position, product in enumerate(listings):
        for term in product.title_terms:
            holders.setdefault(term, []).append(position)
    for position, product in enumerate(listings):
        if product.has_picture or not product.title_terms:
            continue
        # Titles that agree in nine of ten terms share one of any two; the rarest are the shortest to look through.
        by_rarity = sorted(product.title_terms, key=lambda term: len(holders[term]))
        rarest = by_rarity[: 1 + len(product.title_terms) // 10]
        for match in {holder for term in rarest for holder in holders[term]} - {position}:
            # A pair of which both lack a picture comes up from either side: it is taken once.
            is_first_sight = listings[match].has_picture or match > position
            if is_first_sight and are_duplicates(product, listings[match], 0.0, 0.0):
                yield min(position, match), max(position, match)


def _contradict(first: ComparedProduct, second: ComparedProduct) -> bool:
    """Whether both state something, and not the same: a brand, an attribute, a number in the title."""
    for field in first.labels.keys() & second.labels.keys() - {CATEGORY}:
        values = [{normalised_label(field, value) for value in product.labels[field]} for product in (first, second)]
        if values[0].isdisjoint(values[1]):
            return True
    numbers = _numbers(first.title_terms), _numbers(second.title_terms)
    return all(numbers) and numbers[0] != numbers[1]


def _numbers(terms: Iterable[str]) -> set[str]:
    """Terms with a digit: sizes and amounts; terms of other scripts are written as code units, which are none."""
    return {term for term in terms if not term.startswith("0x") and any(map(str.isdigit, term))}
