"""A product's card: its hit payload, with the values in it as numbers that arrays can hold. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from indexer.filters import filter_field, filter_term
from indexer.hit_payload import decode_hit_payload
from indexer.text_analysis.chinese import has_chinese
from query_api.cards.payload_values import Value, attribute_values, category_paths, facet_values

CodeArray = NDArray[np.int32]
NO_CODE = 0
"""Where a product has no such value."""
NUMBERS = np.dtype(
    [
        *((name, "<f8") for name in ("price", "rating", "rating_count", "created_at_ms", "in_stock")),
        *((name, "<i4") for name in ("group", "category", "brand", "attributes", "values", "chinese")),
    ]
)
"""A card's numbers, NaN where there is none, in stock being 1; the codes of its group, deepest category and brand; how
many codes its `attributes` and its `values` have; 1 where its title has Chinese."""
_NUMBERS = struct.Struct("<5d6i")
_CARD_BYTES = 500
"""What a card takes beside its bytes, with its place in a dictionary and the longest id, at most."""
_CODE_BYTES = 300
"""What a code takes beside its value's characters, at most."""
_NAN = float("nan")


class Card(Struct, frozen=True, eq=False, gc=False):
    """What is known of a product, in bytes that are joined to make columns of many."""

    payload: bytes
    """As `indexer.hit_payload` encodes it."""
    numbers: bytes
    """One record of `NUMBERS`."""
    attributes: bytes
    """Codes of the (name, value) pairs of its attributes as it states them, int32."""
    values: bytes
    """Codes of the values by which facets count it, one for each that filters tell apart, int32."""

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, at most."""
        return len(self.payload) + len(self.numbers) + len(self.attributes) + len(self.values) + _CARD_BYTES


@dataclass(slots=True)
class CodeBook:
    """Numbers for fields' values, from 1 in the order in which they are first seen. They are never taken back."""

    size: int = 0
    """Bytes that it takes in memory, at most."""
    count: int = 1
    """One more than the greatest code."""
    _codes: dict[tuple[str, Value], int] = field(default_factory=dict[tuple[str, Value], int])
    _values: dict[str, dict[int, Value]] = field(default_factory=dict[str, dict[int, Value]])
    _path_codes: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Of categories, as far as they were asked for."""

    def code(self, name: str, value: Value) -> int:
        """The code of a field's value."""
        known = self._codes.get((name, value))
        return self._add(name, value) if known is None else known

    def known_code(self, name: str, value: Value) -> int:
        """The code of a field's value; `NO_CODE` where no card has it."""
        return self._codes.get((name, value), NO_CODE)

    def values(self, name: str) -> dict[int, Value]:
        """The values of a field, by code."""
        return self._values.get(name, {})

    def category_path_codes(self, code: int) -> list[int]:
        """The codes of a category's paths, itself the last; none for `NO_CODE`."""
        known = self._path_codes.get(code)
        return self._find_path_codes(code) if known is None else known

    def _find_path_codes(self, code: int) -> list[int]:
        category = self.values("category").get(code)
        if category is None:
            return []
        codes = self._path_codes[code] = [self.code("category", path) for path in category_paths(str(category))]
        self.size += _CODE_BYTES + 8 * len(codes)
        return codes

    def _add(self, name: str, value: Value) -> int:
        code = self._codes[name, value] = self.count
        self._values.setdefault(name, {})[code] = value
        self.count += 1
        self.size += _CODE_BYTES + 4 * len(str(value))
        return code


@dataclass(frozen=True, slots=True, eq=False)
class TasteColumns:
    """What tastes look at of n products, side by side, without the cards that it was taken from."""

    book: CodeBook
    """That the codes are of."""
    category_count: int
    """How many distinct categories they have, none being one: a thousand products share a few."""
    brands: CodeArray
    """(n,)."""
    category_places: NDArray[np.intp]
    """(n,): which of their c distinct categories each product has."""
    paths: CodeArray
    """(p,) codes of the paths of those categories, each from the topmost to itself."""
    path_owners: NDArray[np.intp]
    """(p,): which category each is of."""
    path_depths: NDArray[np.float64]
    """(p,): 1 for the topmost, 2 for those in it, …"""
    attributes: CodeArray
    """(m,) codes of all products' attributes."""
    owners: NDArray[np.intp]
    """(m,): which product has each."""
    attribute_counts: CodeArray
    """(n,): how many each product has."""

    def __len__(self) -> int:
        return len(self.brands)

    @property
    def byte_size(self) -> int:
        """What the columns take in memory."""
        return 16 * len(self.brands) + 20 * len(self.paths) + 12 * len(self.attributes)


class CardColumns:
    """Cards of products side by side."""

    __slots__ = ("_cards", "book", "numbers")

    def __init__(self, cards: Sequence[Card], book: CodeBook) -> None:
        """Args: book: that the cards were made with."""
        self._cards = cards
        self.book = book
        self.numbers = np.frombuffer(b"".join([card.numbers for card in cards]), NUMBERS)
        """(n,) `NUMBERS`."""

    def __len__(self) -> int:
        return len(self._cards)

    @property
    def tastes(self) -> TasteColumns:
        """What tastes look at of them."""
        counts = np.ascontiguousarray(self.numbers["attributes"])
        categories, places = np.unique(self.numbers["category"], return_inverse=True)
        paths = [self.book.category_path_codes(code) for code in categories.tolist()]
        return TasteColumns(
            self.book,
            len(paths),
            np.ascontiguousarray(self.numbers["brand"]),
            places,
            np.array([code for path in paths for code in path], np.int32),
            np.repeat(np.arange(len(paths)), [len(path) for path in paths]),
            np.array([depth for path in paths for depth in range(1, len(path) + 1)], np.float64),
            np.frombuffer(b"".join([card.attributes for card in self._cards]), np.int32),
            np.repeat(np.arange(len(self)), counts),
            counts,
        )

    def value_counts(self, names: Sequence[str]) -> dict[str, dict[Value, int]]:
        """By field, how many of the cards have which of its values."""
        codes = np.frombuffer(b"".join([card.values for card in self._cards]), np.int32)
        counts = np.bincount(codes, minlength=self.book.count)
        counted: dict[str, dict[Value, int]] = {}
        for name in names:
            values = self.book.values(filter_field(name))
            found = counts[np.fromiter(values, np.int64, len(values))].tolist()
            counted[name] = {value: count for value, count in zip(values.values(), found, strict=True) if count}
        return counted


def make_card(data: bytes, book: CodeBook) -> Card:
    """The card of a hit payload, its values coded by a book."""
    payload, code = decode_hit_payload(data), book.code
    attributes = [code(f"attributes.{name}", value) for name, value in attribute_values(payload)]
    # Of the spellings that a filter takes for one value, a product counts for the first that it has.
    spellings: dict[str, int] = {}
    for name, value in facet_values(payload):
        spellings.setdefault(filter_term(name, str(value)), code(filter_field(name), value))
    values = spellings.values()
    paths = category_paths(payload.category)
    numbers = _NUMBERS.pack(
        _NAN if payload.price is None else payload.price,
        _NAN if payload.rating is None else payload.rating,
        _NAN if payload.rating_count is None else payload.rating_count,
        _NAN if payload.created_at_ms is None else payload.created_at_ms,
        _NAN if payload.in_stock is None else payload.in_stock,
        NO_CODE if payload.group_id is None else code("group_id", payload.group_id),
        code("category", paths[-1]) if paths else NO_CODE,
        code("brand", payload.brand) if payload.brand else NO_CODE,
        len(attributes),
        len(values),
        has_chinese(payload.title),
    )
    return Card(data, numbers, _packed(attributes), _packed(values))


def _packed(codes: Iterable[int]) -> bytes:
    return np.array([*codes], np.int32).tobytes()
