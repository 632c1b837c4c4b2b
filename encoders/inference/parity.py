"""Parity: probes that tell whether another way to compute embeddings still gives the same vector space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from PIL import Image

from encoders.media.preparation import Pixels, Preparer
from encoders.spec import FloatArray

PROBE_COUNT: Final = 24
_SEED: Final = 20


def probe_texts(decode: Callable[[list[int]], str], vocabulary: int, max_tokens: int) -> list[str]:
    """`PROBE_COUNT` texts of random tokens, so in any language that a model knows.

    Args:
        decode: makes a text of token ids.
        vocabulary: how many token ids there are.
        max_tokens: the model's limit; texts have from one token to a fifth more than this.
    """
    random = np.random.default_rng(_SEED)
    lengths = [int(length) for length in np.linspace(1, 1.2 * max_tokens, PROBE_COUNT)]
    return [decode([int(token) for token in random.integers(0, vocabulary, length)]) for length in lengths]


def probe_pictures(preparer: Preparer) -> list[Pixels]:
    """`PROBE_COUNT` pictures (height, width, 3) uint8 of soft coloured patches, from few large to many small ones."""
    random = np.random.default_rng(_SEED)
    pictures: list[Pixels] = []
    for number in range(PROBE_COUNT):
        cells = random.integers(0, 256, (2 + number, 3 + number, 3), np.uint8)
        pictures.append(preparer(Image.fromarray(cells).resize((320, 240), Image.Resampling.BICUBIC)))
    return pictures


def min_cosine(expected: Sequence[FloatArray], actual: Sequence[FloatArray]) -> float:
    """The least cosine between two embeddings of the same input.

    Args:
        expected: arrays of unit rows (n, dim) float32.
        actual: arrays of the same shapes.

    Returns:
        From −1 to 1; −1 where a number overflowed.
    """
    cosines = np.concatenate([np.sum(wanted * rows, axis=1) for wanted, rows in zip(expected, actual, strict=True)])
    # Arithmetic that overflowed must not pass for one that agrees.
    return float(np.min(np.nan_to_num(cosines, nan=-1.0)))
