"""The card table: what it gives is as true as what it was told, and it keeps its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from encoders.port import HashEncoder
from encoders.spec import fuse_parts
from indexer.in_memory_store import InMemoryProductStore
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from query_api.cards import card_table
from query_api.cards.card import make_card
from query_api.cards.card_table import AnswerCards, CardTable

SPEC = HashEncoder().spec


class SlowStore(InMemoryProductStore):
    """Counts what is read, and waits where it is told to once it has read."""

    def __init__(self) -> None:
        super().__init__(SPEC)
        self.read_ids: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def put(self, product_id: str, title: str) -> None:
        stamp = EventStamp(1, "test", title)
        state = ProductState().merge(ProductChange(product_id, stamp, {"title": title}, replaces_all_fields=True))
        await self.write([build_row(product_id, StoredProduct(state), fuse_parts(SPEC, None, None))])

    async def read_payloads(self, product_ids: Sequence[str]) -> dict[str, bytes]:
        self.read_ids += product_ids
        payloads = await super().read_payloads(product_ids)
        await self.gate.wait()
        return payloads


@pytest.fixture
async def store() -> SlowStore:
    store = SlowStore()
    for at in range(100):
        await store.put(f"p{at:02}", f"title {at}")
    return store


async def shown(table: CardTable, *product_ids: str, is_current: bool = True) -> list[str]:
    cards = table.open(is_current)
    gone = await cards.load(product_ids)
    return [cards.payload(product_id).title for product_id in product_ids if product_id not in gone]


async def test_a_card_is_read_once_and_again_after_its_product_changed(store: SlowStore) -> None:
    table = CardTable(store, 2**20)
    assert await shown(table, "p01", "p02") == await shown(table, "p01", "p02") == ["title 1", "title 2"]
    assert store.read_ids == ["p01", "p02"]
    await store.put("p01", "new")
    table.forget(["p01", "never"])
    assert await shown(table, "p01", "p02", "never") == ["new", "title 2"]
    assert store.read_ids == ["p01", "p02", "p01", "never"]
    await store.put("p02", "newer")
    table.clear()
    assert await shown(table, "p01", "p02") == ["new", "newer"]


@pytest.mark.parametrize("tell", [lambda table: table.forget(["p01"]), CardTable.clear], ids=["forget", "clear"])
async def test_a_card_that_was_read_before_its_product_changed_is_not_kept(store: SlowStore, tell: object) -> None:
    table = CardTable(store, 2**20)
    store.gate.clear()
    reading = asyncio.create_task(shown(table, "p01"))
    await asyncio.sleep(0)
    await store.put("p01", "new")
    tell(table)  # type: ignore[operator]
    store.gate.set()
    assert await reading == ["title 1"]
    assert await shown(table, "p01") == ["new"]


async def test_an_answer_that_may_not_be_current_reads_the_store_and_replaces_nothing(store: SlowStore) -> None:
    table = CardTable(store, 2**20)
    await shown(table, "p01")
    await store.put("p01", "new")
    assert await shown(table, "p01", is_current=False) == ["new"]
    assert await shown(table, "p01") == ["title 1"]


async def test_what_such_an_answer_read_is_forgotten_like_all_else(store: SlowStore) -> None:
    table = CardTable(store, 2**20)
    assert await shown(table, "p01", is_current=False) == ["title 1"]
    await store.put("p01", "new")
    table.forget(["p01"])
    for is_current in (True, False, True):
        assert await shown(table, "p01", is_current=is_current) == ["new"]


async def test_a_card_of_the_same_payload_is_not_made_again(store: SlowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    table, made = CardTable(store, 2**20), list[bytes]()
    monkeypatch.setattr(card_table, "make_card", lambda data, book: (made.append(data), make_card(data, book))[1])
    for title in ("title 1", "title 1", "new", "new"):
        await store.put("p01", title)
        assert await shown(table, "p01", is_current=False) == [title]
    # It is told of no change, so the first one stays.
    assert len(made) == 3


async def test_all_of_an_answer_shows_a_product_in_one_state(store: SlowStore) -> None:
    table = CardTable(store, 2**20)
    cards: AnswerCards = table.open(is_current=True)
    await cards.load(["p01"])
    await store.put("p01", "new")
    table.forget(["p01"])
    await cards.load(["p01", "p02"])
    assert cards.payload("p01").title == "title 1"


@pytest.mark.parametrize("max_bytes", [0, 1_000, 20_000])
async def test_the_table_keeps_its_bounds_whatever_is_asked_for(store: SlowStore, max_bytes: int) -> None:
    table = CardTable(store, max_bytes)
    for turn in range(300):
        at = turn * 37 % 100
        await store.put(f"p{at:02}", f"{turn} title {at}")
        table.forget([f"p{at:02}"])
        assert await shown(table, "p00", f"p{at:02}") == await shown(table, "p00", f"p{at:02}")
        assert table.held_bytes <= max_bytes


async def test_products_that_are_asked_for_again_stay_in_a_full_table(store: SlowStore) -> None:
    table = CardTable(store, 20_000)
    await shown(table, "p00")
    for at in range(1, 100):
        await shown(table, "p00", f"p{at:02}")
    assert store.read_ids.count("p00") == 1
