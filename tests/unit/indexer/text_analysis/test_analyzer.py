"""The analysis behind BM25: the same terms for a document and for a query that means it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.text_analysis.analyzer import FIELD_WEIGHTS, TERMS_MAX_BYTES, document_terms, query_terms, surface_forms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dresses", "dress"),
        ("watches", "WATCH"),
        ("batteries", "battery"),
        ("women's shoes", "womens shoe"),
        ("women’s", "womens"),
        ("ＭＨ０１", "mh01"),
        ("100%", "100"),
        ("café", "cafe"),
        ("STRASSE", "straße"),
    ],
)
def test_spellings_of_one_word_are_one_term(one, other):
    assert query_terms(one) == query_terms(other)


def test_short_words_and_words_that_only_look_plural_stay():
    assert query_terms("gas bus glass basis") == "gas bus glass basis"


def test_leggings_are_no_legs():
    assert query_terms("leggings") != query_terms("legs")


def test_a_hyphenated_word_is_its_parts_and_the_whole():
    assert query_terms("T-Shirt") == "t shirt tshirt"


def test_chinese_gives_words_and_characters_in_ascii():
    terms = query_terms("红色连衣裙").split()
    assert query_terms("红色") == "0x7ea28272 0x7ea2 0x8272"
    assert set(query_terms("连衣裙").split()) <= set(terms)
    assert query_terms("裙") in terms


def test_mixed_text_keeps_both_languages():
    terms = query_terms("Nike红色跑鞋v2").split()
    assert {"nike", "v2"} <= set(terms)
    assert set(query_terms("红色").split()) <= set(terms)


def test_an_english_word_cannot_pass_for_an_encoded_one():
    assert query_terms("0x7ea2") != query_terms("红").split()[-1]


def test_every_text_of_a_product_is_in_its_document_and_the_title_weighs_most():
    fields = {
        "title": "alpha",
        "brand": "beta",
        "category": "gamma/delta",
        "tags": ["epsilon"],
        "attributes": {"colour": ["zeta", "eta"], "fit": "theta"},
        "description": "iota",
        "price": 5.0,
    }
    terms = document_terms(fields).split()
    assert set(terms) == {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota"}
    assert terms.count("alpha") == FIELD_WEIGHTS["title"] > terms.count("iota")


def test_a_product_without_text_has_no_terms():
    assert document_terms({"price": 5.0, "title": "…!?", "brand": None}) == ""


def test_a_long_document_loses_the_end_of_its_description():
    text = document_terms({"title": "hoodie", "description": "红色连衣裙 " * 20_000})
    assert len(text.encode()) <= TERMS_MAX_BYTES
    assert text.startswith(f"{query_terms('hoodie')} ")


@given(st.text())
def test_any_text_becomes_terms_that_each_tokenizer_leaves_whole(text):
    terms = query_terms(text)
    assert re.fullmatch(r"(?:[0-9a-z]+(?: [0-9a-z]+)*)?", terms)
    assert document_terms({"title": text}).split()[: len(terms.split())] == terms.split()


@given(st.text())
def test_terms_do_not_depend_on_case_or_width(text):
    assert query_terms(text.casefold()) == query_terms(text)


def test_each_term_is_known_by_how_the_text_writes_it():
    text = "Hoodies T-shirts 红色连衣裙 naïve Größe"
    written = surface_forms(text)
    assert set(written) == set(query_terms(text).split())
    assert written["hoody"] == "hoodies" and written["tshirt"] == "t-shirts" and written["shirt"] == "shirts"
    assert written["0x7ea2"] == "红" and written["naive"] == "naive"
    assert surface_forms("dress DRESSES")["dress"] == "dress" and surface_forms("!?") == {}
