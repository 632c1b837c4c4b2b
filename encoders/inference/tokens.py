"""Texts → token ids in a padded batch, without torch or transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Ids = NDArray[np.int64]
TokenBatch = tuple[Ids, Ids]
"""Token ids and attention mask, both (n, length)."""
_LONGEST_TOKEN: Final = 64
"""Characters; a megabyte of text is cut to this many a token before it is tokenised, not after."""


class TokenRules(msgspec.Struct, frozen=True):
    """What a text tower takes."""

    max_tokens: int
    pad_id: int
    full_padding: bool
    """Trained without an attention mask, on texts padded to `max_tokens`."""
    pad_left: bool = False


class TextBatcher:
    """Tokenises texts, and pads those that go together."""

    def __init__(self, rules: TokenRules, tokenise: Callable[[list[str]], list[list[int]]]) -> None:
        """Args: tokenise: texts → the ids of each, no more than `max_tokens`."""
        self.rules = rules
        self._tokenise = tokenise

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, cut to what the tower takes."""
        return self._tokenise([_tokenisable_head(text, self.rules.max_tokens) for text in texts]) if texts else []

    def pad(self, rows: Sequence[Sequence[int]], length: int = 0, count: int = 0) -> TokenBatch:
        """Rows of ids as one batch.

        Args:
            length: Tokens to pad to; the longest row's if that has more, all where the tower wants full texts.
            count: Rows to fill up to, with copies of the first.
        """
        # A tokenizer without start and end marks makes no token of an empty text; towers need one.
        longest = max(1, length, *(len(row) for row in rows))
        width = self.rules.max_tokens if self.rules.full_padding else longest
        ids = np.full((max(count, len(rows)), width), self.rules.pad_id, np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            place = slice(width - len(row), width) if self.rules.pad_left else slice(0, len(row))
            ids[at, place], mask[at, place] = row, 1
        ids[len(rows) :], mask[len(rows) :] = ids[0], mask[0]
        return ids, mask


def compiled_tokeniser(tokenizer: Tokenizer, max_tokens: int) -> Callable[[list[str]], list[list[int]]]:
    """A compiled tokenizer, which becomes the caller's own, as `TextBatcher` takes it."""
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


def _tokenisable_head(text: str, max_tokens: int) -> str:
    """The head of a text that can matter, without the lone surrogates that tokenizers refuse."""
    return text[: max_tokens * _LONGEST_TOKEN].encode("utf-8", "replace").decode("utf-8")
