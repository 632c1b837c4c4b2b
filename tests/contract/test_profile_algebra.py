"""Profiles depend on which events there were, and on nothing else: the double and the real Redis against an oracle."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.ports.profiles import Identification, Interaction, LearningChange, ProfileStore, TraitChange
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.shoppers.histories import pack_member
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from indexer.redis.shoppers.popularity import KIND_WEIGHTS, popularity_weight
from indexer.redis.shoppers.profiles import RedisProfileStore
from tests.histories import recent
from tests.retelling import retold

NOW_MS = 1_795_000_000_000
HISTORY, TRAITS = 4, 3
USERS = ("ada", "ben")

Change = tuple[str, Interaction | TraitChange | int | Identification | LearningChange]
"""A user, and what they did, are like and allow, who they are, or when they were forgotten."""
OpenStore = Callable[..., Any]

each_example_opens_a_store = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(params=["memory", "redis"])
async def open_store(request: pytest.FixtureRequest) -> AsyncIterator[OpenStore]:
    """Opens an empty store, with bounds small enough to be met."""

    async def open_memory(history: int = HISTORY) -> ProfileStore:
        return InMemoryProfileStore(history, TRAITS)

    if request.param == "memory":
        yield open_memory
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=10))

    async def open_redis(history: int = HISTORY) -> ProfileStore:
        await redis.flushdb()
        return RedisProfileStore(redis, deadline_s=10, history_length=history, max_traits=TRAITS)

    yield open_redis
    await redis.aclose()


times = st.integers(NOW_MS, NOW_MS + 3)
sources = st.sampled_from(["web", "Ä"])
names, values = st.sampled_from(["a", "B", "c", "é"]), st.sampled_from(["x", "y"]) | st.none()
traits = st.dictionaries(names, values, min_size=1, max_size=3)


def interactions(event_ids: st.SearchStrategy[str], times: st.SearchStrategy[int] = times) -> Any:
    # What an event says follows from its id, as it does with a publisher that says what it said before.
    def make(event_id: str, time_ms: int, source: str) -> Interaction:
        kind = sorted(KIND_WEIGHTS)[len(event_id) % 5]
        return Interaction(event_id, kind, f"p{event_id[-1]}", time_ms, source)

    return st.builds(make, event_ids, times, sources)


ids = st.sampled_from(["a", "b", "é", "aé", "bb"])
trait_changes = st.builds(TraitChange, ids, traits, times, sources)


async def tell(store: ProfileStore, batches: Iterable[Sequence[Change]]) -> None:
    for batch in batches:
        await store.record([(user, change) for user, change in batch if isinstance(change, Interaction)])
        await store.set_traits([(user, change) for user, change in batch if isinstance(change, TraitChange)])
        await store.forget([(user, change) for user, change in batch if isinstance(change, int)])
        await store.identify([(user, change) for user, change in batch if isinstance(change, Identification)])
        await store.set_learning([(user, change) for user, change in batch if isinstance(change, LearningChange)])


def forgotten_at(changes: Sequence[Change], user: str) -> float:
    return max((change for who, change in changes if who == user and isinstance(change, int)), default=float("-inf"))


def expected_recent(changes: Sequence[Change], user: str) -> list[Interaction]:
    latest: dict[tuple[str, str, str, str], Interaction] = {}
    for who, change in changes:
        if who == user and isinstance(change, Interaction) and change.time_ms > forgotten_at(changes, user):
            known = latest.setdefault((change.source, change.event_id, change.kind, change.product_id), change)
            if change.time_ms > known.time_ms:
                latest[change.source, change.event_id, change.kind, change.product_id] = change
    ordered = sorted(latest, key=lambda key: (latest[key].time_ms, msgspec.json.encode(key)), reverse=True)
    return [latest[key] for key in ordered[:HISTORY]]


def expected_traits(changes: Sequence[Change], user: str) -> dict[str, str]:
    said = [
        ((change.time_ms, change.source, change.event_id, name), value)
        for who, change in changes
        if who == user and isinstance(change, TraitChange) and change.time_ms > forgotten_at(changes, user)
        for name, value in change.values.items()
    ]
    latest = {stamp[3]: (stamp, value) for stamp, value in sorted(said, key=lambda pair: pair[0])}
    kept = sorted(latest.values(), key=lambda pair: pair[0], reverse=True)[:TRAITS]
    return {stamp[3]: value for stamp, value in kept if value is not None}


def with_users(what: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Change]]:
    return st.lists(st.tuples(st.sampled_from(USERS), what), max_size=25)


def consistent(changes: Sequence[Change]) -> list[Change]:
    """Without trait events that say two things under one id and time, which CloudEvents forbids."""
    said: dict[Any, Change] = {}
    for at, (user, change) in enumerate(changes):
        key = (user, change.time_ms, change.source, change.event_id) if isinstance(change, TraitChange) else at
        said.setdefault(key, (user, change))
    return list(said.values())


@each_example_opens_a_store
@given(data=st.data(), changes=with_users(interactions(ids) | trait_changes | times).map(consistent))
async def test_any_order_repetition_and_batches_make_the_same_profiles(
    open_store: OpenStore, data: st.DataObject, changes: list[Change]
) -> None:
    store = await open_store()
    await tell(store, data.draw(retold(changes)))
    for user in USERS:
        assert await recent(store, user) == expected_recent(changes, user)
        assert await store.traits(user) == expected_traits(changes, user)


KNOWN, ANONYMOUS = ("ada", "ben"), ("cookie-1", "cookie-2")
moments = st.integers(NOW_MS, NOW_MS + 9)
deeds = st.integers(0, 9).map(lambda n: Interaction(f"e{n}", "clicked", f"p{n}", NOW_MS + n, "web"))
deeds_of_all = st.tuples(st.sampled_from(KNOWN + ANONYMOUS), deeds)
links = st.tuples(st.sampled_from(KNOWN), st.builds(Identification, st.sampled_from(ANONYMOUS), moments))
opt_outs = st.tuples(st.sampled_from(KNOWN + ANONYMOUS), st.builds(LearningChange, st.booleans(), moments))
forgettings = st.tuples(st.sampled_from(KNOWN), moments).map(lambda forgotten: [forgotten])
persons_changes = st.tuples(
    st.lists(deeds_of_all, max_size=15),
    st.lists(links | opt_outs, max_size=8)
    | st.tuples(st.lists(links, max_size=5), forgettings).map(lambda parts: [*parts[0], *parts[1]]),
).map(lambda parts: [*parts[0], *parts[1]])
"""What people do, with who they are and opted out, or with who they are and one of them being forgotten."""


class ExpectedPersons:
    """Who is whose, and who may be learnt from when, by all that was said."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self.deeds = {(who, change.event_id): change for who, change in changes if isinstance(change, Interaction)}
        joined = [(who, change) for who, change in changes if isinstance(change, Identification)]
        self.forgotten_ms = {who: forgotten_at(changes, who) for who in KNOWN + ANONYMOUS}
        for who, one in joined:
            until_ms = max(self.forgotten_ms[one.anonymous_id], self.forgotten_ms[who])
            self.forgotten_ms[one.anonymous_id] = until_ms
        self.owners: dict[str, list[tuple[int, str]]] = {who: [] for who in KNOWN + ANONYMOUS}
        for who in KNOWN:
            for anonymous_id in ANONYMOUS:
                until_ms = max(self.forgotten_ms[who], self.forgotten_ms[anonymous_id])
                times = [one.time_ms for owner, one in joined if (owner, one.anonymous_id) == (who, anonymous_id)]
                if times and max(times) > until_ms:
                    self.owners[anonymous_id].append((max(times), who))
        self.learning = [
            (change.time_ms, not change.is_allowed, who)
            for who, change in changes
            if isinstance(change, LearningChange)
        ]

    def owner(self, who: str, time_ms: float) -> str | None:
        owners = sorted(self.owners[who])
        return next((owner for joined_ms, owner in owners if joined_ms >= time_ms), owners[-1][1] if owners else None)

    def opted_out(self, who: str, time_ms: float) -> bool:
        said = sorted(change for change in self.learning if change[2] == who and change[0] <= time_ms)
        return bool(said) and said[-1][1]

    def is_refused(self, who: str, time_ms: float) -> bool:
        return any(self.opted_out(one, time_ms) for one in (who, *(owner for _, owner in self.owners[who])))

    def history(self, user: str) -> list[Interaction]:
        if self.is_refused(user, float("inf")):
            return []
        found = [
            one
            for (who, _), one in self.deeds.items()
            if user in (who, self.owner(who, one.time_ms))
            and one.time_ms > self.forgotten_ms[who]
            and not self.is_refused(who, one.time_ms)
        ]
        return sorted(found, key=lambda one: (one.time_ms, pack_member(one)), reverse=True)


@each_example_opens_a_store
@given(data=st.data(), changes=persons_changes)
async def test_who_people_are_and_what_they_allow_counts_the_same_before_and_after_what_they_did(
    open_store: OpenStore, data: st.DataObject, changes: list[Change]
) -> None:
    store = await open_store(100)
    # What somebody did may be refused by the time that they are told to have allowed it: that is below.
    allowed = [change for change in changes if isinstance(change[1], LearningChange) and change[1].is_allowed]
    await tell(store, [allowed, *data.draw(retold(changes))])
    await assert_as_expected(store, changes)


@each_example_opens_a_store
@given(data=st.data(), changes=persons_changes)
async def test_what_was_refused_before_it_was_told_to_be_allowed_counts_once_it_comes_again(
    open_store: OpenStore, data: st.DataObject, changes: list[Change]
) -> None:
    store = await open_store(100)
    await tell(store, data.draw(retold(changes)))
    expected = ExpectedPersons(changes)
    for user in KNOWN + ANONYMOUS:
        assert {interaction.event_id for interaction in await recent(store, user)} <= {
            interaction.event_id for interaction in expected.history(user)
        }
    await tell(store, data.draw(retold(changes)))
    await assert_as_expected(store, changes)


async def test_on_a_device_of_several_people_nothing_is_learnt_while_one_of_them_is_opted_out(
    open_store: OpenStore,
) -> None:
    kept, refused = (Interaction(name, "clicked", name, NOW_MS + at, "web") for at, name in ((0, "a"), (2, "b")))
    changes: list[Change] = [
        ("cookie-2", kept),
        ("cookie-2", refused),
        ("ben", LearningChange(False, NOW_MS + 1)),
        ("ben", Identification("cookie-2", NOW_MS + 1)),
        ("ada", Identification("cookie-2", NOW_MS + 2)),
    ]
    for order in itertools.permutations(changes):
        store = await open_store(100)
        await tell(store, [[change] for change in order])
        await assert_as_expected(store, changes)
        assert await store.interactions_of("cookie-2") == [kept]
        # Hers alone is what she did under her own id.
        assert await recent(store, "ada") == []


async def assert_as_expected(store: ProfileStore, changes: Sequence[Change]) -> None:
    expected = ExpectedPersons(changes)
    for user in KNOWN + ANONYMOUS:
        assert await recent(store, user) == expected.history(user)


def assert_as_popular(found: Sequence[str], expected: dict[str, float]) -> None:
    """In the order of these masses, where they differ by more than rounding."""
    assert set(found) == set(expected)
    for before, after in itertools.pairwise(found):
        assert expected[before] >= expected[after] * (1 - 1e-9)


def masses(changes: Iterable[Change]) -> dict[str, float]:
    """What products weigh when each event counts once, at its latest time."""
    latest: dict[Any, Interaction] = {}
    for user, interaction in changes:
        assert isinstance(interaction, Interaction)
        key = (user, interaction.source, interaction.event_id)
        if key not in latest or interaction.time_ms > latest[key].time_ms:
            latest[key] = interaction
    found: dict[str, float] = {}
    for interaction in latest.values():
        found[interaction.product_id] = found.get(interaction.product_id, 0.0) + popularity_weight(interaction)
    return found


weeks = st.integers(0, 3).map(lambda n: NOW_MS + n * 604_800_000)
short_histories = st.dictionaries(
    st.sampled_from(["ada", "ben", "eve"]), st.lists(interactions(ids, weeks), max_size=HISTORY)
).map(lambda histories: [(user, interaction) for user, history in histories.items() for interaction in history])


@each_example_opens_a_store
@given(data=st.data(), changes=short_histories)
async def test_popularity_counts_each_event_once_whatever_their_order(
    open_store: OpenStore, data: st.DataObject, changes: list[Change]
) -> None:
    store = await open_store()
    await tell(store, data.draw(retold(changes)))
    assert_as_popular(await store.popular(100), masses(changes))


@each_example_opens_a_store
@given(count=st.integers(0, 12), repeats=st.lists(st.integers(0, 11), max_size=20))
async def test_an_event_that_has_made_room_in_the_history_does_not_count_again(
    open_store: OpenStore, count: int, repeats: list[int]
) -> None:
    events: list[Change] = [("ada", Interaction(f"e{n}", "viewed", f"p{n % 3}", NOW_MS + n)) for n in range(count)]
    told: list[Change] = []
    for n, event in enumerate(events):
        told += [event, *(events[again] for again in repeats if again <= n)]
    store = await open_store()
    await tell(store, [told])
    assert_as_popular(await store.popular(100), masses(events))
