"""Chinese text, which has no blanks: its words by a dictionary, and its characters."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Protocol

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""The Chinese characters, as the inside of a regular expression's `[…]`."""
_HAN_START = re.compile(rf"[{HAN}]")


class _Segmenter(Protocol):
    """What is used of jieba's `Tokenizer`, which has no types."""

    def cut(self, sentence: str, *, HMM: bool) -> Iterator[str]: ...

    def cut_for_search(self, sentence: str) -> Iterator[str]: ...


def has_chinese(text: str) -> bool:
    """Whether a text has a Chinese character."""
    return not text.isascii() and _HAN_START.search(text) is not None


def is_chinese(run: str) -> bool:
    """Whether a run, which is of one script, is of Chinese characters."""
    return _HAN_START.match(run) is not None


def dictionary_words(run: str) -> Iterable[str]:
    """The words of a run of Chinese characters in their order, without overlap; unknown characters by themselves."""
    return _segmenter().cut(run, HMM=False)


def index_terms(run: str) -> Iterator[str]:
    """What a run of Chinese characters is found by: its words, those within longer ones too, then its characters."""
    yield from (word for word in _segmenter().cut_for_search(run) if len(word) > 1)
    # A word that the dictionary does not know still matches by the characters that it is written with.
    yield from run


@cache
def _segmenter() -> _Segmenter:
    """Jieba with its dictionary, which takes a second to load: so only once there is Chinese."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It imports pkg_resources, which warns of its own age.
        import jieba
    untyped: Any = jieba
    untyped.setLogLevel(logging.CRITICAL)
    segmenter = untyped.Tokenizer()
    segmenter.initialize()
    return segmenter
