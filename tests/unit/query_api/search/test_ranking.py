"""The first of a ranking are the same however many of them are asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.search.ranking import RankWeights, Scoring, rank_by_scores

scores = st.lists(st.integers(-2, 2), max_size=60)


@given(scores, st.integers(0, 70))
def test_the_best_are_the_first_of_all(dense: list[int], best: int) -> None:
    candidates = CandidateColumns.of([ScoredCandidate(f"{at:02}", float(score), 0.0) for at, score in enumerate(dense)])
    scoring = Scoring(RankWeights(1.0, 1.0))
    whole, first = (rank_by_scores(candidates, scoring, None, wanted).ids for wanted in (None, best))
    assert first == whole[:best]
