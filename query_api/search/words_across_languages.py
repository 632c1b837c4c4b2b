"""Words for listings in another language than a query: which those are is read off their cards."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from query_api.cards.card_table import AnswerCards
from query_api.relevance.query_floor import WELL_MATCHED, Floor, QueryFloor
from query_api.retrieval.candidate_columns import CandidateColumns
from query_api.search.kinds_asked_for import KindsAskedFor
from query_api.search.other_language import ImpliedWords, Listings
from query_api.search.search_plan import SearchPlan


@dataclass(frozen=True, slots=True)
class WordsAcrossLanguages:
    """What is implied in listings of another language than one query, for all that its answer looks at."""

    implied: ImpliedWords
    is_chinese: bool
    """Whether the query is."""
    well_matched: float
    """The lexical score of the `WELL_MATCHED`th best of all that the query finds; 0: it finds fewer."""
    cards: AnswerCards
    """Which say in which languages and categories products are."""
    everything: CandidateColumns
    """What the query finds without its filters."""
    everything_given: CandidateColumns
    """The same with these words, less what has gone."""

    async def given_to(self, candidates: CandidateColumns) -> CandidateColumns:
        """Candidates with these words, less those that have gone. Raises `StoreUnavailable`."""
        if candidates is self.everything:
            return self.everything_given
        return self.implied.given_to(await _listings(candidates, self.is_chinese, self.cards))

    def over(self, floor: Floor | None) -> Floor | None:
        """A floor which knows how many listings have the words, those in the other language counted."""
        if not isinstance(floor, QueryFloor) or floor.words is None:
            return floor
        words = floor.words
        most = min(words.best, max(words.well_matched, self.well_matched))
        return replace(floor, words=words._replace(well_matched=most))


async def words_across_languages(
    plan: SearchPlan, everything: CandidateColumns, kinds: KindsAskedFor | None, cards: AnswerCards
) -> WordsAcrossLanguages | None:
    """What a plan's query implies; None: nothing, or there is no listing in another language.

    Args:
        everything: what is found by the query without its filters, so that a facet counts what its filter shows.
        kinds: that the query names: what is of another one has none of its words; None: any may have them.

    Raises:
        StoreUnavailable: the product store does not answer.
    """
    listings = await _listings(everything, plan.is_chinese, cards)
    implied = ImpliedWords.of(listings, plan.rank_weights.lexical, plan.words_implied)
    if implied is None:
        return None
    if kinds is not None:
        implied = replace(implied, categories=kinds.among_categories(implied.categories))
    given = implied.given_to(listings)
    lexical = np.sort(given.lexical)
    well_matched = float(lexical[-WELL_MATCHED]) if len(lexical) >= WELL_MATCHED else 0.0
    return WordsAcrossLanguages(implied, plan.is_chinese, well_matched, cards, everything, given)


async def _listings(candidates: CandidateColumns, is_chinese: bool, cards: AnswerCards) -> Listings:
    there = candidates.without(await cards.load(candidates.ids))
    numbers = cards.columns(there.ids).numbers
    return Listings(there, numbers["chinese"].astype(bool) != is_chinese, numbers["category"])
