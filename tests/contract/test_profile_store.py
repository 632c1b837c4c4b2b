"""What every `ProfileStore` and `ChangeLog` must do: the doubles and the real Redis."""

import uuid
from collections.abc import AsyncIterator

import pytest

from indexer.errors import InvalidRecord, StoreUnavailable
from indexer.persons import MAX_ANONYMOUS_IDS, MAX_LEARNING_CHANGES, NOBODY
from indexer.ports.changes import ChangeLog
from indexer.ports.profiles import Identification, Interaction, LearningChange, ProfileStore, TraitChange
from indexer.redis.change_log import InMemoryChangeLog, RedisChangeLog
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.in_memory_profiles import InMemoryProfileStore
from indexer.redis.profiles import HISTORIES_A_CALL, HISTORY_LENGTH, MAX_TRAITS, RedisProfileStore
from tests.histories import recent

NOW_MS = 1_795_000_000_000


def clicked(event_id: str, product_id: str = "p", time_ms: int = NOW_MS, kind: str = "clicked") -> Interaction:
    return Interaction(event_id, kind, product_id, time_ms)


@pytest.fixture(params=["memory", "redis"])
async def profiles(request: pytest.FixtureRequest) -> AsyncIterator[ProfileStore]:
    if request.param == "memory":
        yield InMemoryProfileStore()
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    await redis.flushdb()
    yield RedisProfileStore(redis, deadline_s=5)
    await redis.aclose()


@pytest.fixture(params=["memory", "redis"])
async def changes(request: pytest.FixtureRequest) -> AsyncIterator[ChangeLog]:
    if request.param == "memory":
        yield InMemoryChangeLog(kept=3)
        return
    redis = connect_redis(RedisConfig(request.getfixturevalue("redis_url"), deadline_s=5))
    yield RedisChangeLog(redis, uuid.uuid4().hex, deadline_s=5, kept=3)
    await redis.aclose()


async def test_recent_interactions_come_newest_first_whatever_their_order_of_arrival(profiles):
    events = [clicked("a", "p1", NOW_MS), clicked("c", "p3", NOW_MS + 2), clicked("b", "p2", NOW_MS + 1)]
    await profiles.record([("ada", event) for event in events])
    assert await recent(profiles, "ada") == [events[1], events[2], events[0]]
    assert await recent(profiles, "ben") == []


async def test_histories_are_of_those_who_were_asked_for_however_many_and_tell_whether_anything_happened(profiles):
    users = [f"user-{number}" for number in range(HISTORIES_A_CALL + 3)]
    await profiles.record([(user, clicked(user)) for user in users[1:]])
    before = await profiles.histories(users)
    assert [[one.event_id for one in history.interactions()] for history in before] == [
        [],
        *([one] for one in users[1:]),
    ]
    assert [bool(history) for history in before[:2]] == [False, True]
    assert await profiles.histories(users) == before and await profiles.histories([]) == []
    await profiles.record([("user-1", clicked("user-1", time_ms=NOW_MS + 1)), ("user-2", clicked("later"))])
    after = await profiles.histories(users)
    assert [at for at, history in enumerate(after) if history != before[at]] == [1, 2]


@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_history_is_read_in_both_versions_of_the_protocol(redis_url, protocol):
    redis = connect_redis(RedisConfig(f"{redis_url}?protocol={protocol}", deadline_s=5))
    store, events = RedisProfileStore(redis, 5), [clicked("b", "p2", NOW_MS + 1), clicked("a")]
    await redis.flushdb()
    await store.record([("ada", event) for event in events])
    assert await recent(store, "ada") == events and await recent(store, "ben") == []
    await redis.aclose()


async def test_answers_that_follow_a_refusal_are_nobody_elses(redis_url):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5, connections=1))
    await redis.flushdb()
    await redis.set("vitrine:user:ada:events", "no history")
    store = RedisProfileStore(redis, 5)
    await store.record([("ben", clicked("a"))])
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await store.histories(["ada", "ben"])
    assert await recent(store, "ben") == [clicked("a")]
    await redis.aclose()


async def test_a_repeated_event_counts_once(profiles):
    await profiles.record([("ada", clicked("a", "p1")), ("ada", clicked("a", "p1"))])
    await profiles.record([("ada", clicked("a", "p1")), ("ben", clicked("b", "p2")), ("ben", clicked("c", "p2"))])
    assert len(await recent(profiles, "ada")) == 1
    assert await profiles.popular(10) == ["p2", "p1"]


async def test_a_history_is_bounded_and_keeps_the_latest(profiles):
    await profiles.record([("ada", clicked(f"e{n}", time_ms=NOW_MS + n)) for n in range(HISTORY_LENGTH + 5)])
    kept = await recent(profiles, "ada")
    assert len(kept) == HISTORY_LENGTH and kept[0].event_id == f"e{HISTORY_LENGTH + 4}"


async def test_a_purchase_makes_a_product_more_popular_than_a_view(profiles):
    await profiles.record(
        [("ada", clicked("a", "seen", kind="viewed")), ("ada", clicked("b", "sold", kind="purchased"))]
    )
    assert await profiles.popular(1) == ["sold"]


async def test_an_event_that_was_recorded_without_its_session_is_known_again(profiles):
    await profiles.record([("ada", clicked("a"))])
    await profiles.record([("ada", Interaction("a", "clicked", "p", NOW_MS, session_id="s", query_id="q", position=1))])
    assert await recent(profiles, "ada") == [clicked("a")]


async def test_the_same_id_from_another_source_is_another_event(profiles):
    await profiles.record([("ada", Interaction("a", "clicked", "p", NOW_MS, source)) for source in ("web", "app")])
    assert [interaction.source for interaction in await recent(profiles, "ada")] == ["web", "app"]


async def test_an_event_published_twice_at_different_times_counts_once_at_its_latest(profiles):
    await profiles.record([("ada", clicked("a", "p1")), ("ada", clicked("b", "p2", NOW_MS + 1))])
    await profiles.record([("ada", clicked("a", "p1", NOW_MS + 2)), ("ada", clicked("a", "p1", NOW_MS - 2))])
    assert await recent(profiles, "ada") == [clicked("a", "p1", NOW_MS + 2), clicked("b", "p2", NOW_MS + 1)]


async def test_an_event_published_again_later_weighs_as_of_then_alone(profiles):
    day_ms = 86_400_000
    twice = [clicked("a", "again", NOW_MS + days * day_ms) for days in (0, 7)]
    await profiles.record([("ada", interaction) for interaction in twice])
    await profiles.record([("ada", clicked("b", "once", NOW_MS + 8 * day_ms))])
    assert await profiles.popular(2) == ["once", "again"]


async def test_an_event_older_than_a_full_history_does_not_count_again(profiles):
    latest = [("ada", clicked(f"e{n}", "new", time_ms=NOW_MS + n, kind="viewed")) for n in range(HISTORY_LENGTH)]
    early = ("ada", clicked("early", "old", NOW_MS - 1, "purchased"))
    await profiles.record([early, *latest])
    before = await recent(profiles, "ada")
    for _ in range(HISTORY_LENGTH // 10):
        await profiles.record([early])
    assert await recent(profiles, "ada") == before and len(before) == HISTORY_LENGTH
    assert await profiles.popular(2) == ["new", "old"]


async def test_each_trait_keeps_its_latest_value_and_null_clears_it(profiles):
    await profiles.set_traits([("ada", TraitChange("2", {"age": "30-39", "style": "sporty"}, 2))])
    await profiles.set_traits(
        [("ada", TraitChange("1", {"age": "20-29", "city": "Rome"}, 1)), ("ada", TraitChange("3", {"style": None}, 3))]
    )
    await profiles.set_traits([("ada", TraitChange("2", {"style": "late"}, 2))])
    assert await profiles.traits("ada") == {"age": "30-39", "city": "Rome"}


async def test_a_user_keeps_a_bounded_number_of_traits_the_latest(profiles):
    changes = [("ada", TraitChange(f"e{n}", {f"trait-{n}": "x"}, n)) for n in range(MAX_TRAITS + 3)]
    await profiles.set_traits(changes)
    assert await profiles.traits("ada") == {f"trait-{n}": "x" for n in range(3, MAX_TRAITS + 3)}
    await profiles.set_traits(changes[:3])
    assert len(await profiles.traits("ada")) == MAX_TRAITS and "trait-0" not in await profiles.traits("ada")


async def test_a_forgotten_user_leaves_nothing_and_does_not_come_back(profiles):
    events, traits = [("ada", clicked("a"))], [("ada", TraitChange("t", {"age": "30-39"}, NOW_MS))]
    await profiles.record(events)
    await profiles.set_traits(traits)
    await profiles.forget([("ada", NOW_MS), ("nobody", NOW_MS)])
    for _ in range(2):
        assert await recent(profiles, "ada") == [] and await profiles.traits("ada") == {}
        await profiles.forget([("ada", NOW_MS - 5)])
        await profiles.record(events)
        await profiles.set_traits(traits)


async def test_what_a_user_does_after_being_forgotten_counts(profiles):
    await profiles.forget([("ada", NOW_MS)])
    later = clicked("b", time_ms=NOW_MS + 1)
    await profiles.record([("ada", clicked("a")), ("ada", later), ("ben", clicked("c"))])
    await profiles.set_traits([("ada", TraitChange("t", {"age": "30-39"}, NOW_MS + 1))])
    await profiles.forget([("ada", NOW_MS)])
    assert await recent(profiles, "ada") == [later] and await profiles.traits("ada") == {"age": "30-39"}
    assert len(await recent(profiles, "ben")) == 1


async def test_what_was_done_under_an_anonymous_id_is_the_users_before_and_after_it_is_known(profiles):
    before, own = clicked("a", "p1", NOW_MS), clicked("b", "p2", NOW_MS + 2)
    after = clicked("c", "p3", NOW_MS + 3)
    await profiles.record([("cookie", before), ("ada", own)])
    await profiles.set_traits([("cookie", TraitChange("t", {"age": "30s", "style": "x"}, 2))])
    await profiles.set_traits([("ada", TraitChange("u", {"style": "y"}, 1))])
    for _ in range(2):
        await profiles.identify([("ada", Identification("cookie", NOW_MS + 1)), ("ada", Identification("ada", NOW_MS))])
    await profiles.record([("cookie", after)])
    assert await recent(profiles, "ada") == [after, own, before]
    assert await profiles.traits("ada") == {"age": "30s", "style": "x"}
    assert (await profiles.person("ada")).anonymous_ids == ["cookie"]
    assert await profiles.histories(["ada", "ben"]) == await profiles.histories(["ada", "ben"])


async def test_a_device_that_several_people_use_is_whose_login_came_next(profiles):
    deeds = [clicked(f"e{n}", f"p{n}", NOW_MS + n) for n in (1, 3, 5)]
    await profiles.record([("cookie", deed) for deed in deeds])
    joined = [("ada", Identification("cookie", NOW_MS + 2)), ("ben", Identification("cookie", NOW_MS + 4))]
    await profiles.identify(joined[::-1])
    assert await recent(profiles, "ada") == deeds[:1]
    assert await recent(profiles, "ben") == deeds[:0:-1]


async def test_forgetting_a_user_forgets_the_anonymous_ids_that_were_joined_to_them(profiles):
    joined = [("ada", Identification("cookie", NOW_MS + 1))]
    await profiles.record([("cookie", clicked("a"))])
    await profiles.identify(joined)
    await profiles.forget([("ada", NOW_MS + 2)])
    for _ in range(2):
        assert await recent(profiles, "cookie") == await recent(profiles, "ada") == []
        assert await profiles.person("ada") == await profiles.person("cookie") == NOBODY
        await profiles.identify(joined)
        assert await profiles.record([("cookie", clicked("a"))]) == [False]


async def test_of_too_many_anonymous_ids_the_first_are_forgotten(profiles):
    await profiles.record([("cookie-0", clicked("a", time_ms=NOW_MS - 1))])
    logins = [("ada", Identification(f"cookie-{n}", NOW_MS + n)) for n in range(MAX_ANONYMOUS_IDS + 1)]
    await profiles.identify(logins)
    assert len((await profiles.person("ada")).anonymous_ids) == MAX_ANONYMOUS_IDS
    assert await recent(profiles, "cookie-0") == [] and await profiles.person("cookie-0") == NOBODY


async def test_nothing_is_learnt_of_a_user_who_opted_out_until_they_allow_it_again(profiles):
    seen, unseen, again = (clicked(name, name, NOW_MS + at) for name, at in (("a", 0), ("b", 2), ("c", 4)))
    await profiles.record([("ada", seen), ("ada", unseen)])
    await profiles.set_learning([("ada", LearningChange(False, NOW_MS + 1)), ("ben", LearningChange(True, NOW_MS))])
    assert await recent(profiles, "ada") == [] and not (await profiles.person("ada")).is_learnt_from()
    assert await profiles.record([("ada", unseen), ("ben", unseen), ("ada", seen)]) == [False, True, True]
    await profiles.forget([("ada", NOW_MS - 1)])
    assert await recent(profiles, "ada") == []
    await profiles.set_learning([("ada", LearningChange(True, NOW_MS + 3))])
    await profiles.record([("ada", unseen), ("ada", again)])
    assert await recent(profiles, "ada") == [again, seen]


async def test_opting_out_covers_the_anonymous_ids_of_a_user(profiles):
    await profiles.record([("cookie", clicked("a"))])
    await profiles.identify([("ada", Identification("cookie", NOW_MS + 1))])
    await profiles.set_learning([("ada", LearningChange(False, NOW_MS))])
    assert await recent(profiles, "cookie") == []
    assert await profiles.record([("cookie", clicked("b", time_ms=NOW_MS + 9))]) == [False]
    await profiles.set_learning([("ada", LearningChange(True, NOW_MS + 10))])
    assert await recent(profiles, "ada") == []


async def test_of_many_changes_of_learning_those_that_change_nothing_go_first(profiles):
    said = [LearningChange(True, NOW_MS + n) for n in range(MAX_LEARNING_CHANGES)]
    await profiles.set_learning([("ada", LearningChange(False, NOW_MS - 1)), *(("ada", one) for one in said)])
    person = await profiles.person("ada")
    assert len(person.learning) == MAX_LEARNING_CHANGES and not person.is_learnt_from(NOW_MS - 1)
    assert person.is_learnt_from(NOW_MS)


async def test_it_is_known_when_the_latest_thing_happened(profiles):
    assert await profiles.latest_ms("ada") is None
    await profiles.record([("ada", clicked("a")), ("ada", clicked("b", time_ms=NOW_MS - 1))])
    assert await profiles.latest_ms("ada") == NOW_MS
    await profiles.set_traits([("ada", TraitChange("t", {"age": None}, NOW_MS + 7))])
    assert await profiles.latest_ms("ada") == NOW_MS + 7


async def test_nothing_to_record_is_no_error(profiles):
    await profiles.record([])
    await profiles.set_traits([])
    await profiles.set_learning([])
    await profiles.identify([])
    await profiles.forget([])


async def test_texts_of_any_kind_are_kept_as_they_are(profiles):
    odd = "a:b \u0000\"\\'{}\u2028 \U0001f600 日本 " + "x" * 200
    event = Interaction(odd, "clicked", "p", NOW_MS, odd)
    await profiles.record([(odd, event)])
    await profiles.set_traits([(odd, TraitChange(odd, {odd: odd, "": ""}, NOW_MS, odd))])
    assert await recent(profiles, odd) == [event] and await profiles.traits(odd) == {odd: odd, "": ""}
    await profiles.forget([(odd, NOW_MS)])
    assert await recent(profiles, odd) == [] and await profiles.traits(odd) == {}


async def test_a_record_that_redis_will_never_take_is_told_from_a_redis_that_is_away(redis_url):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    await redis.flushdb()
    await redis.set("vitrine:user:ada:events", "no history")
    with pytest.raises(InvalidRecord):
        await RedisProfileStore(redis, 5).record([("ben", clicked("a")), ("ada", clicked("a"))])
    await RedisProfileStore(redis, 5).record([("ben", clicked("a"))])
    await redis.aclose()


async def test_the_log_tells_what_changed_after_a_position(changes):
    start = await changes.position()
    await changes.append(["a", "b"])
    middle = await changes.position()
    await changes.append(["b", "c"])
    latest, since_start = await changes.since(start)
    assert set(since_start) == {"a", "b", "c"} and latest == await changes.position()
    assert set((await changes.since(middle))[1]) == {"b", "c"}
    assert await changes.since(latest) == (latest, [])


async def test_the_log_says_when_it_no_longer_reaches_back(changes):
    start = await changes.position()
    await changes.append(["a", "b", "c", "d"])
    assert await changes.since(start) is None
    assert set((await changes.since(start + 1))[1]) == {"b", "c", "d"}


async def test_a_position_from_another_life_of_the_log_is_not_understood(changes):
    assert await changes.since(10**9) is None


async def test_one_reader_is_told_each_change_once_and_nothing_at_first(changes):
    await changes.append(["before"])
    first = await changes.read(None)
    assert first.changed is None
    assert await changes.read(first.position) == (first.position, [])
    await changes.append(["a", "b"])
    second = await changes.read(first.position)
    assert list(second.changed) == ["a", "b"] and second.position.sequence == await changes.position()
    assert not (await changes.read(second.position)).changed
    await changes.append(["c", "d", "e", "f"])
    assert (await changes.read(second.position)).changed is None
    await changes.aclose()


async def test_positions_of_another_life_of_the_server_tell_nothing(changes):
    known = (await changes.read(None)).position
    other = await changes.read(known._replace(epoch="another"))
    assert other.changed is None and other.position == known


@pytest.mark.parametrize("lost", ["sequence", "products", "all"])
async def test_a_log_that_redis_lost_does_not_go_on_as_if_nothing_was(redis_url, lost):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    log = RedisChangeLog(redis, uuid.uuid4().hex, deadline_s=5)
    known = await log.read(None)
    await log.append(["a"])
    if lost == "all":
        await redis.flushdb()
    else:
        await redis.delete(*[key async for key in redis.scan_iter(f"*{lost}")])
    assert (await log.read(known.position)).changed is None
    await log.append([f"b{at}" for at in range(50)])
    assert (await log.read(known.position)).changed is None
    now = (await log.read(None)).position
    await log.append(["c"])
    assert (await log.read(now)).changed == ["c"]
    await log.aclose()
    await redis.aclose()


async def test_a_reader_whose_connection_broke_goes_on_where_it_was(redis_url):
    redis = connect_redis(RedisConfig(redis_url, deadline_s=5))
    log = RedisChangeLog(redis, uuid.uuid4().hex, deadline_s=5)
    known = (await log.read(None)).position
    await redis.client_kill_filter(skipme=True)
    with pytest.raises(StoreUnavailable):
        await log.read(known)
    await log.append(["a"])
    assert (await log.read(known)).changed == ["a"]
    await log.aclose()
    await redis.aclose()


async def test_a_redis_that_is_away_is_unavailable_within_its_deadline():
    redis = connect_redis(RedisConfig("redis://127.0.0.1:1/0", deadline_s=0.2))
    with pytest.raises(StoreUnavailable):
        await recent(RedisProfileStore(redis, 0.2), "ada")
    with pytest.raises(StoreUnavailable):
        await RedisChangeLog(redis, "g", 0.2).append(["p"])
    await redis.aclose()
