"""Texts to token ids in padded batches, without torch or transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Ids = NDArray[np.int64]
TokenBatch = tuple[Ids, Ids]
"""Token ids and attention mask, both (n, length) int64."""
_LONGEST_TOKEN: Final = 64
"""Characters of a token, at most: a text is cut to this many × `max_tokens` before it is tokenised, since a megabyte of
text takes long."""


class TokenRules(msgspec.Struct, frozen=True):
    """How a text tower takes its tokens."""

    max_tokens: int
    """Where texts are cut."""
    pad_id: int
    """The token id to pad with."""
    full_padding: bool
    """Whether the tower was trained without an attention mask, on texts padded to `max_tokens`."""
    pad_left: bool = False
    """Whether padding comes before the text."""


class TextBatcher:
    """Tokenises texts, and pads them to batches."""

    def __init__(self, rules: TokenRules, tokenise: Callable[[list[str]], list[list[int]]]) -> None:
        """Args: tokenise: gives the ids of each text, at most `max_tokens`."""
        self.rules = rules
        self._tokenise = tokenise

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, at most `max_tokens`."""
        return self._tokenise([_tokenisable_head(text, self.rules.max_tokens) for text in texts]) if texts else []

    def pad(self, rows: Sequence[Sequence[int]], length: int = 0, count: int = 0) -> TokenBatch:
        """Pad rows of token ids to one batch.

        Args:
            rows: at least one row.
            length: tokens to pad to; a longer row makes it more, and `full_padding` makes it `max_tokens`.
            count: rows to fill up to, with copies of the first one.

        Returns:
            Ids and mask (max(count, rows), length) int64.
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
    """The function that `TextBatcher` takes, of a compiled tokenizer, whose truncation and padding are set for it."""
    tokenizer.enable_truncation(max_tokens)  # pyright: ignore[reportUnknownMemberType]
    tokenizer.no_padding()
    return lambda texts: [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]


def _tokenisable_head(text: str, max_tokens: int) -> str:
    """The part of a text that `max_tokens` can hold, without the lone surrogates that tokenizers refuse."""
    return text[: max_tokens * _LONGEST_TOKEN].encode("utf-8", "replace").decode("utf-8")
