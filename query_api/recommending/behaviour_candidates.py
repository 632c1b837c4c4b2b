"""Candidates from what shoppers did: their own habits, sessions like theirs, what comes next, what everybody buys."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from indexer.ports.behaviour import GAP_MS, BehaviourStore, Session, Sightings
from indexer.ports.profiles import ProfileStore
from query_api.recommending.blend import Suggested
from query_api.recommending.habits import DAY_MS, PURCHASED, habit_scores, interest_weights, purchase_weights
from query_api.recommending.neighbours import (
    USUAL_DAYS,
    Neighbours,
    anchor_shares,
    believed,
    beyond_popularity,
    beyond_season,
    confidence,
    nearest_sessions,
    nearest_visits,
)
from query_api.recommending.shop_patterns import Patterns
from query_api.recommending.transitions import RECENT, Counts, next_scores, transitions_from

MAX_OWN_SESSIONS = 100
MAX_ANCHORS, MAX_SIGHTINGS, MAX_SESSIONS = 40, 200, 300
"""Products to whose sessions a shopper is likened, sessions looked up of each, sessions read of all those."""
MAX_TOGETHER = 400
"""Products of those sessions that are looked at, the best."""
MAX_HABITS = 400
"""Products bought before that are looked at, those bought most."""
MAX_JOINED = 8
"""Anonymous ids of a shopper, the latest, under which their sessions are looked for."""
SESSION_ANCHORS = 20
"""Of a session, the last products that count, the last one most."""
HALF_FOLLOWING = 20
"""What follows is half believed where so many steps were seen to lead on."""
POPULAR = 200
CAUSES = 100
"""Of so many suggestions, the best, it is said what speaks for them."""


class Bought(NamedTuple):
    """A product that a shopper bought."""

    score: float
    """How likely they do it again."""
    visits: int
    """In how many of their latest sessions they did."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a shopper did, as far as it may be learnt from, newest first."""

    own: Sequence[Session]
    """Their sessions."""
    anchors: Mapping[str, float]
    """How much each product says of what they want."""
    recent: Sequence[str]
    """The products of the session that goes on, the last one last."""
    known: frozenset[str]
    in_session: frozenset[str] = frozenset()
    """What the session has already: none of it is wanted again."""


class BehaviourCandidates:
    """Reads what shoppers did, and scores products by it. Raises `StoreUnavailable` where it cannot be read."""

    def __init__(
        self, behaviour: BehaviourStore, profiles: ProfileStore, patterns: Callable[[], Patterns] = Patterns
    ) -> None:
        """Args: patterns: of the shop, as known just now."""
        self._behaviour = behaviour
        self._profiles = profiles
        self._patterns = patterns

    async def for_shopper(self, user_id: str, now_ms: int) -> Suggested:
        """What a shopper may want. Args: now_ms: Unix milliseconds."""
        _, own = await self._own(user_id)
        recent = _navigation(own[0]) if _is_going_on(own, now_ms) else []
        known = frozenset(step.product_id for session in own for step in session.steps)
        return await self._suggest(_Seen(own, _strongest(interest_weights(own, now_ms)), recent, known), now_ms)

    async def for_session(self, user_id: str, session_id: str | None, now_ms: int) -> Suggested:
        """What a session may go on with; nothing where it is not known.

        Args:
            user_id: whose.
            session_id: None: the one that goes on just now.
            now_ms: Unix milliseconds.
        """
        ids, own = await self._own(user_id)
        if session_id is None:
            parts = own[:1] if _is_going_on(own, now_ms) else []
        else:
            parts = await asyncio.gather(*[self._behaviour.session(one, session_id) for one in ids])
        session = Session("", sorted((step for part in parts for step in part.steps), key=lambda step: step.time_ms))
        if not session.steps:
            return Suggested()
        products = _products(session)
        last = products[-SESSION_ANCHORS:]
        anchors = {product_id: (rank + 1) / len(last) for rank, product_id in enumerate(last)}
        earlier = [one for one in own if one not in parts]
        here = frozenset(products)
        return await self._suggest(_Seen(earlier, anchors, _navigation(session), here, here), now_ms)

    async def together(self, product_id: str, now_ms: int) -> dict[str, float]:
        """How much goes with a product, by product id, most first. Args: now_ms: Unix milliseconds."""
        sightings = await self._behaviour.sightings([product_id], MAX_SIGHTINGS)
        weights, rows = await self._nearest({product_id: 1.0}, sightings, now_ms)
        found = Neighbours.of(weights, rows).co_visited(MAX_TOGETHER + 1)
        best = {one: score for one, score in found.items() if one != product_id}
        popularity, usual = await self._sold(list(best), list(best), now_ms)
        scores = beyond_season(beyond_popularity(best, popularity), popularity, usual)
        return {one: scores[one] for one in sorted(scores, key=lambda one: (-scores[one], one))}

    async def bought_before(self, user_id: str, now_ms: int) -> dict[str, Bought]:
        """What a shopper bought, by product id, what they are likeliest to buy again first.

        Args:
            now_ms: Unix milliseconds.
        """
        _, own = await self._own(user_id)
        weights = _strongest(purchase_weights(own, now_ms), MAX_HABITS)
        popularity = dict(zip(weights, await self._profiles.popularity(list(weights), now_ms), strict=True))
        scores = habit_scores(weights, popularity)
        visits = Counter(step.product_id for session in own for step in session.steps if step.kind == PURCHASED)
        return {one: Bought(scores[one], visits[one]) for one in sorted(scores, key=lambda one: -scores[one])}

    async def _own(self, user_id: str) -> tuple[list[str], list[Session]]:
        """A shopper's ids, and what was done under them; nothing of somebody who may not be learnt from."""
        person, found = await asyncio.gather(
            self._profiles.person(user_id), self._behaviour.sessions_of(user_id, MAX_OWN_SESSIONS)
        )
        if not person.is_learnt_from():
            return [], []
        joined = person.anonymous_ids[-MAX_JOINED:]
        others = await asyncio.gather(*[self._behaviour.sessions_of(one, MAX_OWN_SESSIONS) for one in joined])
        newest = sorted(chain(found, *others), key=lambda one: -one.steps[-1].time_ms)
        return [user_id, *joined], newest[:MAX_OWN_SESSIONS]

    async def _nearest(
        self, anchors: Mapping[str, float], sightings: Sequence[Sightings], now_ms: int
    ) -> tuple[list[float], list[Sequence[bytes]]]:
        """The visits that have most of the anchors: what each weighs, and what it did."""
        shares = anchor_shares(anchors, sightings)
        weights = nearest_sessions(shares, sightings, now_ms, MAX_SESSIONS)
        return nearest_visits(weights, await self._behaviour.steps(list(weights)), shares)

    async def _sold(
        self, products: Sequence[str], compared: Sequence[str], now_ms: int
    ) -> tuple[dict[str, float], dict[str, float]]:
        """How popular products are just now; and some of them usually, in sessions of `USUAL_DAYS`."""
        popularity, usual = await asyncio.gather(
            self._profiles.popularity(products, now_ms),
            self._behaviour.usual(compared, now_ms - USUAL_DAYS * DAY_MS, now_ms),
        )
        return dict(zip(products, popularity, strict=True)), dict(zip(compared, usual, strict=True))

    async def _suggest(self, seen: _Seen, now_ms: int) -> Suggested:
        sightings, popular = await asyncio.gather(
            self._behaviour.sightings(list(seen.anchors), MAX_SIGHTINGS), self._profiles.popular(POPULAR)
        )
        weights, rows = await self._nearest(seen.anchors, sightings, now_ms)
        neighbours, patterns = Neighbours.of(weights, rows), self._patterns()
        together = neighbours.co_visited(MAX_TOGETHER)
        bought = _habits(seen, now_ms) if patterns.habit_strength else {}
        popularity, usual = await self._sold([*{*together, *bought, *popular}], list(together), now_ms)
        in_any_season = beyond_popularity(together, popularity)
        together = beyond_season(in_any_season, popularity, usual)
        counts = {product_id: transitions_from(product_id, rows) for product_id in seen.recent[-RECENT:]}
        following = next_scores(seen.recent, counts, patterns.flow)
        best = [*_strongest(together, CAUSES), *_strongest(following, CAUSES)]
        causes = neighbours.nearest_anchors(seen.anchors, best)
        if seen.recent:
            causes = dict.fromkeys(following, seen.recent[-1]) | causes
        return Suggested(
            habits=habit_scores(bought, popularity),
            together=together,
            following=following,
            popular={product_id: popularity[product_id] for product_id in popular},
            known=seen.known,
            causes=causes,
            # Asked how a session goes on, all sessions that had its products say so, and nothing else says more.
            confidence=confidence(in_any_season, neighbours, () if seen.in_session else seen.known),
            following_confidence=1.0 if seen.in_session else believed(_seen_after(seen.recent, counts), HALF_FOLLOWING),
            habit_strength=patterns.habit_strength,
        )


def _is_going_on(own: Sequence[Session], now_ms: int) -> bool:
    """Whether the latest of a shopper's sessions may go on."""
    return bool(own) and now_ms - own[0].steps[-1].time_ms <= GAP_MS


def _products(session: Session) -> list[str]:
    """A session's products, each once, by the latest thing that was done to it."""
    return list(dict.fromkeys(step.product_id for step in reversed(session.steps)))[::-1]


def _navigation(session: Session) -> list[str]:
    """A session's way through the shop. A basket is filled in no order: what comes next is what goes together."""
    return [] if any(step.kind == PURCHASED for step in session.steps) else _products(session)


def _seen_after(recent: Sequence[str], counts: Mapping[str, Counts]) -> float:
    """How much was seen to follow the last product."""
    return sum(counts[recent[-1]].values()) if recent else 0.0


def _habits(seen: _Seen, now_ms: int) -> dict[str, float]:
    bought = purchase_weights(seen.own, now_ms)
    return _strongest({one: weight for one, weight in bought.items() if one not in seen.in_session}, MAX_HABITS)


def _strongest(weights: Mapping[str, float], most: int = MAX_ANCHORS) -> dict[str, float]:
    """Those that weigh most."""
    return {
        product_id: weights[product_id] for product_id in sorted(weights, key=weights.__getitem__, reverse=True)[:most]
    }
