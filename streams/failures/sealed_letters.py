"""Dead letters about people: encrypted with a key of the person's own, which is destroyed when they are forgotten.

In the clear are the reason, the times, and where the message first arrived; under the seal its key, value and headers,
and the fault in words, which may quote them. A message that names several people takes the keys of all, one within
another. One that does not say whose it is takes a key that ends with time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, cast

import msgspec

from indexer.ports.profiles import PersonKey, PersonKeys
from indexer.privacy import encrypt
from streams.delivery.availability import until_available
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import RETRY_HEADERS, first_arrival_ms
from streams.events.schema import DEAD_LETTER, USER_EVENTS
from streams.failures.dead_letters import ERROR_HEADER, REASON_HEADER, TIME_HEADER, route_rejected

SEALED_HEADER = "vitrine_sealed"
"""The names of the keys of a dead letter, the innermost first; `FORGOTTEN`: it holds nothing."""
FORGOTTEN = b"forgotten"
MAX_PERSONS = 16
"""People that one message may name; more than that are nobody's in particular."""
_MAX_ID_CHARS = 256
_PERSON_FIELDS = ("user_id", "anonymous_id")
_CLEAR_HEADERS = RETRY_HEADERS | {REASON_HEADER, TIME_HEADER}


class SealedContent(msgspec.Struct, array_like=True, frozen=True):
    """What is under the seal."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    """The message's own."""
    error: str


class LetterSealer:
    """Makes dead letters of messages that can never be processed, counted by reason; those about people sealed."""

    def __init__(self, keys: PersonKeys) -> None:
        self._keys = keys

    async def letters(self, rejected: Sequence[RejectedMessage]) -> list[OutgoingMessage]:
        """The letters, in their order; waits for as long as the keys are away, if any letter needs one."""
        plain = route_rejected(rejected)
        persons = [persons_in(message) for message, _ in rejected]
        keys = await self._keys_of(
            (person, happened_ms(message))
            for (message, _), named in zip(rejected, persons, strict=True)
            for person in named or ()
        )
        return [
            letter if named is None else await self._seal(letter, list(islice(keys, len(named))))
            for letter, named in zip(plain, persons, strict=True)
        ]

    async def _keys_of(self, persons: Iterable[tuple[str, int]]) -> Iterator[PersonKey | None]:
        about = list(persons)
        return iter(await until_available("redis", lambda: self._keys.keys_of(about)) if about else ())

    async def _seal(self, letter: OutgoingMessage, keys: Sequence[PersonKey | None]) -> OutgoingMessage:
        if not keys:
            return seal(letter, [await until_available("redis", self._keys.key_of_unknown)])
        known = [key for key in keys if key is not None]
        return seal(letter, known) if len(known) == len(keys) else _emptied(letter)


def persons_in(message: Message) -> list[str] | None:
    """The ids of the people that a message is about; none where it does not say; None: it is about no people."""
    content = _json(message.value)
    named = dict.fromkeys(_named_in(content))
    if message.topic != USER_EVENTS and not named:
        return None
    if message.topic == USER_EVENTS and (key := _text(message.key)) and len(key) <= _MAX_ID_CHARS:
        named = dict.fromkeys((key, *named))
    return [] if len(named) > MAX_PERSONS else list(named)


def happened_ms(message: Message) -> int:
    """When what a message tells of happened at the latest: it was there by then. Unix milliseconds."""
    content = _json(message.value)
    envelope = cast(dict[str, Any], content) if isinstance(content, dict) else {}
    stated: Any = envelope.get("time") or _text(message.headers.get("ce_time"))
    try:
        time_ms = int(datetime.fromisoformat(stated).timestamp() * 1000) if isinstance(stated, str) else None
    except (ValueError, OverflowError):
        time_ms = None
    arrived_ms = first_arrival_ms(message)
    return arrived_ms if time_ms is None else min(arrived_ms, time_ms)


def seal(letter: OutgoingMessage, keys: Sequence[PersonKey]) -> OutgoingMessage:
    """The letter with what is about people encrypted with all of the keys."""
    own = {name: value for name, value in letter.headers.items() if name not in _CLEAR_HEADERS | {ERROR_HEADER}}
    error = letter.headers[ERROR_HEADER].decode(errors="replace")
    data = msgspec.msgpack.encode(SealedContent(letter.key, letter.value, own, error))
    for key in keys:
        data = encrypt(key.key, data, key.name.encode())
    names = [key.name.encode() for key in keys]
    # By the key's name, so that a person's letters stay in their order.
    return OutgoingMessage(DEAD_LETTER, names[0], data, _clear(letter) | {SEALED_HEADER: b",".join(names)})


def _emptied(letter: OutgoingMessage) -> OutgoingMessage:
    """The letter of somebody who is forgotten: that there was one, and why."""
    return OutgoingMessage(DEAD_LETTER, None, b"", _clear(letter) | {SEALED_HEADER: FORGOTTEN})


def _clear(letter: OutgoingMessage) -> dict[str, bytes]:
    return {name: value for name, value in letter.headers.items() if name in _CLEAR_HEADERS}


def _named_in(content: Any) -> Iterable[str]:
    """What stands in fields that hold ids of people, however deep."""
    waiting = [content]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            fields = cast(dict[str, Any], item)
            for name in _PERSON_FIELDS:
                if isinstance(person := fields.get(name), str) and 0 < len(person) <= _MAX_ID_CHARS:
                    yield person
            waiting.extend(fields.values())
        elif isinstance(item, list):
            waiting.extend(cast(list[Any], item))


def _json(value: bytes | None) -> Any:
    """What a value is as JSON; None where it is none."""
    try:
        return msgspec.json.decode(value) if value else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode() if value else None
    except UnicodeDecodeError:
        return None
