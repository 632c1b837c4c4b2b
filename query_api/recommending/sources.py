"""Where recommendations of each kind come from, besides a taste: what a shopper did, what others did, what there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from encoders.spec import FloatArray
from indexer.criteria import Filters, SortOrder
from indexer.ports.behaviour import BehaviourStore, Session
from indexer.ports.profiles import ProfileStore
from query_api.cards.card_table import AnswerCards
from query_api.circuit_breaker import CircuitBreaker
from query_api.personalisation.taste import Taste, taste_affinities
from query_api.recommending.company import in_company
from query_api.recommending.suggestions import Cause, Shopper, Suggestion
from query_api.recommending.taste_vectors import TasteVectors
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever

MOST = 1_000
"""How many products a source suggests at most."""
SIGHTINGS = 100
"""Of so many of the latest sessions of a product is looked what else was in them."""
SEEDS = 5
"""How many products of a session, the latest, say how it goes on."""
JOINED_READ = 8
"""Under so many of a shopper's anonymous ids, the latest, their session is looked for."""
NEWNESS = 0.5
"""What being the newest counts beside fitting a taste, which is at most 1."""


class BehaviourSources:
    """What can be suggested by what shoppers did. Raises `StoreUnavailable` where their store does not answer."""

    def __init__(self, behaviour: BehaviourStore, profiles: ProfileStore, circuit: CircuitBreaker) -> None:
        self._behaviour = behaviour
        self._profiles = profiles
        self._circuit = circuit

    async def together(self, shopper: Shopper, product_id: str) -> list[Suggestion]:
        """What others took together with a product."""
        return await self._with_seeds(shopper, {product_id: 1.0}, "chosen together with {title}")

    async def going_on(self, shopper: Shopper, session_id: str) -> list[Suggestion]:
        """What goes with the latest products of a shopper's session; nothing where nothing is learnt of them."""
        if not shopper.interactions:
            return []
        steps = await self._circuit.call(lambda: self._session(shopper.user_id, session_id))
        latest = list(dict.fromkeys(step.product_id for session in steps for step in reversed(session.steps)))
        seeds = {product_id: 0.5**at for at, product_id in enumerate(latest[:SEEDS])}
        return await self._with_seeds(shopper, seeds, "because you {did} {title}")

    async def _session(self, user_id: str, session_id: str) -> list[Session]:
        """A session under all of a shopper's ids, what was done last first."""
        person = await self._profiles.person(user_id)
        ids = (user_id, *person.anonymous_ids[-JOINED_READ:])
        found = [await self._behaviour.session(one, session_id) for one in ids]
        return sorted((one for one in found if one.steps), key=lambda one: -one.steps[-1].time_ms)

    async def _with_seeds(self, shopper: Shopper, seeds: Mapping[str, float], wording: str) -> list[Suggestion]:
        sessions = await self._circuit.call(lambda: self._sessions_with(list(seeds)))
        found = in_company(seeds, sessions)
        best = sorted(found.items(), key=lambda pair: (-pair[1].score, pair[0]))[:MOST]
        return [Suggestion(product_id, one.score, shopper.cause(one.seed), wording) for product_id, one in best]

    async def _sessions_with(self, product_ids: Sequence[str]) -> dict[str, list[Sequence[bytes]]]:
        """What the latest sessions of each product did."""
        sightings = await self._behaviour.sightings(product_ids, SIGHTINGS)
        refs = list(dict.fromkeys(one.ref for seen in sightings for one in seen))
        steps = dict(zip(refs, await self._behaviour.steps(refs), strict=True)) if refs else {}
        return {
            product_id: [steps[one.ref] for one in seen if steps[one.ref]]
            for product_id, seen in zip(product_ids, sightings, strict=True)
        }


class CatalogueSources:
    """What can be suggested by what is in the index. Raises `StoreUnavailable` where it does not answer."""

    def __init__(self, retriever: Retriever, tastes: TasteVectors) -> None:
        self._retriever = retriever
        self._tastes = tastes

    async def similar(self, shopper: Shopper, product_id: str, filters: Filters) -> list[Suggestion]:
        """Products like one, by their vectors."""
        vector: FloatArray | None = await self._tastes.taste_vector({product_id: 1.0})
        if vector is None:
            return []
        found = (await self._retriever.retrieve(RetrievalQuery(vector, None, filters))).items
        order: list[int] = np.argsort(-found.dense, kind="stable").tolist()
        best = [(found.ids[at], float(found.dense[at])) for at in order]
        return [Suggestion(one, score, shopper.cause(product_id)) for one, score in best if one != product_id]

    async def new(self, shopper: Shopper, taste: Taste, filters: Filters, cards: AnswerCards) -> list[Suggestion]:
        """The newest products that a shopper has not seen, those that fit their taste first."""
        newest = await self._retriever.browse(filters, MOST, SortOrder("created_at", descending=True))
        gone = await cards.load(newest.ids)
        there = newest.without(gone).ids
        is_dated = ~np.isnan(cards.columns(there).numbers["created_at_ms"])
        ids = [there[at] for at in np.flatnonzero(is_dated).tolist() if there[at] not in shopper.did]
        columns = cards.columns(ids)
        age = np.argsort(np.argsort(-columns.numbers["created_at_ms"], kind="stable"))
        scores = taste_affinities(taste, columns.tastes) + NEWNESS * (1 - age / max(1, len(ids)))
        order = np.argsort(-scores, kind="stable").tolist()
        return [Suggestion(ids[at], float(scores[at]), None, "new here") for at in order]


def recent(shopper: Shopper) -> list[Suggestion]:
    """What a shopper did something to, the latest first."""
    count = len(shopper.did)
    latest = dict.fromkeys(one.product_id for one in shopper.interactions if one.product_id in shopper.did)
    return [
        Suggestion(product_id, 1 - at / count, Cause(shopper.did[product_id], product_id), "you {did} it")
        for at, product_id in enumerate(latest)
    ]


def again(shopper: Shopper) -> list[Suggestion]:
    """What a shopper bought: what they bought most often, then last, first."""
    bought = [one.product_id for one in shopper.interactions if one.kind == "purchased"]
    times = Counter(bought)
    latest = {product_id: at for at, product_id in reversed(list(enumerate(bought)))}
    order = sorted(times, key=lambda product_id: (-times[product_id], latest[product_id]))
    return [
        Suggestion(product_id, float(times[product_id]), Cause("purchased", product_id), _bought(times[product_id]))
        for product_id in order
    ]


def _bought(times: int) -> str:
    return "you bought it" if times == 1 else f"you bought it {times} times"
