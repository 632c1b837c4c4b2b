"""What every `ProfileStore` must do for people: the forgotten, the opted out, those known by several ids."""

from indexer.persons import MAX_ANONYMOUS_IDS, MAX_LEARNING_CHANGES, NOBODY
from indexer.ports.profiles import Identification, LearningChange, TraitChange
from tests.histories import NOW_MS, clicked, recent


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
