"""A shop's life over a bounded catalogue, and what the index must be at its end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.bench.catalogue import PRODUCTS, Catalogue, Outgoing

NUMBERS = 20_000
"""How many products there may ever be; the first `PRODUCTS` of them are indexed to begin with."""
WHOLE, REPRICED = 0.6, 0.3
"""Shares of the events: products stated anew with a new photo, and price changes; the others are deletions."""


@dataclass
class Expected:
    """What the events so far make of each product, by its number."""

    versions: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PRODUCTS), 0))
    searchable: set[int] = field(default_factory=lambda: set(range(PRODUCTS)))


def shop_life(catalogue: Catalogue, events: int, expected: Expected, seed: int = 7) -> Iterator[Outgoing]:
    """So many events, the same for the same seed; `expected` goes along with what was taken."""
    rng = random.Random(seed)
    for version in range(1, events + 1):
        number, kind = rng.randrange(NUMBERS), rng.random()
        expected.versions[number] = version
        if kind < WHOLE:
            expected.searchable.add(number)
            yield catalogue.whole(number, version)
        elif kind < WHOLE + REPRICED:
            yield catalogue.repriced(number, version)
        else:
            expected.searchable.discard(number)
            yield catalogue.deleted(number, version)
