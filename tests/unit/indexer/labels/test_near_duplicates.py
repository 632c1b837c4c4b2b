"""Which products look like the same goods listed twice."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts, normalise_rows
from indexer.labels.near_duplicates import (
    ComparedProduct,
    are_duplicates,
    compared_product,
    duplicate_groups,
    duplicate_pairs,
)
from indexer.stated_labels import stated_labels

SPEC = EmbeddingSpec("test", "1", 8)


def listed(
    title: str, product_id: str = "p", group: str | None = None, picture: bool = True, **fields: object
) -> ComparedProduct:
    return compared_product(product_id, title, stated_labels(fields), group, picture)


def alike(one: ComparedProduct, other: ComparedProduct, image: float = 0.98, text: float = 0.5) -> bool:
    return are_duplicates(one, other, text, image)


def test_the_same_picture_and_a_reworded_title_are_a_duplicate():
    assert alike(listed("Blue cotton shirt"), listed("NEW: cotton shirt, blue, free shipping"))


def test_the_same_title_in_another_language_is_told_by_its_vector():
    assert alike(listed("Blue shirt"), listed("蓝色衬衫"), text=0.97)
    assert not alike(listed("Blue shirt"), listed("蓝色衬衫"), text=0.6)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (listed("Blue shirt", brand="A"), listed("Blue shirt", brand="B")),
        (listed("Shirt", attributes={"colour": "blue"}), listed("Shirt", attributes={"colour": ["red", "green"]})),
        (listed("Ball 65 cm"), listed("Ball 75 cm")),
        (listed("Blue shirt", group="g"), listed("Blue shirt", group="g")),
    ],
)
def test_what_contradicts_and_what_is_a_variant_is_none(one: ComparedProduct, other: ComparedProduct):
    assert not alike(one, other) and not alike(other, one)


def test_what_only_one_of_them_states_is_no_contradiction():
    assert alike(listed("Blue shirt", brand="A"), listed("Blue shirt 2024", attributes={"size": ["S", "M"]}))


def test_pictures_that_differ_are_no_duplicates_whatever_the_title():
    assert not alike(listed("Blue shirt"), listed("Blue shirt"), image=0.9, text=1.0)


def test_without_a_picture_titles_must_agree():
    bare = listed("Soft blue cotton shirt", picture=False)
    assert alike(bare, listed("Shirt, soft, blue, cotton"), image=0)
    assert not alike(bare, listed("Soft blue cotton shirt with pockets"), image=0)


def test_products_without_any_title_are_told_by_pictures_and_texts():
    assert not alike(listed("", picture=False), listed("", picture=False), image=0)


def vector(seed: int, picture_seed: int | None) -> FloatArray:
    rows = np.random.default_rng(seed).standard_normal((1, SPEC.dim)).astype(np.float32)
    pictures = None if picture_seed is None else np.random.default_rng(picture_seed).standard_normal((1, SPEC.dim))
    return fuse_parts(
        SPEC, normalise_rows(rows)[0], None if pictures is None else normalise_rows(pictures.astype(np.float32))[0]
    )


def test_all_pairs_of_a_catalogue_are_found_block_by_block():
    titles = ["red kettle", "red kettle", "oak chair", "big red kettle", "oak chair", "oak chair"]
    pictures = [1, 1, 2, 1, None, None]
    listings = [listed(title, str(at), picture=pictures[at] is not None) for at, title in enumerate(titles)]
    vectors = np.stack([vector(at, picture) for at, picture in enumerate(pictures)])
    found = set(duplicate_pairs(SPEC, listings, vectors, block_rows=2))
    assert found == {(0, 1), (0, 3), (1, 3), (2, 4), (2, 5), (4, 5)}


def test_an_empty_catalogue_has_none():
    assert list(duplicate_pairs(SPEC, [], np.zeros((0, SPEC.fused_dim), np.float32))) == []


def test_duplicates_of_duplicates_are_one_group():
    assert duplicate_groups([("b", "a"), ("x", "y"), ("c", "b")]) == [["a", "b", "c"], ["x", "y"]]
