"""Where recommendations of each kind come from, besides a taste: what a shopper did, what others did, what there is."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import islice

import numpy as np

from encoders.spec import FloatArray
from indexer.criteria import Filters, SortOrder
from query_api.cards.card_table import AnswerCards
from query_api.circuit_breaker import CircuitBreaker
from query_api.personalisation.taste import Taste, taste_affinities
from query_api.recommending.behaviour_candidates import BehaviourCandidates
from query_api.recommending.blend import CONTINUE, FOR_YOU, BlendWeights, Scores, Suggested, blend, led_by_taste
from query_api.recommending.exploring import DAY_MS, NEW_DAYS
from query_api.recommending.suggestions import NO_REASON, Cause, Shopper, Suggestion
from query_api.recommending.taste_vectors import TasteVectors
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever

MOST = 1_000
"""How many products a source suggests at most."""
TRIED = 200
"""How many new products, those that fit a taste best, share the places for them."""
NEWNESS = 0.5
"""What being the newest counts beside fitting a taste, which is at most 1."""
_NOTHING = None, NO_REASON


class BehaviourSources:
    """What can be suggested by what shoppers did. Raises `StoreUnavailable` where their store does not answer."""

    def __init__(self, candidates: BehaviourCandidates, circuit: CircuitBreaker) -> None:
        self._candidates = candidates
        self._circuit = circuit

    async def together(self, shopper: Shopper, product_id: str) -> list[Suggestion]:
        """What others took together with a product."""
        now_ms = int(time.time() * 1000)
        found = await self._circuit.call(lambda: self._candidates.together(product_id, now_ms))
        cause = shopper.cause(product_id)
        return [Suggestion(one, score, cause, "chosen together with {title}") for one, score in found.items()]

    async def going_on(self, shopper: Shopper, session_id: str | None) -> list[Suggestion]:
        """How a shopper's session may go on, None: that of just now; nothing where nothing is learnt of them."""
        if not shopper.interactions:
            return []
        now_ms = int(time.time() * 1000)
        suggested = await self._circuit.call(lambda: self._candidates.for_session(shopper.user_id, session_id, now_ms))
        return _suggestions(suggested, shopper, CONTINUE)

    async def for_you(self, shopper: Shopper) -> Suggested:
        """What a shopper may want, by what they and others did; nothing where nothing is learnt of them."""
        if not shopper.interactions:
            return Suggested()
        now_ms = int(time.time() * 1000)
        return await self._circuit.call(lambda: self._candidates.for_shopper(shopper.user_id, now_ms))

    async def again(self, shopper: Shopper) -> list[Suggestion]:
        """What a shopper bought, the likeliest to be bought again first; nothing where nothing is learnt of them."""
        if not shopper.interactions:
            return []
        now_ms = int(time.time() * 1000)
        found = await self._circuit.call(lambda: self._candidates.bought_before(shopper.user_id, now_ms))
        return [
            Suggestion(product_id, one.score, Cause("purchased", product_id), _bought(one.visits))
            for product_id, one in found.items()
        ]


class CatalogueSources:
    """What can be suggested by what is in the index. Raises `StoreUnavailable` where it does not answer."""

    def __init__(self, retriever: Retriever, tastes: TasteVectors) -> None:
        self._retriever = retriever
        self._tastes = tastes

    async def similar(self, shopper: Shopper, product_id: str, filters: Filters) -> list[Suggestion]:
        """Products like one, by their vectors."""
        vector: FloatArray | None = await self._tastes.product_vector(product_id)
        if vector is None:
            return []
        found = (await self._retriever.retrieve(RetrievalQuery(vector, None, filters))).items
        order: list[int] = np.argsort(-found.dense, kind="stable").tolist()
        best = [(found.ids[at], float(found.dense[at])) for at in order]
        return [Suggestion(one, score, shopper.cause(product_id)) for one, score in best if one != product_id]

    async def new(self, shopper: Shopper, taste: Taste, filters: Filters, cards: AnswerCards) -> list[Suggestion]:
        """The newest products that a shopper has not seen, those that fit their taste first."""
        return [one for one, _ in await self._newest(shopper, taste, filters, cards)]

    async def untried(
        self, shopper: Shopper, taste: Taste, filters: Filters, cards: AnswerCards, now_ms: int
    ) -> list[Suggestion]:
        """Of products that are `NEW_DAYS` old at most, the `TRIED` that fit a shopper's taste best."""
        since_ms = now_ms - NEW_DAYS * DAY_MS
        found = await self._newest(shopper, taste, filters, cards)
        return [one for one, created_at_ms in found if created_at_ms >= since_ms][:TRIED]

    async def _newest(
        self, shopper: Shopper, taste: Taste, filters: Filters, cards: AnswerCards
    ) -> list[tuple[Suggestion, float]]:
        """With the time since when each has been there, Unix milliseconds."""
        newest = await self._retriever.browse(filters, MOST, SortOrder("created_at", descending=True))
        gone = await cards.load(newest.ids)
        there = newest.without(gone).ids
        is_dated = ~np.isnan(cards.columns(there).numbers["created_at_ms"])
        ids = [there[at] for at in np.flatnonzero(is_dated).tolist() if there[at] not in shopper.did]
        columns = cards.columns(ids)
        created_at_ms: list[float] = columns.numbers["created_at_ms"].tolist()
        age = np.argsort(np.argsort(-columns.numbers["created_at_ms"], kind="stable"))
        scores = taste_affinities(taste, columns.tastes) + NEWNESS * (1 - age / max(1, len(ids)))
        order = np.argsort(-scores, kind="stable").tolist()
        return [(Suggestion(ids[at], float(scores[at]), None, "new here"), created_at_ms[at]) for at in order]


def with_taste(suggested: Suggested, shopper: Shopper, near: Scores, confidence: float) -> list[Suggestion]:
    """The best of what behaviour and taste suggest.

    Args:
        suggested: by behaviour.
        near: the products nearest to the shopper's taste, above 0.
        confidence: how far the taste is to be believed.
    """
    return _suggestions(replace(suggested, taste=near, taste_confidence=confidence), shopper, FOR_YOU)


def _suggestions(suggested: Suggested, shopper: Shopper, weights: BlendWeights) -> list[Suggestion]:
    """The best of what is suggested, each with the strongest reason."""
    scores = blend(suggested, weights)
    because = _because(suggested, shopper)
    # What of the taste it is, who knows the taste says.
    because |= dict.fromkeys(led_by_taste(suggested, weights, scores), _NOTHING)
    return [Suggestion(one, score, *because.get(one, _NOTHING)) for one, score in islice(scores.items(), MOST)]


def _because(suggested: Suggested, shopper: Shopper) -> dict[str, tuple[Cause | None, str]]:
    """By product id, what speaks for it and how that is worded: a habit before what it is like, that before others'."""
    causes = {one: shopper.cause(one) for one in {*suggested.causes.values()} if one in shopper.did}
    return {
        **dict.fromkeys(suggested.popular, (None, "popular here")),
        **{one: (causes[anchor], "because you {did}") for one, anchor in suggested.causes.items() if anchor in causes},
        **{one: (shopper.cause(one), "you {did_it}") for one in suggested.habits if one in shopper.did},
    }


def recent(shopper: Shopper) -> list[Suggestion]:
    """What a shopper did something to, the latest first."""
    count = len(shopper.did)
    latest = dict.fromkeys(one.product_id for one in shopper.interactions if one.product_id in shopper.did)
    return [
        Suggestion(product_id, 1 - at / count, Cause(shopper.did[product_id], product_id), "you {did_it}")
        for at, product_id in enumerate(latest)
    ]


def _bought(visits: int) -> str:
    return "you bought it" if visits == 1 else f"you bought it on {visits} visits"
