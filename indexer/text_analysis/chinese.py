"""Chinese text, which has no blanks: its words by a dictionary, and its characters."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import asyncio
import logging
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""The Chinese characters, as the inside of a regular expression's `[…]`."""
_HAN_START = re.compile(rf"[{HAN}]")
_loading = threading.Lock()


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


def simplified(run: str) -> str:
    """A run of Chinese characters in the simplified ones, each by itself: `電飯煲` → `电饭煲`.

    Source: OpenCC's table of characters (`TSCharacters`), of several the first.
    """
    return run.translate(_simplified_characters())


def dictionary_words(run: str) -> Iterable[str]:
    """The words of a run of Chinese characters in their order, without overlap; unknown characters by themselves."""
    return _segmenter().cut(run, HMM=False)


def count_words(run: str) -> int:
    """How many words a reader sees in a run of Chinese characters, those that the dictionary does not know too."""
    return sum(1 for _ in _segmenter().cut(run, HMM=True))


def index_terms(run: str) -> Iterator[str]:
    """What a run of Chinese characters is found by: its words, those within longer ones too, then its characters."""
    yield from (word for word in _segmenter().cut_for_search(run) if len(word) > 1)
    # A word that the dictionary does not know still matches by the characters that it is written with.
    yield from run


async def load_dictionary_for(texts: Iterable[str]) -> None:
    """Load the dictionary in a thread where one of these texts needs it, rather than in the event loop later on."""
    if not _segmenter.cache_info().currsize and any(map(has_chinese, texts)):
        await asyncio.to_thread(_loaded_once)


def _loaded_once() -> _Segmenter:
    with _loading:
        _simplified_characters()
        return _segmenter()


@cache
def _simplified_characters() -> dict[int, str]:
    """Simplified characters by the code of traditional ones, 4,000 of them: in some 5 ms, once there is Chinese."""
    # The package's own converter looks for phrases too, in pure Python: for finding, characters are enough.
    found = find_spec("opencc")
    assert found is not None and found.origin is not None
    table = Path(found.origin).with_name("dictionary") / "TSCharacters.txt"
    pairs = (line.split() for line in table.read_text(encoding="utf-8").splitlines())
    return {ord(pair[0]): pair[1] for pair in pairs if len(pair) > 1 and len(pair[0]) == 1}


@cache
def _segmenter() -> _Segmenter:
    """Jieba with its dictionary, which takes a second or two to load and 80 MB: so only once there is Chinese."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It imports pkg_resources, which warns of its own age.
        import jieba
    untyped: Any = jieba
    untyped.setLogLevel(logging.CRITICAL)
    segmenter = untyped.Tokenizer()
    # It keeps its dictionary marshalled, by default where anybody could put another in its place.
    segmenter.tmp_dir = str(_own_directory())
    segmenter.initialize()
    return segmenter


def _own_directory() -> Path:
    """A directory that is this user's alone, for what jieba keeps."""
    # The XDG specification: a relative XDG_CACHE_HOME is invalid and ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        directory = (base if base.is_absolute() else Path("~/.cache").expanduser()) / "vitrine" / "jieba"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return directory
    except (OSError, RuntimeError):
        pass  # There is no home, or it may not be written to.
    return Path(tempfile.mkdtemp(prefix="vitrine-jieba-"))
