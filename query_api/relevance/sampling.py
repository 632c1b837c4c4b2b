"""Products at large: a sample of an index, the same one for every worker; and texts without meaning."""

from __future__ import annotations

import asyncio
import heapq
import random
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from encoders.spec import FloatArray
from indexer.criteria import IdAfter
from indexer.ports.products import ProductStore
from indexer.rows import embedding_text
from indexer.text_analysis.analyzer import words_in_order
from indexer.text_analysis.chinese import has_chinese, load_dictionary_for

SAMPLE_SIZE = 1_024
NOISE_TEXTS = 48
"""How many texts without meaning are looked at for each language."""
MAX_NOISE_WORDS = 3
MAX_TITLES, TITLE_WORDS = 64, 3
"""Of how many products' titles how many words are looked at."""
_PAGE, _READ_SIZE = 16_384, 64
_MAX_PAGES = 16
"""The sample is of so many pages of ids at most: a quarter of a million products."""
_PAUSE_S = 0.02
"""Between two reads, for queries."""
_SEED = 1


class SampledProducts(NamedTuple):
    """Products of an index."""

    texts: Sequence[str]
    """As they are embedded, (n,)."""
    titles: Sequence[str]
    """Theirs, empty where there is none."""
    vectors: FloatArray
    """Fused vectors (n, 2·dim)."""
    are_chinese: Sequence[bool]
    """Whether a text has Chinese."""


async def sample_products(store: ProductStore) -> SampledProducts:
    """The products whose ids have the least hashes: other workers draw the same, and new products change few.

    Raises:
        StoreUnavailable: the product store does not answer.
    """
    ids = await _sample_ids(store)
    texts: list[str] = []
    titles: list[str] = []
    vectors: list[FloatArray] = []
    for start in range(0, len(ids), _READ_SIZE):
        for stored, vector in (await store.read(ids[start : start + _READ_SIZE])).values():
            fields = stored.text_fields
            texts.append(embedding_text(fields))
            titles.append(fields.get("title") or "")
            vectors.append(vector)
        await asyncio.sleep(_PAUSE_S)
    return SampledProducts(texts, titles, np.array(vectors, np.float32), [has_chinese(text) for text in texts])


async def noise_texts(texts: Sequence[str], chinese: bool) -> list[str]:
    """Texts without meaning, of the letters that a language's words are made of; none where there are no words.

    Args:
        texts: whose letters to take.
        chinese: whether to take those of Chinese words, or just those of others.
    """
    await load_dictionary_for(texts)
    # In a thread: hundreds of long texts are cut into words.
    return await asyncio.to_thread(_shuffled, texts, chinese)


def _shuffled(texts: Sequence[str], chinese: bool) -> list[str]:
    words = [word for text in texts for word in words_in_order(text) if has_chinese(word) is chinese and word.isalpha()]
    if not words:
        return []
    choose, letters = random.Random(_SEED), "".join(words)

    def nonsense() -> str:
        return "".join(choose.choice(letters) for _ in choose.choice(words))

    between = "" if chinese else " "
    return [between.join(nonsense() for _ in range(1 + at % MAX_NOISE_WORDS)) for at in range(NOISE_TEXTS)]


async def title_words(titles: Sequence[str], chinese: bool) -> dict[int, str]:
    """Some words of titles in a language, as a query might have them, by the titles' places."""
    return await asyncio.to_thread(_drawn_words, titles, chinese)


def _drawn_words(titles: Sequence[str], chinese: bool) -> dict[int, str]:
    choose, drawn = random.Random(_SEED), dict[int, str]()
    for at, title in enumerate(titles):
        words = [word for word in words_in_order(title) if has_chinese(word) is chinese and word.isalpha()]
        if len(words) >= TITLE_WORDS:
            drawn[at] = ("" if chinese else " ").join(choose.sample(words, TITLE_WORDS))
        if len(drawn) == MAX_TITLES:
            break
    return drawn


async def _sample_ids(store: ProductStore) -> list[str]:
    least: list[tuple[int, str]] = []
    after = ""
    for _ in range(_MAX_PAGES):
        ids = await store.browse((IdAfter(after),), _PAGE)
        least = heapq.nsmallest(SAMPLE_SIZE, [*least, *((zlib.crc32(one.encode()), one) for one in ids)])
        if len(ids) < _PAGE:
            break
        after = ids[-1]
    return [product_id for _, product_id in least]
