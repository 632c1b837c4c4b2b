"""Filters become expressions of Milvus."""

import pytest

from indexer.criteria import AnyOf, IdAfter, Ids, NotIds, Range, WithoutWords
from indexer.milvus.queries.filter_expressions import to_milvus_expression


def test_only_searchable_products_pass_an_expression():
    assert to_milvus_expression(()) == "searchable == true"
    assert to_milvus_expression((Range("price", gte=1, lt=5.5),)) == (
        "searchable == true and price >= 0.0 and price >= 1.0 and price < 5.5"
    )


def test_an_expression_names_only_ids_that_products_can_have():
    assert to_milvus_expression((Ids(("p1", '"] or true', "p2\n")),)) == 'searchable == true and product_id in ["p1"]'
    assert to_milvus_expression((Ids(()),)) == 'searchable == true and product_id in [""]'


def test_values_are_looked_for_among_the_normalised_terms():
    assert to_milvus_expression((AnyOf("brand", ("LUMA", "b")), NotIds(("p1",)), IdAfter("p2"))) == (
        'searchable == true and array_contains_any(filter_terms, ["brand=luma", "brand=b"])'
        ' and product_id not in ["p1"] and product_id > "p2"'
    )


def test_words_have_no_expression():
    with pytest.raises(ValueError, match="words"):
        to_milvus_expression((WithoutWords(("red",)),))
