"""Reads that are good for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from query_api.kept_reads import KeptReads


class Shelf:
    """Says what there is, and remembers what it was asked."""

    def __init__(self) -> None:
        self.there = {"a": "A", "b": "B", "c": "C"}
        self.asked: list[list[str]] = []

    async def read(self, product_ids: Sequence[str]) -> dict[str, str]:
        self.asked.append(list(product_ids))
        return {product_id: self.there[product_id] for product_id in product_ids if product_id in self.there}


async def test_what_was_read_is_not_read_again_until_it_expires_also_where_there_was_nothing() -> None:
    shelf, now_s = Shelf(), [0.0]
    kept = KeptReads(shelf.read, lambda _: 1, 30.0, 100, lambda: now_s[0])
    assert await kept.get(["a", "x"]) == {"a": "A"}
    shelf.there |= {"a": "new", "x": "X"}
    assert await kept.get(["a", "b", "x"]) == {"a": "A", "b": "B"}
    now_s[0] = 30.0
    assert await kept.get(["a", "x"]) == {"a": "new", "x": "X"}
    assert shelf.asked == [["a", "x"], ["b"], ["a", "x"]]


async def test_the_least_lately_read_make_room_and_what_is_asked_for_is_answered_all_the_same() -> None:
    shelf = Shelf()
    kept = KeptReads(shelf.read, lambda _: 1, 30.0, 2)
    assert await kept.get("abc") == {"a": "A", "b": "B", "c": "C"}
    assert await kept.get("abc") == {"a": "A", "b": "B", "c": "C"}
    assert shelf.asked == [["a", "b", "c"], ["a"]]


class Feed:
    """Has told of all changes until `told_s`."""

    def __init__(self) -> None:
        self.told_s = 0.0
        self.keepers: list[KeptReads[Any]] = []

    def tell_first(self, keeper: KeptReads[Any]) -> None:
        self.keepers.append(keeper)


async def test_who_is_told_of_changes_keeps_what_has_none_for_as_long_as_it_is_told() -> None:
    shelf, feed, now_s = Shelf(), Feed(), [0.0]
    kept = KeptReads(shelf.read, lambda _: 1, 30.0, 100, lambda: now_s[0], feed)
    assert feed.keepers == [kept]
    await kept.get("ab")
    now_s[0], feed.told_s, shelf.there["a"] = 100.0, 90.0, "new"
    kept.forget("a")
    assert await kept.get("ab") == {"a": "new", "b": "B"}
    now_s[0] = 120.0
    await kept.get("ab")
    assert shelf.asked == [["a", "b"], ["a"], ["b"]]
    kept.clear()
    await kept.get("b")
    assert shelf.asked[3:] == [["b"]]


async def test_what_changes_while_it_is_read_is_read_again() -> None:
    shelf = Shelf()

    async def read(product_ids: Sequence[str]) -> dict[str, str]:
        found = await shelf.read(product_ids)
        meanwhile.pop()()
        return found

    kept = KeptReads(read, lambda _: 1, 30.0, 100)
    meanwhile = [lambda: None, kept.clear, lambda: kept.forget("a")]
    assert await kept.get("ab") == {"a": "A", "b": "B"}
    await kept.get("ab")
    await kept.get("b")
    await kept.get("b")
    assert shelf.asked == [["a", "b"], ["a"], ["b"]]
