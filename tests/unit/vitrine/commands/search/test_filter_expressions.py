"""Filters as people type them."""

import pytest

from vitrine.commands.search.filter_expressions import parse_filter_expressions


def test_expressions_become_the_filters_of_a_request():
    typed = [
        "price>=10",
        "price<50",
        "brand=Nike,Puma",
        "in_stock=true",
        "attributes.colour = red",
        "category=Men/Tops",
    ]
    assert parse_filter_expressions(typed) == {
        "price": {"gte": 10.0, "lt": 50.0},
        "brand": ["Nike", "Puma"],
        "in_stock": True,
        "attributes.colour": "red",
        "category": "Men/Tops",
    }


def test_a_field_asked_for_twice_takes_either_value():
    assert parse_filter_expressions(["brand=a", r"brand=b\,c"]) == {"brand": ["a", "b,c"]}


@pytest.mark.parametrize("typed", [["price"], ["=5"], ["price<cheap"], ["in_stock=perhaps"], ["price<5", "price=5"]])
def test_what_cannot_be_read_is_refused(typed):
    with pytest.raises(ValueError, match=r"price|=5|in_stock"):
        parse_filter_expressions(typed)
