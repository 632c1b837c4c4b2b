"""Listings in another language than the query, which cannot have its words, however right they are. Pure.

What nearness is worth in words is read off the listings in the query's own language, and the nearest in the other one
are taken to be as good as the nearest in this: an encoder puts translations of one text less near to each other than
texts in one language. It counts for listings in the categories of those that have the query's words: what is near
without, like a red fruit to a red dress, is another kind of thing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from query_api.retrieval.candidate_columns import CandidateColumns

NEAREST = 5
"""How many products of each language, its best, say how near is near."""
FEW = 10
"""Words that fewer in the query's own language have are a code or a name, which listings in the other would have too:
what is merely near would push some that were asked for off the first page."""
LEAST_NEARNESS = 0.8
"""The nearest in the other language are as good as those in the query's own from so much of their similarity on: an
index may have nothing of the kind in the other language. By listings in both, translations come to .6."""
WELL_MATCHED = 0.7
"""Of the words of the best: the categories of products in the query's own language that have so many are meant."""
AT_MOST = 1.2
"""How many times the words of the best a product may be taken to have that is nearer than they are."""


@dataclass(frozen=True, slots=True)
class Listings:
    """Candidates, with what their cards say of them."""

    scores: CandidateColumns
    are_other: NDArray[np.bool_]
    """(n,): which are in another language than the query."""
    categories: NDArray[np.int32]
    """(n,): codes; 0, where a product has none, is one of them."""


@dataclass(frozen=True, slots=True)
class ImpliedWords:
    """What nearness stands for in listings of another language than a query."""

    near: float
    """The similarity that is as good as that of the best in the query's own language."""
    similarity: float
    """That of those."""
    words: float
    """The lexical score that a near listing is taken to have."""
    most_words: float
    """The highest lexical score that there is: none is taken to have more."""
    categories: NDArray[np.int32]
    """Of the listings that it counts for."""

    @staticmethod
    def of(everything: Listings, lexical_weight: float, share: float) -> ImpliedWords | None:
        """Read off all that a query finds, whatever its filters, as these are no part of what is meant.

        Args:
            everything: what it finds.
            lexical_weight: what words count beside similarities.
            share: how far nearness stands for words, from 0 to 1.

        Returns:
            None where fewer than `FEW` in the query's own language have any of its words, or nothing is in the other.
        """
        scores, are_own = everything.scores, ~everything.are_other
        if not share or are_own.all() or np.count_nonzero(scores.lexical[are_own]) < FEW:
            return None
        best = _best(scores, are_own, lexical_weight)
        similarity = float(scores.dense[best].mean())
        if similarity <= 0:
            return None
        nearest = float(np.sort(scores.dense[everything.are_other])[-NEAREST:].mean())
        well_matched = are_own & (scores.lexical >= WELL_MATCHED * scores.lexical[are_own].max())
        categories = np.unique(everything.categories[[*np.flatnonzero(well_matched), *best]])
        return ImpliedWords(
            max(nearest, LEAST_NEARNESS * similarity),
            similarity,
            share * float(scores.lexical[best].mean()),
            float(scores.lexical.max()),
            categories,
        )

    def given_to(self, listings: Listings) -> CandidateColumns:
        """The same products, those that it counts for with their words and similarity; scores are never less."""
        scores = listings.scores
        meant = listings.are_other & np.isin(listings.categories, self.categories)
        others = scores.dense[meant]
        lexical, dense = scores.lexical.copy(), scores.dense.copy()
        words = np.minimum(self.words * np.clip(others / self.near, 0, AT_MOST), self.most_words)
        lexical[meant] = np.maximum(lexical[meant], words)
        dense[meant] = np.where(others > 0, others * max(self.similarity / self.near, 1.0), others)
        return CandidateColumns(scores.ids, dense, lexical)


def _best(candidates: CandidateColumns, mask: NDArray[np.bool_], lexical_weight: float) -> NDArray[np.intp]:
    """The places of the best of those that have words and are in the mask."""
    places = np.flatnonzero(mask & (candidates.lexical > 0))
    dense, words = candidates.dense[places], candidates.lexical[places]
    score = dense + lexical_weight * words / words.max()
    return places[np.argsort(-score, kind="stable")[:NEAREST]]
