"""The rendered catalogue: deterministic, diverse, bilingual, and in the event schema's words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from PIL import Image

from streams.events.schema import Product
from vitrine.samples.catalogue import KINDS, SampleProduct, sample_products
from vitrine.samples.drawing.rendering import render
from vitrine.samples.drawing.shapes import SHAPES


@pytest.fixture(scope="module")
def catalogue() -> list[SampleProduct]:
    return sample_products(2_000, seed=3)


def _one_of_each_kind(catalogue: Sequence[SampleProduct]) -> list[SampleProduct]:
    return list({product.kind: product for product in catalogue}.values())


def _pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32)


def test_the_same_seed_gives_the_same_catalogue(catalogue: list[SampleProduct]) -> None:
    assert sample_products(2_000, seed=3) == catalogue
    assert sample_products(2_000, seed=4) != catalogue


def test_a_smaller_sample_is_the_start_of_a_larger_one(catalogue: list[SampleProduct]) -> None:
    assert sample_products(50, seed=3) == catalogue[:50]
    assert sample_products(0) == []


def test_ids_are_unique_and_fit_the_schema(catalogue: list[SampleProduct]) -> None:
    assert len({product.product_id for product in catalogue}) == 2_000
    assert all(re.fullmatch(r"demo-\d{6}", product.product_id) for product in catalogue)


def test_every_kind_is_sold_and_can_be_drawn(catalogue: list[SampleProduct]) -> None:
    assert {product.kind for product in catalogue} == set(KINDS) == set(SHAPES)
    assert len(KINDS) >= 60


def test_looks_are_diverse(catalogue: list[SampleProduct]) -> None:
    assert len({product.colour for product in catalogue}) >= 12
    assert len({product.pattern for product in catalogue}) >= 8
    assert len({product.material for product in catalogue}) >= 12
    assert len({product.brand for product in catalogue}) >= 20
    assert {product.lang for product in catalogue} == {"en", "zh"}


def test_prices_are_plausible_for_their_kind(catalogue: list[SampleProduct]) -> None:
    for product in catalogue:
        low, high = KINDS[product.kind].price
        assert low - 1 <= product.price <= high + 1, product


def test_variants_of_a_group_share_all_but_the_colour(catalogue: list[SampleProduct]) -> None:
    groups: dict[str, list[SampleProduct]] = {}
    for product in catalogue:
        groups.setdefault(product.group_id, []).append(product)
    several = [group for group in groups.values() if len(group) > 1]
    assert several
    for group in several:
        assert len({(product.kind, product.brand, product.pattern, product.style) for product in group}) == 1
        assert len({product.colour for product in group}) == len(group)


def test_titles_speak_the_language_that_is_asked_for(catalogue: list[SampleProduct]) -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for product in catalogue[:500]:
        assert not chinese.search(product.title("en") + product.description("en"))
        assert chinese.search(product.title("zh")) and chinese.search(product.description("zh"))


def test_a_title_names_the_kind_in_one_of_its_words(catalogue: list[SampleProduct]) -> None:
    for product in catalogue[:500]:
        for lang in ("en", "zh"):
            title = product.title(lang).lower()
            assert any(name.lower() in title for name in KINDS[product.kind].word.names(lang)), title


def test_no_title_says_a_word_twice_in_a_row(catalogue: list[SampleProduct]) -> None:
    titles = [product.title("en") for product in catalogue]
    assert [title for title in titles if re.search(r"\b(\w+) \1\b", title, re.IGNORECASE)] == []


def test_event_data_is_a_product_of_the_event_schema(catalogue: list[SampleProduct]) -> None:
    for product in catalogue:
        data = msgspec.convert(product.event_data(), Product)
        assert data.title == product.title(product.lang)
        assert data.attributes["colour"] == product.colour  # type: ignore[index]
        assert data.images is msgspec.UNSET


def test_groceries_have_no_material(catalogue: list[SampleProduct]) -> None:
    groceries = [product for product in catalogue if product.category.startswith("Groceries/")]
    assert groceries
    assert all("material" not in product.event_data()["attributes"] for product in groceries)  # type: ignore[operator]


def test_every_kind_renders_in_studio_and_in_the_wild(catalogue: list[SampleProduct]) -> None:
    for product in _one_of_each_kind(catalogue):
        for view in (0, 1, 2):
            picture = render(product, view, 48)
            assert (picture.size, picture.mode) == ((48, 48), "RGB")
            assert _pixels(picture).std() > 4, (product.kind, view)


def test_the_same_view_is_the_same_picture_and_another_is_not(catalogue: list[SampleProduct]) -> None:
    for product in catalogue[:20]:
        studio, again, wild, other = (_pixels(render(product, view, 64)) for view in (0, 0, 1, 2))
        assert np.array_equal(studio, again)
        assert np.abs(studio - wild).mean() > 8
        assert np.abs(wild - other).mean() > 8


def test_colour_shows_in_the_picture(catalogue: list[SampleProduct]) -> None:
    pots = {product.colour: product for product in catalogue if product.kind == "pot"}
    means = [_pixels(render(product, 0, 64))[24:40, 24:40].mean((0, 1)) for product in pots.values()]
    assert len(means) > 2
    assert min(float(np.abs(mean - other).max()) for i, mean in enumerate(means) for other in means[:i]) > 6


def test_impossible_pictures_are_refused_by_name(catalogue: list[SampleProduct]) -> None:
    with pytest.raises(ValueError, match="view -1"):
        render(catalogue[0], -1)
    with pytest.raises(ValueError, match="8 px"):
        render(catalogue[0], 0, 8)
