"""Whether a faster way of computing embeddings is still the same vector space: probes through both."""

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
    """Texts of random tokens, from one to more than the model takes: in whichever language it knows.

    Args:
        decode: Token ids → text.
        vocabulary: How many ids there are.
    """
    random = np.random.default_rng(_SEED)
    lengths = np.linspace(1, 1.2 * max_tokens, PROBE_COUNT).astype(int)
    return [decode(random.integers(0, vocabulary, length).tolist()) for length in lengths]


def probe_pictures(preparer: Preparer) -> list[Pixels]:
    """Pictures of soft coloured patches, from few large to many small ones, as the model takes them."""
    random = np.random.default_rng(_SEED)
    pictures: list[Pixels] = []
    for number in range(PROBE_COUNT):
        cells = random.integers(0, 256, (2 + number, 3 + number, 3), np.uint8)
        pictures.append(preparer(Image.fromarray(cells).resize((320, 240), Image.Resampling.BICUBIC)))
    return pictures


def min_cosine(expected: Sequence[FloatArray], got: Sequence[FloatArray]) -> float:
    """The least cosine between unit rows (n, dim) of some inputs and those that should be alike; −1 for no number."""
    cosines = np.concatenate([np.sum(left * right, axis=1) for left, right in zip(expected, got, strict=True)])
    # Arithmetic that overflows must not pass for one that agrees.
    return float(np.min(np.nan_to_num(cosines, nan=-1.0)))
