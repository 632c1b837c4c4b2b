"""What behaviour suggests: habits, sessions like a shopper's, what follows, by what is kept of sessions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import pytest

from indexer.ports.behaviour import GAP_MS
from indexer.ports.profiles import Interaction
from indexer.redis.behaviour.in_memory import InMemoryBehaviourStore
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from query_api.recommending.behaviour_candidates import BehaviourCandidates
from query_api.recommending.blend import FOR_YOU, BlendWeights, Suggested, blend
from query_api.recommending.habits import habit_scores, repeat_share
from query_api.recommending.shop_patterns import Patterns
from query_api.recommending.transitions import CategoryFlow, category_flow, next_scores, transitions_from

NOW_MS, DAY_MS = 1_795_000_000_000, 86_400_000
HABITUAL = Patterns(habit_strength=1.0)


class Shop:
    """Stores, and what they suggest."""

    def __init__(self, patterns: Patterns = HABITUAL) -> None:
        self.behaviour = InMemoryBehaviourStore()
        self.profiles = InMemoryProfileStore()
        self.candidates = BehaviourCandidates(self.behaviour, self.profiles, lambda: patterns)

    async def visit(self, user: str, session: str, products: Iterable[str], days: float = 1, kind: str = "purchased"):
        at_ms = NOW_MS - int(days * DAY_MS)
        done = [
            (user, Interaction(f"{session}-{at_ms + n}", kind, product, at_ms + n, "shop", session))
            for n, product in enumerate(products)
        ]
        await self.profiles.record(done)
        await self.behaviour.record(done)

    async def for_you(self, user: str) -> list[str]:
        return list(blend(await self.candidates.for_shopper(user, NOW_MS), FOR_YOU))


def rows(*sessions: str) -> list[Sequence[bytes]]:
    """Sessions of clicks on products of one letter."""
    return [[b"c" + product.encode() for product in session] for session in sessions]


async def test_what_is_bought_time_and_again_comes_before_what_was_bought_once_and_long_ago() -> None:
    shop = Shop()
    for week in range(4):
        await shop.visit("ada", f"a{week}", ["milk", f"odd-{week}"], days=7 * week + 1)
    assert (await shop.for_you("ada"))[0] == "milk"
    assert (await Shop(Patterns()).for_you("ada")) == []


async def test_where_nobody_buys_anything_again_what_was_bought_is_not_suggested() -> None:
    shop = Shop(Patterns())
    await shop.visit("ada", "a", ["sofa"])
    await shop.visit("ben", "b", ["sofa", "cushion"])
    assert await shop.for_you("ada") == ["cushion"]


async def test_what_others_took_in_sessions_like_mine_is_suggested_with_its_reason() -> None:
    shop = Shop()
    await shop.visit("ada", "a", ["tea", "cup"])
    await shop.visit("ben", "b", ["tea", "cup", "pot"])
    await shop.visit("cy", "c", ["tea", "sofa", "lamp", "desk", "chair"])
    found = await shop.candidates.for_shopper("ada", NOW_MS)
    assert found.together["pot"] > found.together["sofa"]
    assert found.causes["sofa"] == "tea" and found.known == {"tea", "cup"}


async def test_of_what_goes_together_that_comes_first_which_sells_better_than_it_usually_did() -> None:
    shop = Shop()
    for week in range(12):
        await shop.visit(f"u{week}", f"s{week}", ["wreath"], days=7 * week + 30)
        await shop.visit(f"v{week}", f"t{week}", ["parasol"], days=0.5 * week + 1)
    for n, days in enumerate((1, 40)):
        await shop.visit(f"w{n}", f"r{n}", ["tea", "wreath", "parasol"], days=days)
    found = await shop.candidates.together("tea", NOW_MS)
    assert list(found) == ["parasol", "wreath"] and found["parasol"] > 1.5 * found["wreath"]


async def test_a_session_goes_on_in_the_direction_that_others_went_and_without_what_it_has() -> None:
    shop = Shop()
    for n in range(3):
        await shop.visit(f"u{n}", f"s{n}", ["x", "here", "next", "later"], kind="clicked")
    await shop.visit("ada", "now", ["x", "here"], days=0, kind="clicked")
    found = await shop.candidates.for_session("ada", "now", NOW_MS)
    assert found.following["next"] > found.following["later"] and "x" not in found.following
    best = list(blend(found, BlendWeights(0, 0, 1, 0)))
    assert best == ["next", "later"] and found.causes["next"] == "here"
    assert await shop.candidates.for_session("ada", "unknown", NOW_MS) == Suggested()


async def test_the_session_of_someone_who_pauses_is_over() -> None:
    shop = Shop()
    await shop.visit("ben", "b", ["here", "next"], kind="clicked")
    await shop.visit("ada", "now", ["here"], days=0, kind="clicked")
    assert (await shop.candidates.for_shopper("ada", NOW_MS)).following
    assert not (await shop.candidates.for_shopper("ada", NOW_MS + GAP_MS + 1)).following


async def test_without_session_ids_a_pause_ends_a_visit_and_what_goes_on_is_the_latest_one() -> None:
    shop = Shop()
    for n in range(3):
        # The same person, in the morning and in the evening.
        await shop.visit(f"u{n}", "", ["here", "next"], days=1.25, kind="clicked")
        await shop.visit(f"u{n}", "", ["sofa", "lamp"], days=1, kind="clicked")
    await shop.visit("ada", "", ["sofa"], days=0.25, kind="clicked")
    await shop.visit("ada", "", ["here"], days=0, kind="clicked")
    found = await shop.candidates.for_session("ada", None, NOW_MS)
    assert found.known == {"here"} and set(found.together) == {"here", "next"} and list(found.following) == ["next"]
    assert await shop.candidates.for_session("ada", None, NOW_MS + GAP_MS + 1) == Suggested()
    both = await shop.candidates.for_shopper("ada", NOW_MS)
    assert both.together["next"] > 0 and both.together["lamp"] > 0 and both.causes["lamp"] == "sofa"


def test_transitions_count_by_their_distance_and_are_smoothed_by_those_of_categories() -> None:
    assert transitions_from("b", rows("abcd", "b", "ba", "x")) == {"c": 1.0, "d": 0.5, "a": 1.0}
    flow = category_flow(rows("ac", "ad", "bc"), {"a": "tops", "b": "tops", "c": "hats", "d": "hats"}, {"c": 3.0})
    assert flow.next_categories == {"tops": {"hats": 1.0}}
    scores = next_scores(["b"], {"b": {"e": 1.0}}, flow)
    # Nothing was seen after it but e; its category leads to hats, of which c sells.
    assert scores["c"] > scores["d"] > scores["e"] and math.isclose(sum(scores.values()), 1.0)
    assert next_scores(["b"], {"b": {"e": 1.0}}, CategoryFlow({}, {}, {})) == {"e": 1.0}


def test_habits_are_stronger_where_others_buy_it_just_now() -> None:
    scores = habit_scores({"wreath": 1.0, "candle": 1.0}, {"candle": 5.0})
    assert scores["candle"] > 5 * scores["wreath"]


def test_what_people_buy_again_is_learnt_from_their_sessions() -> None:
    assert repeat_share([("a", [b"pmilk"]), ("a", [b"pmilk", b"ptea", b"cpot"]), ("b", [b"pmilk"])]) == 0.5
    assert repeat_share([("a", [b"pmilk"])]) == 0.0


@pytest.mark.parametrize("known", [frozenset[str](), frozenset({"a"})])
def test_a_blend_adds_what_sources_say_relative_to_their_best_less_what_is_known(known: frozenset[str]) -> None:
    suggested = Suggested(together={"a": 2.0, "b": 1.0}, popular={"a": 8.0, "c": 4.0}, known=known, confidence=0.52)
    scores = blend(suggested, BlendWeights(habits=0, together=1 / 0.52, following=0, popular=1))
    assert scores == pytest.approx({k: v for k, v in {"a": 1.5, "b": 0.5, "c": 0.25}.items() if k not in known})
