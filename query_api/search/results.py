"""The ranked candidates of a search, before they are worded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from encoders.speech.port import Transcript
from encoders.tracing.spans import traced
from indexer.hit_payload import HitPayload
from query_api.cache.live_entry import LiveEntry
from query_api.cards.card_table import AnswerCards, CardTable
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Cause
from query_api.learning_to_rank.features import FIRST_HITS
from query_api.personalisation.shopper_profiles import IMPERSONAL, ShopperProfile
from query_api.relevance.query_floor import Floor
from query_api.retrieval.candidate_columns import CandidateColumns
from query_api.retrieval.candidate_set import CandidateSet, RetrievalQuery
from query_api.search.asked_for import products_asked_for, products_with_all_words
from query_api.search.candidate_finder import CacheState, RetrievedCandidates
from query_api.search.kinds_asked_for import KindsAskedFor, kinds_asked_for
from query_api.search.other_language import FEW
from query_api.search.ranking import Ranking, Scoring, rank_by_scores, rank_candidates
from query_api.search.search_plan import SearchPlan
from query_api.search.words_across_languages import WordsAcrossLanguages, words_across_languages
from query_api.understanding.parser import ParsedQuery

MOST_WORDS = 20
"""How many products with words of their own are looked at for those that have all of the query's."""
NEAREST = 5
"""How many products are told of where none matches."""
EMPTY = CandidateColumns.of(())


@dataclass(frozen=True, slots=True)
class RankedResults:
    """What a query came to."""

    request: SearchRequest
    ranked: Ranking
    """All candidates, by relevance."""
    retrieval: RetrievalQuery | None
    """What was searched for, with its vector; None: nothing, as no word of a spoken query was understood."""
    scoring: Scoring | None
    """What the candidates were ranked by; None: not by scores."""
    cards: AnswerCards
    """The products' cards: of all candidates where `needs_all_cards`, else to be loaded for those that are shown."""
    is_truncated: bool = False
    """Whether products that match were not retrieved."""
    unretrieved_count: int = 0
    """How many those are, where they were counted."""
    parsed: ParsedQuery | None = None
    """How the texts were understood; None: there could be none."""
    transcript: Transcript | None = None
    """What a spoken query said."""
    cache_state: CacheState = "bypass"
    degraded: tuple[str, ...] = ()
    """What was left out because a server did not answer, in the order of the stages."""
    floor: Floor | None = None
    """What products have to reach to be among the ranked ones; None: nothing."""
    across: WordsAcrossLanguages | None = None
    """The words that listings in another language were given; None: none were."""
    kinds: KindsAskedFor | None = None
    """The kinds that several words name; None: any kind matches."""
    below: CandidateColumns = field(default_factory=lambda: EMPTY)
    """Candidates that do not."""
    nearest: Ranking | None = None
    """Where none does: those that come nearest, the best first, their cards not loaded."""
    entry: LiveEntry | None = None
    """Where the candidates are kept in this process; None: nowhere."""
    reasons_of: Callable[[Sequence[str]], Awaitable[Mapping[str, Reason]]] | None = None
    """Why products of the page are recommended, their cards being loaded; None: they are not."""
    profile: ShopperProfile = IMPERSONAL
    """Of who asks."""
    first: tuple[str, ...] = ()
    """The first hits of the impersonal order, by which prices and categories are judged."""


class Reason(NamedTuple):
    """Why a product is recommended."""

    text: str
    """A sentence."""
    because: Cause | None
    """What the shopper did that it speaks of."""


class ResultRanker:
    """The fourth stage of a search: candidates ranked, the products that it searches with left out.

    Cards come from the table where the change feed was heard for the request; else they are read from the store.
    """

    def __init__(self, cards: CardTable, has_learnt_ranker: bool = False) -> None:
        """Args: has_learnt_ranker: whether a later stage orders everybody's results anew."""
        self._cards = cards
        self._has_learnt_ranker = has_learnt_ranker

    @traced("rank")
    async def rank(
        self,
        plan: SearchPlan,
        retrieved: RetrievedCandidates,
        profile: ShopperProfile,
        floor: Floor | None = None,
        unfiltered: CandidateSet | None = None,
    ) -> RankedResults:
        """Rank what was retrieved and matches, by the cards of all of it where those count. Raises `StoreUnavailable`.

        Args:
            floor: what products have to reach to match; None: all do.
            unfiltered: what the query finds without its filters; None: the same, or it does not count.
        """
        candidates = retrieved.candidates
        scoring = Scoring(plan.rank_weights, profile.taste, unwanted=frozenset(candidates.unwanted))
        cards = self._cards.open(is_current=retrieved.cache_state != "bypass")
        items = found = candidates.items.without(plan.query_product_ids)
        # An answer that bypasses the cache shows what the store has. That is read for its page alone: in which
        # languages and categories candidates are, and what they are called, the table knows.
        known = self._cards.open(is_current=True) if retrieved.is_feed_heard else cards
        kinds = await kinds_asked_for(floor, known)
        across = None
        if plan.words_implied and not candidates.without_lexical:
            everything = items if unfiltered is None else unfiltered.items
            across = await words_across_languages(plan, everything, kinds, known)
        if across is not None:
            items, floor = await across.given_to(items), across.over(floor)
        items, below = await split_at(floor, kinds, items)
        if needs_all_cards(plan.request, scoring):
            items = await with_cards(items, cards)
        ranked = rank_candidates(items, scoring, cards)
        first = () if plan.is_browse else ranked.impersonal_first(FIRST_HITS)
        if first and across is not None:
            best = _most_words(found, ranked, scoring)
            scoring = replace(scoring, asked_for=await _asked_for_in_own_words(plan, best, known))
        elif first and (scoring.is_personal or self._has_learnt_ranker):
            scoring = replace(scoring, asked_for=await _asked_for(plan, first, known))
        if scoring.asked_for:
            ranked = ranked.led_by(scoring.asked_for).trailed_by(scoring.unwanted)
        return RankedResults(
            request=plan.request,
            ranked=ranked,
            retrieval=plan.retrieval_query(retrieved.query_vector),
            scoring=scoring,
            cards=cards,
            is_truncated=hides_matches(candidates, floor),
            unretrieved_count=candidates.unretrieved_count,
            parsed=plan.parsed,
            transcript=plan.transcript,
            cache_state=retrieved.cache_state,
            degraded=(*retrieved.degraded, *profile.degraded, *plan.degraded),
            floor=floor,
            across=across,
            kinds=kinds,
            below=below,
            nearest=None if items or not below else rank_by_scores(below, Scoring(plan.rank_weights), None, NEAREST),
            # A change of what the filters leave out touches no page that is kept with what they let through.
            entry=retrieved.entry if unfiltered is None else None,
            profile=profile,
            first=first,
        )

    def nothing_found(self, plan: SearchPlan) -> RankedResults:
        """No results: showing every product would be the answer to another question."""
        return RankedResults(
            request=plan.request,
            ranked=rank_candidates(EMPTY, Scoring(plan.rank_weights)),
            retrieval=None,
            scoring=None,
            cards=self._cards.open(is_current=False),
            parsed=plan.parsed,
            transcript=plan.transcript,
            degraded=plan.degraded,
        )


async def _asked_for(plan: SearchPlan, first: Sequence[str], cards: AnswerCards) -> tuple[str, ...]:
    """Those of the first hits that the query names."""
    return products_asked_for(" ".join(plan.parsed.texts), await _shown(first, cards))


def _most_words(found: CandidateColumns, ranked: Ranking, scoring: Scoring) -> list[str]:
    """Those of a ranking that have most words of their own, by their scores as they were found."""
    most = np.argsort(-found.lexical, kind="stable")[:MOST_WORDS]
    among = np.isin(np.arange(len(found)), most) & (found.lexical > 0)
    there = {*ranked.candidates.ids}
    ordered = rank_by_scores(found.kept(among), Scoring(scoring.weights), None)
    return [product_id for product_id in ordered.ids if product_id in there]


async def _asked_for_in_own_words(plan: SearchPlan, best: Sequence[str], cards: AnswerCards) -> tuple[str, ...]:
    """Those of the best before which nothing may come that has implied words.

    They are named; or they have all words of the query, and fewer do than a page shows.
    """
    text, hits = " ".join(plan.parsed.texts), await _shown(best, cards)
    named, having = products_asked_for(text, hits), products_with_all_words(text, hits)
    return tuple(dict.fromkeys((*named, *having))) if len(having) < FEW else named


async def _shown(product_ids: Sequence[str], cards: AnswerCards) -> list[tuple[str, HitPayload]]:
    gone = set(await cards.load(product_ids))
    return [(product_id, cards.payload(product_id)) for product_id in product_ids if product_id not in gone]


def hides_matches(candidates: CandidateSet, floor: Floor | None) -> bool:
    """Whether more products may match than were retrieved."""
    return candidates.is_truncated if floor is None else floor.hides_matches(candidates)


async def split_at(
    floor: Floor | None, kinds: KindsAskedFor | None, candidates: CandidateColumns
) -> tuple[CandidateColumns, CandidateColumns]:
    """Candidates that match, and those that do not. Raises `StoreUnavailable`."""
    if floor is None:
        return candidates, EMPTY
    matching = floor.matching(candidates)
    if kinds is not None:
        matching[matching] = await kinds.among(candidates.kept(matching))
    return candidates.kept(matching), candidates.kept(~matching)


def needs_all_cards(request: SearchRequest, scoring: Scoring | None) -> bool:
    """Whether an answer looks at the cards of all candidates, not just at those of the products on its page."""
    by_card = request.sort != "relevance" or request.group or request.facets or request.facet_ranges
    return bool(by_card) or (scoring is not None and scoring.is_personal)


async def with_cards(candidates: CandidateColumns, cards: AnswerCards) -> CandidateColumns:
    """Candidates, their cards loaded, less the products that have gone since they were found.

    Raises:
        StoreUnavailable: the product store does not answer.
    """
    return candidates.without(await cards.load(candidates.ids))
