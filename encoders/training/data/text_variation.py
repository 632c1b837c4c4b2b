"""Texts of products varied, and queries as shoppers might type them, drawn from the products' own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from encoders.training.config import Augmentation
from encoders.training.data.listings import TrainingListing

_WORD: Final = re.compile(r"[\u3400-\u9fff]|[^\s\u3400-\u9fff]+")
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
_FROM_CLICKS, _FROM_TITLE, _FROM_PASSAGE = 0.5, 0.6, 0.85
"""Share of queries that are real ones where there are any; of the others, up to which draw they come from where."""
_LONGEST_QUERY: Final = 8


def split_words(text: str) -> list[str]:
    """A text's words; a Chinese character is one."""
    return _WORD.findall(text)


def join_words(parts: Sequence[str]) -> str:
    """Words as a text again: blanks everywhere but between Chinese characters."""
    text = " ".join(parts)
    return re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", text)


def draw_query(listing: TrainingListing, settings: Augmentation, rng: np.random.Generator) -> str:
    """A query that the product should be found by; empty for a product without words.

    Half of them are queries that were really typed, where there are any; the others are some words in a row out of
    the title, another passage, or both, as in an inverse cloze task.

    Source: Lee, Chang and Toutanova, "Latent Retrieval for Weakly Supervised Open Domain Question Answering", 2019.
    """
    if listing.queries and rng.random() < _FROM_CLICKS:
        return listing.queries[rng.integers(len(listing.queries))]
    if not listing.passages:
        return ""
    place = rng.random()
    title, others = listing.passages[0], listing.passages[1:]
    if place < _FROM_TITLE or not others:
        drawn = _span(title, rng)
    elif place < _FROM_PASSAGE:
        drawn = _span(others[rng.integers(len(others))], rng)
    else:
        drawn = [*_span(title, rng)[:3], *_span(others[rng.integers(min(2, len(others)))], rng)[:3]]
    if rng.random() < settings.shuffle:
        drawn = [drawn[place] for place in rng.permutation(len(drawn))] if not _is_chinese(drawn) else drawn
    return join_words(vary_words(drawn, settings, rng))


def vary_text(text: str, settings: Augmentation, rng: np.random.Generator) -> str:
    """A product's text with fields in another order now and then, words left out and mistyped."""
    fields = text.split(". ")
    if len(fields) > 2 and rng.random() < settings.shuffle:
        # The title stays at the head: long texts are cut at their end.
        fields = [fields[0], *(fields[1 + place] for place in rng.permutation(len(fields) - 1))]
    return ". ".join(join_words(vary_words(split_words(field), settings, rng)) for field in fields)


def vary_words(parts: Sequence[str], settings: Augmentation, rng: np.random.Generator) -> list[str]:
    """Words with some left out, never all, and some mistyped."""
    draws = rng.random((2, len(parts)))
    kept = [part for part, draw in zip(parts, draws[0], strict=True) if draw >= settings.word_dropout] or list(parts)
    return [
        _with_typo(part, rng) if draw < settings.typos else part for part, draw in zip(kept, draws[1], strict=False)
    ]


def _span(text: str, rng: np.random.Generator) -> list[str]:
    parts = split_words(text)
    length = 1 + int(rng.integers(min(_LONGEST_QUERY, max(1, len(parts)))))
    start = int(rng.integers(max(1, len(parts) - length + 1)))
    return parts[start : start + length]


def _is_chinese(parts: Sequence[str]) -> bool:
    return any(_CHINESE.match(part) for part in parts)


def _with_typo(word: str, rng: np.random.Generator) -> str:
    """Two letters swapped, one left out or one doubled; short words and numbers stay."""
    if len(word) < 4 or not word.isalpha() or not word.isascii():
        return word
    place, kind = int(rng.integers(1, len(word) - 1)), int(rng.integers(3))
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place + 1 :] if kind == 1 else word[:place] + word[place] + word[place:]
