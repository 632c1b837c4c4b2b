"""Queries of shoppers over the rendered catalogue."""

import pytest

from vitrine.samples.catalogue import sample_products
from vitrine.samples.catalogue.queries import bilingual_queries

CATALOGUE = sample_products(400, seed=3)


def test_each_wish_is_worded_in_both_languages_and_can_be_fulfilled():
    queries = bilingual_queries(CATALOGUE, 200)
    known = {product.product_id for product in CATALOGUE}
    assert len(queries) == 200
    for query in queries:
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in query.texts["en"])
        assert any("\u4e00" <= letter <= "\u9fff" for letter in query.texts["zh"])
        assert query.relevant and query.relevant <= known


def test_right_are_all_products_with_the_traits_whatever_their_language():
    by_id = {product.product_id: product for product in CATALOGUE}
    queries = bilingual_queries(CATALOGUE, 200)
    assert all(len({by_id[product_id].kind for product_id in query.relevant}) == 1 for query in queries)
    assert any(len({by_id[product_id].lang for product_id in query.relevant}) == 2 for query in queries)


def test_the_same_seed_gives_the_same_queries():
    assert bilingual_queries(CATALOGUE, 50, seed=2) == bilingual_queries(CATALOGUE, 50, seed=2)
    assert bilingual_queries(CATALOGUE, 50, seed=2) != bilingual_queries(CATALOGUE, 50, seed=3)


def test_a_catalogue_has_just_so_many_wishes():
    with pytest.raises(ValueError, match="20 products are too few for 500 queries"):
        bilingual_queries(CATALOGUE[:20], 500)
