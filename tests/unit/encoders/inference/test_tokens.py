"""Texts as token ids: cut, padded on the side that the tower wants, with a mask."""

from __future__ import annotations

import pytest

from encoders.inference.tokens import TextBatcher, TokenRules


def _letters(texts: list[str]) -> list[list[int]]:
    return [[ord(letter) - 96 for letter in text][:4] for text in texts]


def test_rows_are_padded_to_the_longest_of_them() -> None:
    ids, mask = TextBatcher(TokenRules(4, 0, False), _letters).pad([[1, 2, 3], [4]])
    assert ids.tolist() == [[1, 2, 3], [4, 0, 0]] and mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_a_tower_may_want_full_texts_or_its_padding_on_the_left() -> None:
    full, _ = TextBatcher(TokenRules(4, 9, True), _letters).pad([[1]])
    left, mask = TextBatcher(TokenRules(4, 9, False, pad_left=True), _letters).pad([[1], [2, 3]])
    assert full.tolist() == [[1, 9, 9, 9]]
    assert left.tolist() == [[9, 1], [2, 3]] and mask.tolist() == [[0, 1], [1, 1]]


def test_a_batch_is_filled_up_with_copies_of_the_first() -> None:
    ids, mask = TextBatcher(TokenRules(4, 0, False), _letters).pad([[1], [2]], length=2, count=3)
    assert ids.tolist() == [[1, 0], [2, 0], [1, 0]] and mask[2].tolist() == mask[0].tolist()


def test_no_token_at_all_is_one_of_padding() -> None:
    ids, mask = TextBatcher(TokenRules(4, 7, False), _letters).pad([[]])
    assert ids.tolist() == [[7]] and mask.tolist() == [[0]]


@pytest.mark.parametrize("text", ["a" * 10_000_000, "\ud800 broken"])
def test_what_tokenisers_choke_on_never_reaches_them(text: str) -> None:
    seen: list[str] = []

    def tokenise(texts: list[str]) -> list[list[int]]:
        seen.extend(texts)
        return [[1]]

    assert TextBatcher(TokenRules(4, 0, False), tokenise).token_ids([text]) == [[1]]
    assert len(seen[0].encode()) <= 4 * 64
