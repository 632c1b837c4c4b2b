"""Candidates as columns: the same products and scores, however they are written, joined or parted."""

from __future__ import annotations

import random
import string

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from query_api.cache.candidate_cache import decode_entry, encode_entry
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.retrieval.candidate_set import CandidateSet

ALLOCATED = 24 * 1024
"""A size that Redis' allocator has; what is a little larger takes 28 KB."""
product_ids = st.text(string.ascii_letters + string.digits + "._:-", min_size=1, max_size=64)
scores = st.floats(0, 1e3, width=32)
candidates = st.lists(
    st.builds(ScoredCandidate, product_ids, scores, scores), max_size=30, unique_by=lambda one: one.product_id
)


def by_id(some: list[ScoredCandidate]) -> list[ScoredCandidate]:
    return sorted(some, key=lambda one: one.product_id)


@given(candidates, st.none() | scores, st.none() | scores)
def test_what_is_cached_is_read_back_bit_for_bit(
    some: list[ScoredCandidate], dense_floor: float | None, lexical_floor: float | None
) -> None:
    written = CandidateSet(CandidateColumns.of(some), dense_floor, lexical_floor, True, len(some))
    entry = decode_entry(encode_entry(7, None, written))
    assert entry is not None and entry.candidates == written
    assert list(entry.candidates.items) == by_id(some)


@given(candidates, st.data())
def test_parting_and_joining_give_the_same_columns(some: list[ScoredCandidate], data: st.DataObject) -> None:
    whole = CandidateColumns.of(some)
    taken = data.draw(st.sets(st.sampled_from(whole.ids))) if some else set[str]()
    rest = whole.without(taken)
    assert list(rest) == [one for one in by_id(some) if one.product_id not in taken]
    assert rest.joined(CandidateColumns.of(one for one in some if one.product_id in taken)) == whole


def test_all_candidates_of_two_searches_with_ordinary_ids_fit_into_24_kb_of_redis() -> None:
    chance, letters = random.Random(1), "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    ids = sorted({"B0" + "".join(chance.choices(letters, k=8)) for _ in range(1_350)})
    scores = np.random.default_rng(0).random(len(ids), np.float32)
    candidates = CandidateSet(CandidateColumns(ids, scores, scores), 0.5, 0.5, True, len(ids))
    assert len(encode_entry(10**6, np.ones(512, np.float32), candidates)) < ALLOCATED
