"""Dead letters about people can be read until their people are forgotten."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from indexer.errors import StoreUnavailable
from indexer.ports.profiles import PersonKey
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from indexer.redis.shoppers.person_keys import InMemoryPersonKeys
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.publisher import OutgoingMessage
from streams.errors import InvalidEvent
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from streams.failures.dead_letter_reader import DeadLetter, LetterOpener, to_letter
from streams.failures.sealed_letters import MAX_PERSONS, LetterSealer, happened_ms, persons_in

NOW_MS = int(time.time() * 1000)


def message(
    value: bytes | None, key: bytes | None = b"ada-4711", topic: str = USER_EVENTS, **headers: bytes
) -> Message:
    return Message(topic, 3, 42, NOW_MS, key, value, headers, lambda: None)


def event(**data: Any) -> bytes:
    return json.dumps({"type": "user.searched", "time": "2026-11-20T10:00:00Z", "data": data}).encode()


def as_read(letter: OutgoingMessage) -> DeadLetter:
    """The letter as it comes back from Kafka."""
    return to_letter(Message(letter.topic, 0, 7, NOW_MS, letter.key, letter.value, letter.headers, lambda: None))


async def sealed(keys: InMemoryPersonKeys, *messages: Message, error: str = "query: too long") -> list[OutgoingMessage]:
    rejected = [RejectedMessage(message, InvalidEvent("invalid", error)) for message in messages]
    return await LetterSealer(keys).letters(rejected)


@pytest.fixture
def profiles() -> InMemoryProfileStore:
    return InMemoryProfileStore()


async def test_nothing_of_a_person_is_in_the_clear_and_all_comes_back_with_the_key(profiles) -> None:
    value = event(user_id="ada-4711", query="secret wish")
    (letter,) = await sealed(
        profiles.person_keys, message(value, ce_subject=b"ada-4711"), error="the query of ada-4711 is a secret wish"
    )
    clear = repr((letter.key, letter.value, dict(letter.headers)))
    assert "ada-4711" not in clear and "secret wish" not in clear
    read = as_read(letter)
    assert (read.state, read.reason, read.topic, read.partition, read.offset) == (
        "sealed",
        "invalid",
        USER_EVENTS,
        3,
        42,
    )
    assert (read.error, read.key, read.headers) == ("", None, {})
    opened = await LetterOpener(profiles.person_keys).open(read)
    assert (opened.state, opened.key, opened.value) == ("open", b"ada-4711", value)
    assert (opened.headers, opened.error) == ({"ce_subject": b"ada-4711"}, "the query of ada-4711 is a secret wish")


async def test_with_the_person_forgotten_it_says_so_and_nothing_else(profiles) -> None:
    ada, ben = await sealed(profiles.person_keys, message(event(user_id="ada-4711")), message(b"{", key=b"ben"))
    await profiles.forget([("ada-4711", NOW_MS)])
    opener = LetterOpener(profiles.person_keys)
    opened = await opener.open(as_read(ada))
    assert (opened.state, opened.key, opened.value, opened.error) == ("forgotten", None, None, "")
    assert (await opener.open(as_read(ben))).key == b"ben"


async def test_what_comes_of_a_forgotten_person_from_before_is_not_even_sealed(profiles) -> None:
    await profiles.forget([("ada-4711", NOW_MS)])
    (letter,) = await sealed(profiles.person_keys, message(b"no json of ada-4711"))
    assert not letter.value and letter.key is None and "ada" not in repr(letter)
    assert as_read(letter).state == "forgotten"
    assert letter.headers["vitrine_reason"] == b"invalid"


async def test_a_letter_about_two_people_goes_with_either(profiles) -> None:
    for forgotten in ("ada-4711", "anon-1"):
        profiles = InMemoryProfileStore()
        (letter,) = await sealed(profiles.person_keys, message(event(user_id="ada-4711", anonymous_id="anon-1")))
        assert (await LetterOpener(profiles.person_keys).open(as_read(letter))).state == "open"
        await profiles.forget([(forgotten, NOW_MS)])
        assert (await LetterOpener(profiles.person_keys).open(as_read(letter))).state == "forgotten"


async def test_what_does_not_say_whose_it_is_is_sealed_as_well(profiles) -> None:
    (letter,) = await sealed(profiles.person_keys, message(b"\xff secret wish", key=None))
    assert b"secret wish" not in (letter.value or b"")
    assert (await LetterOpener(profiles.person_keys).open(as_read(letter))).value == b"\xff secret wish"


async def test_letters_of_products_stay_as_they_are_unless_they_name_people(profiles) -> None:
    product = json.dumps({"type": "product.created", "data": {"product_id": "p"}}).encode()
    plain, about_ada = await sealed(
        profiles.person_keys,
        message(product, key=b"p", topic=PRODUCT_EVENTS),
        message(event(user_id="ada-4711"), key=b"ada-4711", topic=PRODUCT_EVENTS),
    )
    assert (plain.key, plain.value) == (b"p", product) and as_read(plain).state == "open"
    assert as_read(about_ada).state == "sealed" and "ada-4711" not in repr(about_ada)


async def test_a_changed_letter_is_refused_by_place(profiles) -> None:
    (letter,) = await sealed(profiles.person_keys, message(b"x"))
    changed = replace(letter, value=(letter.value or b"")[:-1] + b"?")
    with pytest.raises(InvalidEvent, match="was changed"):
        await LetterOpener(profiles.person_keys).open(as_read(changed))


async def test_letters_wait_for_redis_and_nothing_goes_out_unsealed() -> None:
    class Away(InMemoryPersonKeys):
        failures = 2

        async def keys_of(self, persons: Sequence[tuple[str, int]]) -> list[PersonKey | None]:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailable("away")
            return await super().keys_of(persons)

    (letter,) = await sealed(Away({}), message(b"x"))
    assert as_read(letter).state == "sealed"


@pytest.mark.parametrize(
    ("value", "key", "persons"),
    [
        (b"no json", b"ada", ["ada"]),
        (b"no json", b"\xff", []),
        (b"no json", b"x" * 257, []),
        (None, b"ada", ["ada"]),
        (event(user_id="ada"), b"ada", ["ada"]),
        (event(user_id="ben"), b"ada", ["ada", "ben"]),
        (b'[{"data": {"user_id": "a"}}, {"data": {"user_id": "b"}}]', None, ["b", "a"]),
        (b'{"user_id": 5, "data": {"user_id": ""}}', None, []),
    ],
)
def test_who_a_message_is_about(value: bytes | None, key: bytes | None, persons: list[str]) -> None:
    assert persons_in(message(value, key)) == persons


def test_a_message_about_a_crowd_is_nobodys_in_particular() -> None:
    crowd = json.dumps([{"user_id": f"u{number}"} for number in range(MAX_PERSONS + 1)]).encode()
    assert persons_in(message(crowd)) == []


@pytest.mark.parametrize("value", [b"[" * 100_000, b'{"user_id": ' * 5_000, b"\xff\xfe"])
def test_hostile_bytes_name_nobody(value: bytes) -> None:
    assert persons_in(message(value)) == ["ada-4711"]


def test_a_message_is_from_when_its_event_was_or_it_came_whichever_is_earlier() -> None:
    assert happened_ms(message(event())) == 1_795_168_800_000
    assert happened_ms(message(b'{"time": "2999-01-01T00:00:00Z"}')) == NOW_MS
    assert happened_ms(message(b"{}", ce_time=b"2026-11-20T10:00:00Z")) == 1_795_168_800_000
    assert happened_ms(message(b'{"time": "soon"}')) == happened_ms(message(b"")) == NOW_MS
