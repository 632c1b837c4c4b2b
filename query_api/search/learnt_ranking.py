"""The order of the best candidates by a learnt ranker, and the features by which it is learnt."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoders.tracing.spans import traced
from indexer.errors import StoreUnavailable
from indexer.shown_hits import MAX_SHOWN, pack_shown
from query_api.cards.card_table import AnswerCards
from query_api.cards.first_hits import FirstHits
from query_api.experiments.running import RunningExperiment
from query_api.learning_to_rank.features import (
    FEATURE_SET,
    BlendedCandidates,
    ShopperSignals,
    Surroundings,
    Values,
    feature_rows,
)
from query_api.learning_to_rank.popularity import PopularProducts
from query_api.personalisation.shopper_profiles import IMPERSONAL, ShopperProfile
from query_api.search.ranking import Order, Ranking
from query_api.search.results import RankedResults


@dataclass(frozen=True, slots=True)
class Asked:
    """Of a query, what its candidates are looked at beside."""

    first: tuple[str, ...] = ()
    """The first hits of the impersonal order."""
    hits: FirstHits | None = None
    """What they have in common; None: it is not known yet."""
    profile: ShopperProfile = IMPERSONAL
    user_id: str | None = None
    """Whose variant of an experiment counts; None: nobody's."""


class LearntRanking:
    """The last stage of ranking: adds to the scores of the best candidates what a learnt ranker makes of all features.

    They stay before all others; what a query asks for by name stays before them. Without a ranker it just tells the
    features of what is shown.
    """

    def __init__(
        self,
        running: RunningExperiment,
        popular: PopularProducts,
        candidates: int = 200,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        """Bind to what is known.

        Args:
            running: says which ranker who has.
            popular: products.
            candidates: how many of the best it orders.
            clock_s: by which products age, Unix seconds.
        """
        self._running = running
        self._popular = popular
        self._candidates = candidates
        self._clock_s = clock_s

    @property
    def depth(self) -> int:
        """How many of the best it orders; 0: it orders nothing."""
        return self._candidates if self._running.has_rankers else 0

    def variant_label(self, user_id: str | None) -> str:
        """What the variant of a shopper is called; empty: they have none."""
        return self._running.label(user_id)

    async def rerank(self, results: RankedResults) -> RankedResults:
        """Results in the learnt order, where they answer a query; as before where the product store is away."""
        retrieval, scoring, is_by_score = results.retrieval, results.scoring, results.request.sort == "relevance"
        if not self.depth or retrieval is None or retrieval.is_browse or scoring is None or not is_by_score:
            return results
        asked = Asked(results.first, profile=results.profile, user_id=results.request.user_id)
        try:
            ranked = await self.reorder(results.ranked, asked, results.cards)
        except StoreUnavailable:
            return replace(results, degraded=(*results.degraded, "ranker"))
        return replace(results, ranked=ranked.led_by(scoring.asked_for).trailed_by(scoring.unwanted))

    @traced("learnt ranking")
    async def reorder(self, ranked: Ranking, asked: Asked, cards: AnswerCards) -> Ranking:
        """A ranking with its best in the learnt order. Raises `StoreUnavailable`.

        Args:
            ranked: by relevance.
            cards: those that are missing are loaded.
        """
        ranker = self._running.ranker(asked.user_id)
        if ranker is None or not len(ranked):
            return ranked
        gone = set(await cards.load(ranked[: self.depth].ids))
        first = await _first_hits(asked, cards)
        best = ranked.order[: self.depth]
        best = best[[ranked.candidates.ids[at] not in gone for at in best.tolist()]] if gone else best
        added = np.zeros(len(ranked.score))
        added[best] = ranker.adds(self._rows(ranked, best, asked, first, cards))
        score = ranked.score + added
        rest = ranked.order[~np.isin(ranked.order, best)]
        order = np.concatenate([best[np.argsort(-score[best], kind="stable")], rest])
        return replace(ranked, ranker_part=ranked.ranker_part + added, score=score, order=order)

    async def shown(self, ranked: Ranking, product_ids: Sequence[str], asked: Asked, cards: AnswerCards) -> bytes:
        """What is remembered of an answer with these products, their cards loaded; empty: it cannot be told."""
        known = ranked.candidates.ids
        if not product_ids:
            return b""
        try:
            first = await _first_hits(asked, cards)
        except StoreUnavailable:
            return b""
        places = np.array([bisect_left(known, product_id) for product_id in product_ids[:MAX_SHOWN]], np.intp)
        return pack_shown(FEATURE_SET, product_ids, self._rows(ranked, places, asked, first, cards))

    def _rows(self, ranked: Ranking, places: Order, asked: Asked, first: FirstHits, cards: AnswerCards) -> Values:
        ids: list[str] = [ranked.candidates.ids[at] for at in places.tolist()]
        profile = asked.profile
        # What other rankers add is left out: it is not known of what is not among the best.
        blend = ranked.score - ranked.ranker_part
        return feature_rows(
            BlendedCandidates(ranked.candidates, ranked.personal_part, blend),
            places,
            cards.columns(ids),
            Surroundings(
                first,
                self._popular.popularity,
                ShopperSignals(profile.product_weights, profile.taste.usual_price),
                int(self._clock_s() * 1000),
            ),
        )


async def _first_hits(asked: Asked, cards: AnswerCards) -> FirstHits:
    """What the first hits have in common, in the codes of these cards. Raises `StoreUnavailable`."""
    if asked.hits is not None and asked.hits.book is cards.book:
        return asked.hits
    gone = set(await cards.load(list(asked.first)))
    return FirstHits(cards.columns([product_id for product_id in asked.first if product_id not in gone]))
