"""What matches, by words and by similarity."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from query_api.relevance.background import NoiseCeiling, Standing
from query_api.relevance.query_floor import QueryFloor, WordReach
from query_api.retrieval.candidate_columns import CandidateColumns
from query_api.retrieval.candidate_set import CandidateSet

STANDING = Standing(middle=0.5, spread=0.1)
CEILING = NoiseCeiling(usual_spreads=3.0, spreads=4.0, score=0.95)


THREE_WORDS = WordReach(10, 10, 3)


def floor(words: WordReach | None = THREE_WORDS, **more: object) -> QueryFloor:
    return QueryFloor(STANDING, CEILING, words=words, **more)  # type: ignore[arg-type]


def matches(one: QueryFloor, dense: float, lexical: float) -> bool:
    columns = CandidateColumns(["p"], np.array([dense], np.float32), np.array([lexical], np.float32))
    return bool(one.matching(columns)[0])


scores = st.floats(0, 1, width=32)
reaches = st.builds(lambda share, count: WordReach(10, 10 * share, count), scores, st.integers(1, 5))
floors = st.builds(
    floor,
    words=st.one_of(st.none(), reaches),
    trust=scores,
    has_media=st.booleans(),
)


@given(floors, scores, scores, st.floats(0, 12, width=32), st.floats(0, 12, width=32))
def test_who_is_nearer_and_has_more_of_the_words_matches_too(
    one: QueryFloor, dense: float, more_dense: float, lexical: float, more_lexical: float
):
    dense, more_dense = sorted((dense, more_dense))
    lexical, more_lexical = sorted((lexical, more_lexical))
    assert matches(one, dense, lexical) <= matches(one, more_dense, more_lexical)


@given(floors, scores, st.floats(0, 12, width=32))
def test_the_stricter_the_floor_the_fewer_match(one: QueryFloor, dense: float, lexical: float):
    stricter = QueryFloor(STANDING, CEILING, 2.0, one.trust, one.words, one.has_media)
    assert matches(stricter, dense, lexical) <= matches(one, dense, lexical)


def test_the_nearer_a_product_the_fewer_words_it_needs():
    assert matches(floor(), 0.4, 8) and not matches(floor(), 0.5, 5)
    assert matches(floor(), 0.7, 5) and matches(floor(), 0.75, 0)


def test_one_word_of_two_does_for_what_is_near_only():
    short = floor(WordReach(10, 10, 2, well_matched=4.9))
    assert not matches(short, 0.8, 3) and matches(short, 0.9, 3)
    assert matches(short, 0.8, 4)
    assert not matches(floor(WordReach(10, 10, 2, well_matched=5)), 0.9, 3), "enough products have both"
    assert matches(floor(WordReach(10, 10, 2, well_matched=3)), 0.8, 3), "hardly any has more of the words"


def test_unknown_words_need_more_than_texts_without_meaning_reach():
    unknown = floor(WordReach(10, 0, 2))
    assert not matches(unknown, 0.94, 0) and matches(unknown, 0.96, 0)


def test_an_encoder_that_knows_nothing_finds_by_words_alone():
    untrusted = floor(trust=0.0)
    assert not matches(untrusted, 1.0, 1) and matches(untrusted, 0.0, 2)
    assert not matches(floor(WordReach(10, 0, 2), trust=0.0), 1.0, 0)


def test_more_may_match_than_was_found_only_where_the_last_of_both_searches_would():
    def cut(dense_floor: float | None, lexical_floor: float | None) -> CandidateSet:
        return CandidateSet(CandidateColumns.of(()), dense_floor, lexical_floor, dense_floor is not None, 0)

    assert not floor().hides_matches(cut(0.6, None)) and floor().hides_matches(cut(0.9, None))
    assert floor().hides_matches(cut(0.6, 8)) and not floor().hides_matches(cut(None, 8))
