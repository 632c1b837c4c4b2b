"""Words are looked for in the forms that the catalogue has them in: as one, inflected, within compounds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from indexer.text_analysis.analyzer import query_terms
from query_api.understanding.languages import stemmed_language
from query_api.understanding.vocabulary import Vocabulary, product_words
from query_api.understanding.word_forms import NO_FORMS, find_word_forms

CATALOGUE: list[dict[str, Any]] = [
    {"title": "Leather handbag", "description": "A bag for the hand and with a strap"},
    {"title": "Laptop sleeve"},
    {"title": "Cotton tshirt"},
    {"title": "Blue shirt for the rain"},
    {"title": "Schuhe für Damen", "lang": "de"},
    {"title": "Regenjacke wasserdicht", "description": "mit Kapuze und für den Herbst"},
    {"title": "Winterjacken", "lang": "de-DE"},
    {"title": "Kueche", "lang": "de"},
    {"title": "Zapatillas rojas", "lang": "es"},
    {"title": "Pantalones largos", "lang": "es"},
    {"title": "Klänningar", "lang": "sv"},
    {"title": "Hundebett Plüsch", "lang": "de"},
    {"title": "Wanderwege Wege", "lang": "de"},
    {"title": "Bett Sonnenbrille Brillen Brille", "lang": "de"},
    {"title": "Chaussure noire", "lang": "fr"},
]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    words = Vocabulary()
    for fields in CATALOGUE:
        words.add(product_words(fields), stemmed_language(fields))
    return words


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("hand bag", {"hand bag": ["handbag"]}),
        ("lap tops cheap", {"lap tops": ["laptops"]}),
        ("t-shirt", {"t-shirt": ["tshirt"]}),
        ("blue shirt", {}),
        ("schuh", {"schuh": ["schuhe"]}),
        ("Jacke", {"jacke": ["regenjacke", "winterjacken"]}),
        ("Küche", {"kuche": ["kueche"]}),
        ("pantalón", {"pantalon": ["pantalones"]}),
        ("klänning", {"klanning": ["klanningar"]}),
        ("chaussures noir", {"noir": ["noire"]}),
        ("hunde", {"hunde": ["hundebett"]}),
        ("hund", {"hund": ["hundebett"]}),
        ("sonne", {"sonne": ["sonnenbrille"]}),
        ("regen", {"regen": ["regenjacke"]}),
        ("wand", {}),
        ("红 schuhe", {}),
    ],
)
def test_what_the_catalogue_has_in_another_form_is_named(text: str, named: dict[str, list[str]], vocabulary) -> None:
    found = find_word_forms(text, vocabulary).named
    assert {word: sorted(forms) for word, forms in found.items()} == named


@pytest.mark.parametrize("text", ["hand bag", "blue shirt rain", "schuh"])
def test_a_querys_own_words_count_more_than_each_other_form(text: str, vocabulary: Vocabulary) -> None:
    forms = find_word_forms(text, vocabulary)
    counts = Counter(query_terms(forms.lexical_text(text)).split())
    own = Counter(query_terms(forms.asked_text(text)).split())
    others = counts - own
    assert own <= counts and min(own.values()) >= 2
    written = {query_terms(form) for form in forms.written_as_one.values()}
    assert all(count == 1 or term in written for term, count in others.items())


def test_what_has_no_other_form_is_looked_for_as_it_is(vocabulary: Vocabulary) -> None:
    assert find_word_forms("handbag", vocabulary).lexical_text("handbag") == "handbag"
    assert NO_FORMS.asked_text("a b") == NO_FORMS.lexical_text("a b") == "a b"


def test_a_pair_that_the_catalogue_does_not_write_as_one_is_told_for_when_it_does(vocabulary: Vocabulary) -> None:
    assert find_word_forms("rain coat", vocabulary).absent_terms == ("raincoat",)
    assert find_word_forms("rain coat", None).absent_terms == ()


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({"title": "Jacke", "lang": "de_AT"}, "de"),
        ({"title": "Jacke mit Kapuze", "description": "für den Herbst"}, "de"),
        ({"title": "Robe pour femme", "description": "avec une ceinture"}, "fr"),
        ({"title": "Bolso para mujer", "description": "con correa y una hebilla"}, "es"),
        ({"title": "Dress for women", "description": "with the belt"}, None),
        ({"title": "Kapuzenjacke"}, None),
        ({"title": "Jacket", "lang": "en", "description": "und mit der für"}, None),
    ],
)
def test_a_products_language_is_stated_or_told_by_its_function_words(
    fields: dict[str, str], language: str | None
) -> None:
    assert stemmed_language(fields) == language


def test_words_that_are_forgotten_are_no_forms_any_more() -> None:
    words = Vocabulary(max_words=2)
    words.add(["schuhe", "jacke"], "de")
    words.add(["schuhe", "a-word", "another", "third", "fourth"])
    assert words.trims == 1 and words.classes.forms("schuh") == ["schuhe"] and words.classes.forms("jacken") == []
