"""A double of an encoder on a fast GPU: it takes the time of a device, and next to none of the processor's."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from encoders.media.preparation import FixedSizePreparer, Pixels, Preparer
from encoders.prompts import Prompts
from encoders.spec import EmbeddingSpec, FloatArray, normalise_rows

PRODUCTS_PER_S: Final = 10_000
"""Of a text and a picture each."""
TEXT_S: Final = 0.2 / PRODUCTS_PER_S
PICTURE_S: Final = 0.8 / PRODUCTS_PER_S
SIDE, DIM = 224, 512
"""Of a ViT-B/32, whose pixels are 150 KB a picture, and whose vectors are as long."""
_DIRECTIONS: Final = 4096


class SyntheticEncoder:
    """An encoder without weights that answers as late as a GPU of 10,000 products/s would.

    The vector of an input is one of 4,096, by its checksum. Passes queue on a clock of the device, as they do on a
    stream of kernels: a host that prepares the next pass in time keeps it busy.
    """

    prompts = Prompts()

    def __init__(self) -> None:
        self.spec = EmbeddingSpec("synthetic", "1", DIM)
        self.preparer: Preparer = FixedSizePreparer(size=(SIDE, SIDE))
        self._free_at = 0.0
        self._directions = normalise_rows(
            np.random.default_rng(0).standard_normal((_DIRECTIONS, DIM)).astype(np.float32)
        )

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts → (n, dim) unit float32 rows."""
        return _at_once(self.stage_texts(texts))

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        """Embed prepared pictures → (n, dim) unit float32 rows."""
        return _at_once(self.stage_images(images))

    def stage_texts(self, texts: Sequence[str]) -> SyntheticPass:
        """The pass of texts."""
        return SyntheticPass(self, self._rows([text.encode("utf-8", "replace") for text in texts]), TEXT_S)

    def stage_images(self, images: Sequence[Pixels]) -> SyntheticPass:
        """The pass of prepared pictures (side, side, 3) uint8, which are stacked as for a real device."""
        stacked = np.stack(images) if images else np.zeros((0, SIDE, SIDE, 3), np.uint8)
        # The middle row tells pictures apart at a fraction of the cost of all.
        return SyntheticPass(self, self._rows([pixels[len(pixels) // 2].tobytes() for pixels in stacked]), PICTURE_S)

    def begin(self, seconds: float) -> float:
        """Queue work of this many seconds on the device; returns when it will be done."""
        self._free_at = max(self._free_at, time.monotonic()) + seconds
        return self._free_at

    def _rows(self, contents: Sequence[bytes]) -> FloatArray:
        return self._directions[[zlib.crc32(content) % _DIRECTIONS for content in contents]].reshape(-1, DIM)


class SyntheticPass:
    """A pass of the double."""

    def __init__(self, encoder: SyntheticEncoder, rows: FloatArray, seconds_each: float) -> None:
        self._encoder, self._rows, self._seconds = encoder, rows, len(rows) * seconds_each
        self._done_at = 0.0

    def launch(self) -> None:
        """Start the pass."""
        self._done_at = self._encoder.begin(self._seconds)

    def rows(self) -> FloatArray:
        """Wait for the device → (n, dim) unit float32 rows."""
        time.sleep(max(0.0, self._done_at - time.monotonic()))
        return self._rows


def _at_once(one: SyntheticPass) -> FloatArray:
    one.launch()
    return one.rows()
