"""What a product has to reach to match one query. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from encoders.spec import FloatArray
from query_api.relevance.background import NoiseCeiling, Standing
from query_api.retrieval.candidate_columns import CandidateColumns, ScoredCandidate
from query_api.retrieval.candidate_set import CandidateSet

WORDS_ALONE = 0.7
"""The share of a query's words, by weight, that is enough by itself where similarity is trusted."""
WORDS_UNTRUSTED = 0.15
"""The same where the encoder knows nothing of the catalogue's texts: words are all that there is to go by."""
NEAR = 0.8
"""How much a product has to reach that matches by similarity, of what texts without meaning usually do: less, as the
words say already that the query means something here."""
NEAR_WITHOUT_WORDS = 0.5
"""The same where no words are compared, as who asks for similarity alone sees what little there is of it."""
SHORT_QUERY = 2
"""In a query of so few words, one is most of what is asked for."""
SHORT_LEAST_WORDS, SHORT_MOST_WORDS = 0.25, 0.35
"""The share of a short query's words that a product must have, or else be as near as `SHORT_NEAR`: a dress that is blue
is nearer to a red dress than a red apple is. The more, the better others match."""
WELL_MATCHED, WELL_MATCHED_SHARE = 10, 0.7
"""It is so much of what the tenth best product has of the words, within these bounds."""
SHORT_NEAR = 1.1
ENOUGH_WORDS = 0.5
"""Where the tenth best product has so much of a short query's words, the words are what is meant: a plum that is red is
nearer to a red dress than many dresses are, and still none."""
STANDS_OUT = 1.0
"""How many spreads above products at large one has to be that is looked for by a picture or another product: those mean
something always, and the photo of a thing that the shop has was nearer to it by so much."""
LOOKS_ALIKE, LOOKED_AT = 0.6, 10
"""How far a product comes that looks like a photo: from products at large to the nearest ten, in the mean. Of photos
from shops the right product was there wherever it was among the first ten; a spread alone has two products of ten."""
OF_ANOTHER_KIND = 1.8
"""How much a product has to reach, of what texts without meaning usually do, that is of another kind than those with
both of two words, whatever words it has itself."""
_MORE = 1.001
"""Than one character is what two have."""
MIN_TRUST = 0.5
"""Where the encoder is trusted less, nothing matches by similarity alone to a text of unknown words."""
_Mask = NDArray[np.bool_]


class Leading(NamedTuple):
    """The products that say which kinds of products two words name, whatever the filters."""

    ids: tuple[str, ...]
    """Those that have both words; where none has, those that have the second."""
    least_score: float = math.inf
    """BM25 from which on a product has both."""
    noun: frozenset[str] = frozenset()
    """Where none has both: the terms of the second word."""


class WordReach(NamedTuple):
    """What products can score for a query's words."""

    best: float
    """BM25 of a product that had each word as well as any has it; for a word of no product, its rarity stands in."""
    known: float
    """The part of `best` by words that some product has; 0: none has any."""
    word_count: int
    """How many words there are."""
    well_matched: float = 0.0
    """BM25 of the `WELL_MATCHED`th best product; 0: fewer have any of the words, or it was not asked for."""
    leading: Leading | None = None
    """The products that say which kinds two words name; None: there are none, or it was not asked for."""
    one_character: float = 0.0
    """The most BM25 of a product by one character of a Chinese word, of words that the catalogue has."""
    one_character_of_any: float = 0.0
    """The same of any word, as of one that no product has whole."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much speaks for a product, and what is asked for."""

    words: float
    """Its share of the query's words, by weight, from 0 to 1."""
    spreads: float
    """How far it is nearer than products at large, in spreads of their scores."""
    words_alone: float
    """The share of words that is enough by itself."""
    spreads_alone: float | None
    """The spreads that are enough by themselves; None: none are."""


@dataclass(frozen=True, slots=True)
class QueryFloor:
    """Tells which candidates match.

    By words and similarity together: the nearer a product, the fewer of the words it must have. What would be enough of
    either was chosen on judged queries; how near is near is learnt from the index: similarities are counted in
    spreads of those of products at large, and measured by what texts without meaning reach.
    """

    standing: Standing
    ceiling: NoiseCeiling
    strictness: float = 1.0
    """What has to be reached, as a multiple of what was learnt."""
    trust: float = 1.0
    """In the encoder's similarities of texts, from 0 to 1: how far they count beside words."""
    words: WordReach | None = None
    """None: no words are compared."""
    has_media: bool = False
    """Whether a picture or a product is among what is looked for."""
    nearest: float | None = None
    """The dense score of the `LOOKED_AT` products nearest to a photo, in the mean, whatever the filters.

    None: there is no photo.
    """

    def looking_at(self, everything: CandidateColumns) -> QueryFloor:
        """The floor of a photo. Args: everything: what it finds without filters; not empty."""
        nearest = np.sort(everything.dense)[-LOOKED_AT:]
        return replace(self, nearest=float(nearest.mean()))

    def is_near_itself(self, candidates: CandidateColumns) -> _Mask:
        """Which candidates are so near that it does not matter what kind they are of, (n,)."""
        least = OF_ANOTHER_KIND * self.strictness * self.ceiling.usual_spreads / max(self.trust, 1e-3)
        return self._spreads(candidates.dense) >= least

    def matching(self, candidates: CandidateColumns) -> _Mask:
        """Which candidates match, (n,)."""
        return self._matching(candidates.dense, candidates.lexical)

    def hides_matches(self, candidates: CandidateSet) -> bool:
        """Whether products may match that a search to its limit did not find: as near as the last, by as many words."""
        if not candidates.is_truncated or candidates.dense_floor is None:
            return candidates.is_truncated
        last = np.array([[candidates.dense_floor], [candidates.lexical_floor or 0.0]], np.float32)
        return bool(self._matching(last[0], last[1])[0])

    def evidence(self, candidate: ScoredCandidate) -> Evidence:
        """What speaks for a candidate."""
        words = self._share(np.array([candidate.lexical]))[0]
        spreads = self._spreads(np.array([candidate.dense]))[0]
        alone = self._spreads_alone
        enough = alone if math.isfinite(alone) else None
        return Evidence(float(words), float(spreads), self.strictness * self._words_alone, enough)

    def _matching(self, dense: FloatArray, lexical: FloatArray) -> _Mask:
        spreads, share = self._spreads(dense), self._share(lexical)
        if self.has_media:
            return (spreads >= self._spreads_alone) | (share >= self.strictness * self._words_alone)
        if self.words is None:
            return spreads >= self._spreads_alone
        if not self.words.known:
            means_something = (dense >= self.ceiling.score) & (self.trust >= MIN_TRUST)
            return means_something & (spreads >= self._spreads_alone)
        nearness = self.trust * np.maximum(spreads, 0) / self.ceiling.usual_spreads
        together = share / self._words_alone + nearness / NEAR >= self.strictness
        return (together & (share >= self._least_words)) | (spreads >= self._spreads_alone)

    @property
    def _words_alone(self) -> float:
        return WORDS_UNTRUSTED + (WORDS_ALONE - WORDS_UNTRUSTED) * self.trust

    @property
    def _least_words(self) -> float:
        words = self.words
        if words is None or not words.best:
            return 0.0
        # Of words that nobody has whole, characters are all that there is; what is near by them is told by similarity.
        of_word = words.one_character if self.trust >= MIN_TRUST else words.one_character_of_any
        character = _MORE * of_word / words.best
        if words.word_count > SHORT_QUERY:
            return self.strictness * character
        # A word that no product has can be asked of none.
        least = max(SHORT_LEAST_WORDS * words.known, WELL_MATCHED_SHARE * words.well_matched) / words.best
        return self.strictness * max(min(SHORT_MOST_WORDS, least), character)

    @property
    def _spreads_alone(self) -> float:
        if self.has_media:
            alike = 0.0 if self.nearest is None else (self.nearest - self.standing.middle) / self.standing.spread
            return self.strictness * max(STANDS_OUT, LOOKS_ALIKE * alike)
        if self.words is None:
            return self.strictness * NEAR_WITHOUT_WORDS * self.ceiling.usual_spreads
        if not self.words.known:
            return self.strictness * self.ceiling.spreads
        is_short = self.words.word_count <= SHORT_QUERY
        if is_short and self.words.well_matched >= ENOUGH_WORDS * self.words.best:
            return math.inf
        near = SHORT_NEAR if is_short else NEAR
        return self.strictness * near * self.ceiling.usual_spreads / max(self.trust, 1e-3)

    def _spreads(self, dense: FloatArray | NDArray[np.float64]) -> NDArray[np.float64]:
        return (dense.astype(np.float64) - self.standing.middle) / self.standing.spread

    def _share(self, lexical: FloatArray | NDArray[np.float64]) -> NDArray[np.float64]:
        if self.words is None or not self.words.best:
            return np.zeros(len(lexical))
        return lexical.astype(np.float64) / self.words.best


class AnyWord:
    """Tells which candidates match in an order that is not by relevance, where no floor is learnt yet.

    Those with any of the query's words, and where none has any, all: the least of what is near would come first else.
    """

    def matching(self, candidates: CandidateColumns) -> _Mask:
        """Which candidates match, (n,)."""
        has_words = candidates.lexical > 0
        return has_words if has_words.any() else np.ones(len(candidates), bool)

    def hides_matches(self, candidates: CandidateSet) -> bool:
        """Whether products may match that a search to its limit did not find."""
        if (candidates.items.lexical > 0).any():
            return candidates.lexical_floor is not None
        return candidates.is_truncated


Floor = QueryFloor | AnyWord
"""What products have to reach to match."""
