"""The shopper pipeline: what shoppers do counts, what cannot is buried, and nothing stops the rest."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from indexer.errors import InvalidRecord, StoreUnavailable
from indexer.persons import MAX_ANONYMOUS_IDS
from indexer.ports.behaviour import Sighting, Sightings, Step
from indexer.ports.profiles import Interaction
from indexer.redis.behaviour.in_memory import InMemoryBehaviourStore
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from streams.delivery.decoding import Horizon
from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage
from streams.events.schema import DEAD_LETTER, USER_EVENTS
from streams.failures.dead_letter_reader import LetterOpener, to_letter
from streams.profiles.pipeline import ProfilePipeline
from tests.histories import recent

NOW_MS = int(time.time() * 1000)


class Profiles(InMemoryProfileStore):
    """A store that breaks over one product, and is away for some calls."""

    broken: Exception | None = None
    away_for = 0

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> list[bool]:
        if self.away_for:
            self.away_for -= 1
            raise StoreUnavailable("away")
        if self.broken and any(interaction.product_id == "poison" for _, interaction in interactions):
            raise self.broken
        return await super().record(interactions)


class Shoppers:
    """The pipeline, and what came of it."""

    def __init__(self) -> None:
        self.profiles = Profiles()
        self.published: list[OutgoingMessage] = []
        self.finished: list[Message] = []
        self.behaviour = InMemoryBehaviourStore()
        self.pipeline = ProfilePipeline(
            self.profiles, self.behaviour, self.profiles.person_keys, self, self.finished.extend, Horizon()
        )

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        self.published += messages

    async def process(self, *values: bytes | None) -> None:
        batch = [Message(USER_EVENTS, 0, at, NOW_MS, b"u", value, {}, lambda: None) for at, value in enumerate(values)]
        await self.pipeline.process(batch)
        assert self.finished == batch

    async def products_of(self, user_id: str) -> set[str]:
        """The products of all sessions that are kept of a user."""
        sessions = await self.behaviour.sessions_of(user_id, 100)
        return {step.product_id for session in sessions for step in session.steps}

    @property
    def reasons(self) -> list[str]:
        assert all(message.topic == DEAD_LETTER for message in self.published)
        return [message.headers["vitrine_reason"].decode() for message in self.published]


@pytest.fixture
def shoppers() -> Shoppers:
    return Shoppers()


def event(kind: str, event_id: str = "e", at_ms: int = NOW_MS, **data: Any) -> bytes:
    time = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    whole = {"specversion": "1.0", "id": event_id, "source": "shop", "type": f"user.{kind}", "time": time}
    return json.dumps(whole | {"data": {"user_id": "ada"} | data}).encode()


async def test_what_a_shopper_does_and_is_like_is_recorded(shoppers: Shoppers) -> None:
    await shoppers.process(
        event("clicked", "1", product_id="p"),
        event("clicked", "1", product_id="p"),
        event("profiled", "2", traits={"age": "30-39"}),
        event("searched", "3", query="red shoes"),
    )
    assert await recent(shoppers.profiles, "ada") == [Interaction("1", "clicked", "p", NOW_MS, "shop")]
    assert await shoppers.profiles.traits("ada") == {"age": "30-39"}
    assert not shoppers.published


async def test_who_a_shopper_is_and_that_they_opted_out_comes_before_what_they_did(shoppers: Shoppers) -> None:
    await shoppers.process(
        event("clicked", "1", product_id="p", session_id="s", query_id="q", position=3, user_id="cookie"),
        event("clicked", "2", NOW_MS + 3, product_id="r"),
        event("profiled", "3", NOW_MS + 2, traits={}, learning=False),
        event("identified", "4", NOW_MS + 1, anonymous_id="cookie"),
    )
    assert await recent(shoppers.profiles, "ada") == []
    shoppers.finished.clear()
    await shoppers.process(event("profiled", "5", NOW_MS + 4, traits={}, learning=True))
    kept = Interaction("1", "clicked", "p", NOW_MS, "shop")
    assert await recent(shoppers.profiles, "ada") == [kept] and not shoppers.published


async def test_an_opt_out_that_comes_late_erases_what_was_done_since_it_and_nothing_before(shoppers: Shoppers) -> None:
    await shoppers.process(
        event("clicked", "1", NOW_MS - 9, product_id="before", session_id="s"),
        event("clicked", "2", NOW_MS - 5, product_id="after", session_id="s"),
        event("clicked", "3", NOW_MS - 5, product_id="cookies", user_id="cookie"),
    )
    shoppers.finished.clear()
    await shoppers.process(event("profiled", "4", NOW_MS - 6, traits={}, learning=False))
    assert await shoppers.products_of("ada") == {"before"}
    shoppers.finished.clear()
    await shoppers.process(event("identified", "5", NOW_MS - 1, anonymous_id="cookie"))
    assert await shoppers.products_of("cookie") == set()
    assert await shoppers.behaviour.sightings(["after", "cookies"], 1) == [Sightings(), Sightings()]


async def test_sessions_under_the_first_of_too_many_anonymous_ids_are_forgotten(shoppers: Shoppers) -> None:
    await shoppers.process(event("clicked", "1", NOW_MS - 99, product_id="p", user_id="cookie-0"))
    for n in range(MAX_ANONYMOUS_IDS + 1):
        shoppers.finished.clear()
        await shoppers.process(event("identified", f"i{n}", NOW_MS - 90 + n, anonymous_id=f"cookie-{n}"))
    assert await shoppers.products_of("cookie-0") == set()


async def test_what_is_done_in_one_session_is_kept_together(shoppers: Shoppers) -> None:
    viewed, bought = (event(kind, kind, product_id="p", session_id="s1") for kind in ("viewed", "purchased"))
    await shoppers.process(bought, event("clicked", "3", product_id="q", session_id="s2"), viewed, viewed)
    session = await shoppers.behaviour.session("ada", "s1")
    assert session.steps == [Step("p", "p", NOW_MS), Step("v", "p", NOW_MS)]
    assert session in await shoppers.behaviour.sessions_of("ada", 2)
    (seen,) = await shoppers.behaviour.sightings(["p"], 2)
    assert list(seen) == [Sighting(session.ref, NOW_MS)]


async def test_what_is_invalid_is_a_dead_letter_and_its_neighbours_count(shoppers: Shoppers) -> None:
    old_ms = NOW_MS - 31 * 86_400_000
    await shoppers.process(
        b"{",
        event("clicked", "1", product_id="p"),
        event("clicked", "2"),
        event("danced", "3"),
        event("clicked", "4", old_ms, product_id="p"),
        None,
        event("forgotten", "5", because="x"),
        event("forgotten", "6", user_id=""),
    )
    assert len(await recent(shoppers.profiles, "ada")) == 1
    assert sorted(shoppers.reasons) == sorted(
        ["undecodable", "invalid", "wrong_topic", "too_old", "undecodable", "invalid", "invalid"]
    )


@pytest.mark.parametrize("error", [InvalidRecord("never"), ZeroDivisionError("a fault of ours")])
async def test_an_event_that_breaks_the_store_is_a_dead_letter_and_its_neighbours_count(
    shoppers: Shoppers, error: Exception
) -> None:
    shoppers.profiles.broken = error
    values = [event("clicked", str(n), product_id="poison" if n == 3 else f"p{n}") for n in range(7)]
    await shoppers.process(*values)
    assert {interaction.product_id for interaction in await recent(shoppers.profiles, "ada")} == {
        f"p{n}" for n in range(7) if n != 3
    }
    assert shoppers.reasons == ["internal"]
    (sent,) = shoppers.published
    letter = to_letter(Message(sent.topic, 0, 0, NOW_MS, sent.key, sent.value, sent.headers, lambda: None))
    assert (await LetterOpener(shoppers.profiles.person_keys).open(letter)).value == values[3]


async def test_a_store_that_is_away_is_waited_for(shoppers: Shoppers) -> None:
    shoppers.profiles.away_for = 2
    await shoppers.process(event("clicked", "1", product_id="p"))
    assert len(await recent(shoppers.profiles, "ada")) == 1 and not shoppers.published


async def test_a_forgotten_shopper_is_erased_and_does_not_come_back_with_a_redelivery(shoppers: Shoppers) -> None:
    clicks = [event("clicked", str(n), NOW_MS - 10 + n, product_id="p") for n in range(5)]
    await shoppers.process(*clicks, event("profiled", "t", NOW_MS - 9, traits={"age": "30-39"}))
    shoppers.finished.clear()
    later = event("clicked", "later", NOW_MS + 1, product_id="q")
    await shoppers.process(*clicks, event("forgotten", "f", NOW_MS), later, *clicks)
    assert [interaction.product_id for interaction in await recent(shoppers.profiles, "ada")] == ["q"]
    assert await shoppers.profiles.traits("ada") == {}
