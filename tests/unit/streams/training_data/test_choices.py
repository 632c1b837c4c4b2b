"""Choices that name a query, without those of whom nothing may be learnt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import permutations

from streams.events.schema import (
    Event,
    UserData,
    UserForgotten,
    UserIdentified,
    UserInteraction,
    UserProfiled,
    UserSearched,
)
from streams.training_data.choices import Choice, choices_in


def event(time_ms: int, kind: str, data: UserData) -> Event:
    return Event(f"{kind}-{time_ms}", "test", f"user.{kind}", time_ms, data)


async def choices(events: list[Event]) -> list[Choice]:
    async def stream() -> AsyncIterator[Event]:
        for event in events:
            yield event

    return sorted(await choices_in(stream()))


async def test_choices_are_told_by_query_and_kind():
    events = [
        event(1, "searched", UserSearched("ada", "mug", "q")),
        event(2, "clicked", UserInteraction("ada", "p", query_id="q")),
        event(3, "purchased", UserInteraction("ada", "p", query_id="q")),
        event(4, "clicked", UserInteraction("ada", "p")),
    ]
    assert await choices(events) == [Choice("q", "p", "clicked"), Choice("q", "p", "purchased")]


async def test_the_forgotten_and_those_who_opted_out_teach_nothing_in_whatever_order_events_come():
    events = [
        event(1, "clicked", UserInteraction("forgotten", "p", query_id="q1")),
        event(2, "forgotten", UserForgotten("forgotten")),
        event(3, "clicked", UserInteraction("forgotten", "p", query_id="q2")),
        event(1, "clicked", UserInteraction("cookie", "p", query_id="q3")),
        event(2, "identified", UserIdentified("eve", "cookie")),
        event(3, "profiled", UserProfiled("eve", {}, learning=False)),
        event(4, "clicked", UserInteraction("eve", "p", query_id="q4")),
    ]
    for order in list(permutations(events))[::97]:
        assert [choice.query_id for choice in await choices(list(order))] == ["q2", "q3"]
