"""The card table: cards of products that answers have shown or ranked, until they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from encoders.tracing.spans import MILVUS, traced
from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.ports.products import ProductStore
from query_api.cards.card import Card, CardColumns, CodeBook, make_card

_STEP = 200
"""Cards made between two looks at what else there is to do: some two milliseconds."""


@dataclass(slots=True, eq=False)
class _Shelf:
    """Cards, and the book of their codes; a new one replaces it when nothing on it can be relied on any more.

    Cards are kept in two halves: a full one becomes the older one, and what is asked for again moves to the newer one.
    """

    max_bytes: int
    """Of cards."""
    book: CodeBook = field(default_factory=CodeBook)
    newer: dict[str, Card] = field(default_factory=dict[str, Card])
    older: dict[str, Card] = field(default_factory=dict[str, Card])
    newer_bytes: int = 0
    older_bytes: int = 0
    reads: dict[int, set[str]] = field(default_factory=dict[int, set[str]])
    """Of each read under way, by its number, the products that changed since it began."""

    @property
    def held_bytes(self) -> int:
        return self.newer_bytes + self.older_bytes + self.book.size

    def find(self, product_ids: Sequence[str]) -> dict[str, Card]:
        """Those that are here."""
        try:
            return dict(zip(product_ids, map(self.newer.__getitem__, product_ids), strict=True))
        except KeyError:
            return self._find_each(product_ids)

    def _find_each(self, product_ids: Sequence[str]) -> dict[str, Card]:
        found = {one: card for one in product_ids if (card := self.newer.get(one)) is not None}
        if len(found) < len(product_ids) and self.older:
            again = {one: card for one in product_ids if one not in found and (card := self.older.get(one))}
            self.keep(again)
            found |= again
        return found

    def keep(self, cards: Mapping[str, Card]) -> None:
        for product_id, card in cards.items():
            if product_id in self.newer or card.size > self.max_bytes // 2:
                continue
            if self.newer_bytes + card.size > self.max_bytes // 2:
                self.older, self.older_bytes = self.newer, self.newer_bytes
                self.newer, self.newer_bytes = {}, 0
            self.newer[product_id] = card
            self.newer_bytes += card.size

    def forget(self, product_ids: Collection[str]) -> None:
        for changed in self.reads.values():
            changed.update(product_ids)
        for product_id in product_ids:
            if card := self.newer.pop(product_id, None):
                self.newer_bytes -= card.size
            if card := self.older.pop(product_id, None):
                self.older_bytes -= card.size


class CardTable:
    """Keeps cards, those used lately longer, within `max_bytes`. For the tasks of one event loop.

    A card is as true as what its owner is told: a change that `forget` was not called for is not seen. A card whose
    read began before its product changed is not kept.
    """

    def __init__(self, store: ProductStore, max_bytes: int) -> None:
        """Args: max_bytes: what cards, and the codes of their values, may take in memory."""
        self._store = store
        self._max_bytes = max_bytes
        self._shelf = self._new_shelf()

    @property
    def held_bytes(self) -> int:
        """What the table takes, at most."""
        return self._shelf.held_bytes

    def forget(self, product_ids: Collection[str]) -> None:
        """These products changed: their cards are read again when they are asked for next."""
        self._shelf.forget(product_ids)

    def clear(self) -> None:
        """Any product may have changed."""
        self._shelf = self._new_shelf()

    def open(self, is_current: bool) -> AnswerCards:
        """The cards for one answer.

        Args:
            is_current: whether `forget` was called for every change that the answer must know of. If not, payloads
                are read from the store, and what is kept just spares the making of cards that are still the same.
        """
        # Codes are never taken back; of values that came and went, they would be ever more.
        if self._shelf.held_bytes > self._max_bytes:
            self.clear()
        return AnswerCards(self._store, self._shelf, is_current)

    def _new_shelf(self) -> _Shelf:
        return _Shelf(self._max_bytes * 3 // 4)


class AnswerCards:
    """The cards of one answer, each read once: all of an answer shows a product in the same state."""

    def __init__(self, store: ProductStore, shelf: _Shelf, is_current: bool) -> None:
        """Args: is_current: whether what is on the shelf is as true as the answer has to be."""
        self._store = store
        self._shelf = shelf
        self._is_current = is_current
        self._cards: dict[str, Card] = {}

    async def load(self, product_ids: Sequence[str]) -> list[str]:
        """Read the cards of distinct products, by at most one call to the store.

        Returns:
            The products that are not searchable: there are no cards of them.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        missing = self._missing(product_ids)
        if self._is_current and missing:
            found = self._shelf.find(missing)
            self._cards.update(found)
            missing = self._missing(missing) if len(found) < len(missing) else []
        if missing:
            await self._read(missing)
        return self._missing(missing)

    def _missing(self, product_ids: Sequence[str]) -> list[str]:
        if not self._cards:
            return [*product_ids]
        return [product_id for product_id in product_ids if product_id not in self._cards]

    def payload(self, product_id: str) -> HitPayload:
        """What a hit shows of a product that is here."""
        return decode_hit_payload(self.packed(product_id))

    def packed(self, product_id: str) -> bytes:
        """The same as it is stored."""
        return self._cards[product_id].payload

    @property
    def book(self) -> CodeBook:
        """That their values are coded by."""
        return self._shelf.book

    def columns(self, product_ids: Sequence[str]) -> CardColumns:
        """The cards of products that are here, in this order."""
        return CardColumns([self._cards[product_id] for product_id in product_ids], self._shelf.book)

    @traced("cards", "client", MILVUS)
    async def _read(self, product_ids: Sequence[str]) -> None:
        shelf, changed = self._shelf, set[str]()
        shelf.reads[id(changed)] = changed
        try:
            payloads = await self._store.read_payloads(product_ids)
            cards = await _make_cards(payloads, shelf)
            shelf.keep({product_id: card for product_id, card in cards.items() if product_id not in changed})
        finally:
            del shelf.reads[id(changed)]
        self._cards |= cards


async def columns_in_steps(payloads: Iterable[bytes]) -> AsyncIterator[CardColumns]:
    """Cards that are not kept, a few at a time, so that other queries go on meanwhile."""
    book, remaining = CodeBook(), iter(payloads)
    while step := [make_card(payload, book) for payload in islice(remaining, _STEP)]:
        yield CardColumns(step, book)
        await asyncio.sleep(0)


async def _make_cards(payloads: Mapping[str, bytes], shelf: _Shelf) -> dict[str, Card]:
    """Cards of payloads; where the shelf has one of the same payload, that one."""
    cards, made = dict[str, Card](), 0
    for product_id, payload in payloads.items():
        card = shelf.newer.get(product_id) or shelf.older.get(product_id)
        if card is None or card.payload != payload:
            card, made = make_card(payload, shelf.book), made + 1
            if not made % _STEP:
                await asyncio.sleep(0)
        cards[product_id] = card
    return cards
