"""Candidates from what shoppers did: their own habits, sessions like theirs, what comes next, what everybody buys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from indexer.errors import StoreUnavailable
from indexer.ports.behaviour import BehaviourStore, Session
from indexer.ports.profiles import ProfileStore
from query_api.circuit_breaker import CircuitBreaker
from query_api.recommending.habits import PURCHASED, habit_scores, interest_weights, purchase_weights
from query_api.recommending.neighbours import beyond_popularity, co_visited, nearest_sessions
from query_api.recommending.blend import Suggestions
from query_api.recommending.transitions import RECENT, CategoryFlow, next_scores, transitions_from

Found = TypeVar("Found")

MAX_OWN_SESSIONS = 100
MAX_ANCHORS, MAX_SIGHTINGS, MAX_SESSIONS = 40, 200, 500
"""Products to whose sessions a shopper is likened, sessions looked up of each, sessions read of all those."""
MAX_HABITS = 400
"""Products bought before that are looked at, those bought most."""
SESSION_ANCHORS = 20
"""Of a session, the last products that count, the last one most."""
PAUSE_MS = 30 * 60_000
"""A session in which nothing happened for so long is over."""
POPULAR = 200


class BehaviourCandidates:
    """Reads what shoppers did, and scores products by it. Without Redis it suggests nothing, and says so."""

    def __init__(
        self,
        behaviour: BehaviourStore,
        profiles: ProfileStore,
        circuit: CircuitBreaker,
        flow: Callable[[], CategoryFlow],
    ) -> None:
        """Args: circuit: of the server that both stores live in. flow: between categories, as known just now."""
        self._behaviour = behaviour
        self._profiles = profiles
        self._circuit = circuit
        self._flow = flow

    async def for_shopper(self, user_id: str, now_ms: int) -> Suggestions:
        """What a shopper may want. Args: now_ms: Unix milliseconds."""
        try:
            own = await self._sessions_of(user_id)
            latest = own[0] if own else None
            is_going_on = latest is not None and now_ms - latest.steps[-1].time_ms < PAUSE_MS
            recent = _products(latest) if latest is not None and is_going_on else []
            known = frozenset(step.product_id for session in own for step in session.steps)
            return await self._suggest(own, _strongest(interest_weights(own, now_ms)), recent, known, now_ms)
        except StoreUnavailable:
            return Suggestions(degraded=("personalisation",))

    async def for_session(self, user_id: str, session_id: str, now_ms: int) -> Suggestions:
        """What a session may go on with. Args: now_ms: Unix milliseconds."""
        try:
            session, own = await asyncio.gather(
                self._ask(lambda: self._behaviour.session(user_id, session_id)), self._sessions_of(user_id)
            )
            products = _products(session)
            last = products[-SESSION_ANCHORS:]
            anchors = {product_id: (rank + 1) / len(last) for rank, product_id in enumerate(last)}
            earlier = [one for one in own if one.ref != session.ref]
            # A basket is filled in no order: what comes next in it is what goes together.
            recent = [] if any(step.kind == PURCHASED for step in session.steps) else products
            return await self._suggest(earlier, anchors, recent, frozenset(products), now_ms)
        except StoreUnavailable:
            return Suggestions(degraded=("personalisation",))

    async def _sessions_of(self, user_id: str) -> list[Session]:
        """The latest sessions under all ids of a shopper who may be learnt from, newest first."""
        person = await self._ask(lambda: self._profiles.person(user_id))
        if not person.is_learnt_from():
            return []
        found = await asyncio.gather(
            *[
                self._ask(lambda one=one: self._behaviour.sessions_of(one, MAX_OWN_SESSIONS))
                for one in (user_id, *person.anonymous_ids)
            ]
        )
        newest = sorted((one for part in found for one in part), key=lambda one: -one.steps[-1].time_ms)
        return newest[:MAX_OWN_SESSIONS]

    async def _suggest(
        self,
        own: Sequence[Session],
        anchors: dict[str, float],
        recent: Sequence[str],
        known: frozenset[str],
        now_ms: int,
    ) -> Suggestions:
        sightings = await self._ask(lambda: self._behaviour.sightings(list(anchors), MAX_SIGHTINGS))
        weights = nearest_sessions(anchors, sightings, now_ms, MAX_SESSIONS)
        rows = await self._ask(lambda: self._behaviour.steps(list(weights)))
        together = co_visited(weights, rows)
        habits = _strongest(purchase_weights(own, now_ms), MAX_HABITS)
        popular = await self._ask(lambda: self._profiles.popular(POPULAR))
        popularity = await self._popularity([*{*together, *habits, *popular}], now_ms)
        counts = {product_id: transitions_from(product_id, rows) for product_id in recent[-RECENT:]}
        return Suggestions(
            habit_scores(habits, popularity),
            beyond_popularity(together, popularity),
            next_scores(recent, counts, self._flow()),
            {product_id: popularity[product_id] for product_id in popular},
            known,
        )

    async def _popularity(self, product_ids: Sequence[str], now_ms: int) -> dict[str, float]:
        found = await self._ask(lambda: self._profiles.popularity(product_ids, now_ms))
        return dict(zip(product_ids, found, strict=True))

    async def _ask(self, ask: Callable[[], Awaitable[Found]]) -> Found:
        return await self._circuit.call(ask)


def _products(session: Session) -> list[str]:
    """A session's products, each once, by the latest thing that was done to it."""
    return list(dict.fromkeys(step.product_id for step in reversed(session.steps)))[::-1]


def _strongest(weights: dict[str, float], most: int = MAX_ANCHORS) -> dict[str, float]:
    """Those that weigh most."""
    return {product_id: weights[product_id] for product_id in sorted(weights, key=lambda one: -weights[one])[:most]}
