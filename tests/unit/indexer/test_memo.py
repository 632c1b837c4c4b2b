"""Results remembered within a bound of bytes."""

from __future__ import annotations

import sys

import pytest

from indexer import filters
from indexer.criteria import AnyOf
from indexer.memo import Memo, RecentValues, text_bytes
from indexer.text_analysis import analyzer, words
from query_api.cards import payload_values

HOSTILE = ["\ufdfa", "纪", "a-", "\u0301", "/a", "𠀀", "é", "="]
"""Characters that grow when normalised, that make many terms, or that join."""


def test_a_result_is_worked_out_once_while_there_is_room() -> None:
    asked: list[str] = []
    memo = Memo(lambda text: asked.append(text) or text.upper(), lambda text, result: 10, 100)
    assert [memo("a"), memo("b"), memo("a")] == ["A", "B", "A"] and asked == ["a", "b"]


def test_what_is_asked_for_again_stays_and_the_rest_makes_room() -> None:
    asked: list[int] = []
    memo = Memo(lambda number: asked.append(number) or number + 1, lambda *_: 10, 100)
    for number in range(1, 1_000):
        memo(-1)
        memo(number)
        assert memo.held_bytes <= 100
    assert asked.count(-1) == 1


def test_what_is_larger_than_half_of_it_is_not_kept() -> None:
    memo = Memo(len, lambda text, _: len(text), 100)
    assert memo("x" * 51) == 51 and memo.held_bytes == 0


@pytest.mark.parametrize("text", ["", "a", "a" * 63, "é" * 63, "纪" * 63, "𠀀" * 63])
def test_a_text_takes_no_more_than_is_counted(text: str) -> None:
    assert sys.getsizeof(text) + 8 <= text_bytes(text)


@pytest.mark.parametrize("at", range(len(HOSTILE)))
def test_caches_that_callers_fill_keep_their_bounds(at: int) -> None:
    for number in range(300):
        text = (HOSTILE[at] * 64)[: 64 - len(str(number))] + str(number)
        filters.any_of_terms(AnyOf(f"attributes.{text}"[:64], (text,)))
        analyzer.query_terms(text)
        analyzer.document_terms({"title": text})
        analyzer.required_terms(text)
        payload_values.category_paths(text)
    for memo, bound in (
        (filters._short_term, filters._TERMS_BYTES),
        (filters._any_of_terms, filters._ANY_OF_BYTES),
        (filters._field_name, filters._FIELD_NAMES_BYTES),
        (words._short_run, words._RUNS_BYTES),
        (analyzer._LABELS[0], analyzer._TEXTS_BYTES),
        (analyzer._required_terms, analyzer._REQUIRED_BYTES),
        (payload_values._kept_paths, payload_values._PATHS_BYTES),
    ):
        assert memo.held_bytes <= bound
        entries = [*memo._newer.items(), *memo._older.items()]  # type: ignore[attr-defined]
        real = sum(_size(argument) + _size(result) for argument, result in entries)
        assert real <= memo.held_bytes
    largest = _size(words._make_word(f"{'a-' * 15}{at}"))
    assert largest * words._WORDS <= 64 * 2**20


def _size(value: object) -> int:
    """Bytes of a value with what is in it."""
    if isinstance(value, str):
        return sys.getsizeof(value)
    if isinstance(value, AnyOf):
        return sys.getsizeof(value) + _size(value.field) + _size(value.values)
    if isinstance(value, bool):
        return 0
    assert isinstance(value, list | tuple)
    return sys.getsizeof(value) + sum(map(_size, value))


def test_recent_values_are_those_used_last_within_their_bytes() -> None:
    values = RecentValues[str, int](10)
    for key, size in (("a", 4), ("b", 4)):
        values.put(key, size, size)
    assert values.get("a") == 4
    values.put("c", 2, 5)
    assert (values.get("a"), values.get("b"), values.get("c"), values.held_bytes) == (4, None, 2, 9)
    values.put("c", 3, 1)
    assert values.get("c") == 3 and values.held_bytes == 5
    values.put("huge", 1, 11)
    assert values.get("huge") is None and values.held_bytes == 0
