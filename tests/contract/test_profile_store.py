"""What every `ProfileStore` must do with what people did and are like: the double and the real Redis."""

import pytest

from indexer.errors import InvalidRecord, StoreUnavailable
from indexer.ports.profiles import Interaction, TraitChange
from indexer.redis.client import RedisConfig, connect_redis
from indexer.redis.sharding import people_tag
from indexer.redis.shoppers.profiles import HISTORIES_A_CALL, HISTORY_LENGTH, MAX_TRAITS, RedisProfileStore
from tests.histories import NOW_MS, clicked, recent


async def test_recent_interactions_come_newest_first_whatever_their_order_of_arrival(profiles):
    events = [clicked("a", "p1", NOW_MS), clicked("c", "p3", NOW_MS + 2), clicked("b", "p2", NOW_MS + 1)]
    await profiles.record([("ada", event) for event in events])
    assert await recent(profiles, "ada") == [events[1], events[2], events[0]]
    assert await recent(profiles, "ben") == []


async def test_histories_are_of_those_who_were_asked_for_however_many_and_tell_whether_anything_happened(profiles):
    users = [f"user-{number}" for number in range(HISTORIES_A_CALL + 3)]
    await profiles.record([(user, clicked(user)) for user in users[1:]])
    before = await profiles.histories(users)
    assert [[interaction.event_id for interaction in history.interactions()] for history in before] == [
        [],
        *([user] for user in users[1:]),
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
    await redis.set(f"vitrine:user:{people_tag(redis)}ada:events", "no history")
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


async def test_it_is_known_when_the_latest_thing_happened(profiles):
    assert await profiles.latest_ms("ada") is None
    await profiles.record([("ada", clicked("a")), ("ada", clicked("b", time_ms=NOW_MS - 1))])
    assert await profiles.latest_ms("ada") == NOW_MS
    await profiles.set_traits([("ada", TraitChange("t", {"age": None}, NOW_MS + 7))])
    assert await profiles.latest_ms("ada") == NOW_MS + 7


async def test_a_user_keeps_a_bounded_number_of_traits_the_latest(profiles):
    changes = [("ada", TraitChange(f"e{n}", {f"trait-{n}": "x"}, n)) for n in range(MAX_TRAITS + 3)]
    await profiles.set_traits(changes)
    assert await profiles.traits("ada") == {f"trait-{n}": "x" for n in range(3, MAX_TRAITS + 3)}
    await profiles.set_traits(changes[:3])
    assert len(await profiles.traits("ada")) == MAX_TRAITS and "trait-0" not in await profiles.traits("ada")


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
    await redis.set(f"vitrine:user:{people_tag(redis)}ada:events", "no history")
    with pytest.raises(InvalidRecord):
        await RedisProfileStore(redis, 5).record([("ben", clicked("a")), ("ada", clicked("a"))])
    await RedisProfileStore(redis, 5).record([("ben", clicked("a"))])
    await redis.aclose()


async def test_a_redis_that_is_away_is_unavailable_within_its_deadline():
    redis = connect_redis(RedisConfig("redis://127.0.0.1:1/0", deadline_s=0.2))
    with pytest.raises(StoreUnavailable):
        await recent(RedisProfileStore(redis, 0.2), "ada")
    await redis.aclose()
