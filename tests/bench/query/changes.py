"""Changes of a catalogue that is searched meanwhile, and what an answer may show of it by when it was asked for."""

from __future__ import annotations

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from streams.events.schema import PRODUCT_EVENTS
from tests.bench.catalogue import Outgoing
from tests.bench.query.listings import SOURCE, Listings

WORDS = [
    *("qorvandel", "zimbruxot", "vexalumpi", "throgwinda", "jaskomird", "plenovurk", "wyxtobarn", "fudrizkel"),
    *("gnomblaxi", "krestuvop", "yolpindrax", "bruxwemado", "oxtalfimp", "hivquandor", "muzgrapelt", "nexdolavry"),
]
"""In no title at first; each comes into some, and goes."""
SHOWN_WITH_A_WORD = 5
"""The most products that have one of those words at a time: a page has room for more, as some are under way."""
REWORDED, DELETED = 0.2, 0.1
"""Shares: of changes that are of a word, of the others that are deletions; all else are prices."""
NOT_YET_MS = float("inf")


def now_ms() -> float:
    """By the clock that requests are timed by: that of the wall may be set, and a request be judged by another time."""
    return time.perf_counter() * 1000


class State:
    """A product as one of its events leaves it. Times are ms, as `now_ms` tells them."""

    __slots__ = ("acknowledged_ms", "price", "published_ms", "title", "word")

    def __init__(self, title: str | None, price: float, word: str = "") -> None:
        self.title, self.price, self.word = title, price, word
        """A title of None: the product is deleted."""
        self.published_ms, self.acknowledged_ms = 0.0, NOT_YET_MS

    def __str__(self) -> str:
        return "nothing" if self.title is None else f"{self.title!r} at {self.price}"


class Hit(msgspec.Struct, frozen=True):
    """What is looked at of a hit."""

    product_id: str
    title: str | None = None
    price: float | None = None
    score: float = 0.0


class CatalogueChanges:
    """Makes changes, notes when each was published and acknowledged as searchable, and judges answers."""

    def __init__(self, listings: Listings) -> None:
        self._fields = {field["product_id"]: field for field in listings.fields}
        self._states = {name: [State(fields["title"], fields["price"])] for name, fields in self._fields.items()}
        self._events: dict[str, State] = {}
        self._with_word: dict[str, list[str]] = defaultdict(list)
        self._touched: dict[str, set[str]] = defaultdict(set)
        """Products that ever had a word."""
        self._names, self._chance, self._edition = list(self._states), random.Random(3), 1
        self.latencies_ms: list[float] = []
        """From publishing a change to its being acknowledged."""

    def make(self) -> Iterator[Outgoing]:
        """Changes without end; each counts as published when it is taken."""
        while True:
            self._edition += 1
            name, state, event = self._reworded() if self._chance.random() < REWORDED else self._changed()
            event_id = f"{name}/{self._edition}"
            state.published_ms = now_ms()
            self._states[name].append(state)
            self._events[event_id] = state
            yield _outgoing(event_id, name, {**event, "version": self._edition})

    def acknowledge(self, event_ids: Sequence[str]) -> None:
        """What these events did is searchable from now on."""
        at_ms = now_ms()
        for event_id in event_ids:
            if (state := self._events.pop(event_id, None)) is not None:
                state.acknowledged_ms = at_ms
                self.latencies_ms.append(at_ms - state.published_ms)

    @property
    def unacknowledged(self) -> int:
        """How many changes are under way."""
        return len(self._events)

    def stale_hits(self, hits: Sequence[Hit], asked_ms: float) -> dict[str, str]:
        """Hits of an answer that came just now which are as they were before, with what they should be."""
        found: dict[str, str] = {}
        for hit in hits:
            states = self._states_since(hit.product_id, asked_ms)
            if not _is_one_of(hit, states) and not _is_out_of_order(states):
                then = ", ".join(
                    f"{may}, acknowledged {asked_ms - may.acknowledged_ms:.0f} ms before" for may in states
                )
                found[hit.product_id] = f"shown as {hit.title!r} at {hit.price}, not as {then}"
        return found

    def missing(self, hits: Sequence[Hit], word: str, asked_ms: float) -> list[str]:
        """Products that have a word, and are not in an answer that came just now.

        Whether they had to be is for a fresh search to say: others may come before them.
        """
        absent = self._touched[word] - {hit.product_id for hit in hits}
        return [name for name in absent if self.has_word(name, word, asked_ms)]

    def has_word(self, name: str, word: str, since_ms: float) -> bool:
        """Whether a product has had a word all the time since then."""
        return all(state.word == word for state in self._states_since(name, since_ms))

    def _states_since(self, name: str, asked_ms: float) -> Sequence[State]:
        """The last state that was acknowledged before an answer was asked for, and all later ones."""
        states = self._states[name]
        at = len(states) - 1
        while at and states[at].acknowledged_ms >= asked_ms:
            at -= 1
        return states[at:]

    def _changed(self) -> tuple[str, State, Mapping[str, Any]]:
        """Another price, an end, or after that a new beginning."""
        name, price = self._chance.choice(self._names), self._edition / 100
        last = self._states[name][-1]
        if last.title is None:
            fields = self._fields[name] | {"price": price}
            return name, State(str(fields["title"]), price), {**fields, "type": "product.created"}
        if self._chance.random() >= DELETED:
            return name, State(last.title, price, last.word), {"type": "product.updated", "price": price}
        if last.word:
            self._with_word[last.word].remove(name)
        return name, State(None, 0.0), {"type": "product.deleted"}

    def _reworded(self) -> tuple[str, State, Mapping[str, Any]]:
        """A word comes into a title, or goes again."""
        word = self._chance.choice(WORDS)
        having = self._with_word[word]
        if len(having) >= SHOWN_WITH_A_WORD or (having and self._chance.random() < 0.5):
            name, word = having.pop(0), ""
        else:
            plain = (name for name in iter(lambda: self._chance.choice(self._names), None) if self._is_plain(name))
            name = next(plain)
            having.append(name)
            self._touched[word].add(name)
        title = f"{self._fields[name]['title']} {word}".strip()
        return name, State(title, self._states[name][-1].price, word), {"type": "product.updated", "title": title}

    def _is_plain(self, name: str) -> bool:
        last = self._states[name][-1]
        return last.title is not None and not last.word


def _is_one_of(hit: Hit, states: Sequence[State]) -> bool:
    return any(state.title is not None and (hit.title, hit.price) == (state.title, state.price) for state in states)


def _is_out_of_order(states: Sequence[State]) -> bool:
    """Whether a change waits for being tried again while a later one is there: any mixture of the two is right."""
    return any(earlier.acknowledged_ms > later.acknowledged_ms for earlier, later in itertools.pairwise(states))


def _outgoing(event_id: str, name: str, event: Mapping[str, Any]) -> Outgoing:
    data = {"product_id": name, **{key: value for key, value in event.items() if key != "type"}}
    envelope = {"specversion": "1.0", "id": event_id, "source": SOURCE, "type": event["type"], "data": data}
    return Outgoing(PRODUCT_EVENTS, name.encode(), msgspec.json.encode(envelope), event_id)
