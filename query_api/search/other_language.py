"""Listings in another language than the query, which cannot have its words, however right they are. Pure.

What nearness is worth in words is read off the listings in the query's own language, and the nearest in the other one
are taken to be as good as the nearest in this: an encoder puts translations of one text less near to each other than
texts in one language.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from query_api.retrieval.candidate_columns import CandidateColumns

NEAREST = 5
"""How many products of each language, its best, say how near is near."""
LEAST_NEARNESS = 0.8
"""The nearest in the other language are as good as those in the query's own from so much of their similarity on: an
index may have nothing of the kind in the other language. By listings in both, translations come to .6."""
AT_MOST = 1.2
"""How many times the words of the best a product may be taken to have that is nearer than they are."""


def with_words_implied(
    candidates: CandidateColumns, are_other: NDArray[np.bool_], lexical_weight: float, share: float
) -> CandidateColumns:
    """Candidates, those in another language with the words and the similarity that their nearness stands for.

    Args:
        candidates: all that there are.
        are_other: (n,): which are in another language than the query.
        lexical_weight: what words count beside similarities.
        share: how far nearness stands for words, from 0 to 1.

    Returns:
        The same products; scores are never less than they were.
    """
    best = _best(candidates, ~are_other, lexical_weight)
    similarity = float(candidates.dense[best].mean()) if len(best) else 0.0
    if similarity <= 0 or not share or not are_other.any():
        return candidates
    others = candidates.dense[are_other]
    near = max(float(np.sort(others)[-NEAREST:].mean()), LEAST_NEARNESS * similarity)
    nearness = np.clip(others / near, 0, AT_MOST)
    lexical, dense = candidates.lexical.copy(), candidates.dense.copy()
    words = np.minimum(share * candidates.lexical[best].mean() * nearness, candidates.lexical.max())
    lexical[are_other] = np.maximum(lexical[are_other], words)
    dense[are_other] = np.where(others > 0, others * max(similarity / near, 1.0), others)
    return CandidateColumns(candidates.ids, dense, lexical)


def _best(candidates: CandidateColumns, mask: NDArray[np.bool_], lexical_weight: float) -> NDArray[np.intp]:
    """The places of the best of those that have words and are in the mask."""
    places = np.flatnonzero(mask & (candidates.lexical > 0))
    dense, words = candidates.dense[places], candidates.lexical[places]
    score = dense + lexical_weight * words / words.max(initial=np.float32(1e-9))
    return places[np.argsort(-score, kind="stable")[:NEAREST]]
