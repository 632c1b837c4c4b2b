"""What a shop's latest sessions have in common, learnt anew every minute: where they go, and what is bought again."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from indexer.errors import StoreUnavailable
from indexer.ports.behaviour import BehaviourStore
from indexer.ports.profiles import ProfileStore
from indexer.redis.behaviour.refs import OWNER_LENGTH
from query_api.cards.card_table import AnswerCards, CardTable
from query_api.recommending.habits import repeat_share
from query_api.recommending.transitions import NO_FLOW, CategoryFlow, category_flow

log = logging.getLogger(__name__)

REFRESH_S = 60.0
PRODUCTS, SIGHTINGS, SESSIONS = 1_000, 20, 3_000
"""The most popular products, sessions looked up of each, and sessions read of all those."""
HABITUAL_SHARE = 0.05
"""Where so much of what is bought was bought before, habits count in full."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """What is known of a shop; by default nothing."""

    flow: CategoryFlow = NO_FLOW
    habit_strength: float = 0.0
    """How far people buy again what they bought: from 0, hardly, to 1."""


class ShopPatterns:
    """Learns the patterns. Until it has, and while it cannot, what was learnt last holds.

    Attributes:
        latest: what is known.
    """

    def __init__(self, behaviour: BehaviourStore, profiles: ProfileStore, cards: CardTable) -> None:
        self._behaviour = behaviour
        self._profiles = profiles
        self._cards = cards
        self.latest = Patterns()

    async def run(self) -> None:
        """Learn every `REFRESH_S`, until cancelled."""
        while True:
            try:
                self.latest = await self.learn(int(time.time() * 1000))
            except StoreUnavailable:
                log.debug("shop_patterns_wait")
            except Exception:
                # Whatever it is, recommendations go on without.
                log.exception("shop_patterns_failed")
            await asyncio.sleep(REFRESH_S)

    async def learn(self, now_ms: int) -> Patterns:
        """The patterns of the latest sessions of the most popular products. Raises `StoreUnavailable`."""
        popular = await self._profiles.popular(PRODUCTS)
        popularity = dict(zip(popular, await self._profiles.popularity(popular, now_ms), strict=True))
        seen = [one for found in await self._behaviour.sightings(popular, SIGHTINGS) for one in found]
        latest_ms = {one.ref: one.time_ms for one in seen}
        refs = sorted(latest_ms, key=lambda ref: latest_ms[ref])[-SESSIONS:]
        told = await self._behaviour.steps(refs)
        rows = [visit for visits in told for visit in visits]
        cards = self._cards.open(is_current=False)
        gone = set(await cards.load(popular))
        categories = _categories([one for one in popular if one not in gone], cards)
        # In a thread: it takes some tens of milliseconds of pure Python.
        flow = await asyncio.to_thread(category_flow, rows, categories, popularity)
        owners = [ref[:OWNER_LENGTH] for ref, visits in zip(refs, told, strict=True) for _ in visits]
        share = repeat_share(zip(owners, rows, strict=True))
        return Patterns(flow, min(1.0, share / HABITUAL_SHARE))


def _categories(product_ids: list[str], cards: AnswerCards) -> dict[str, str]:
    """The deepest category of those that have one."""
    columns = cards.columns(product_ids)
    names = columns.book.values("category")
    codes: list[int] = columns.numbers["category"].tolist()
    return {one: str(names[code]) for one, code in zip(product_ids, codes, strict=True) if code in names}
