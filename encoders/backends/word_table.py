"""A large table of word vectors that stays on disk: of a quarter of a million, a shop's texts need some thousands.

An engine that holds the table itself takes hundreds of megabytes for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from encoders.spec import FloatArray

LARGE_TABLE: Final = 1 << 25
"""Numbers from which on a table is kept apart."""
_STORED: Final = np.dtype("<f2")


def write_table(rows: FloatArray, path: Path) -> None:
    """Write a table (words, width) as float16."""
    rows.astype(_STORED).tofile(path)


class WordTable:
    """Rows by token ids, read from the file as they are needed; the system keeps what is read often.

    A mapped file would come to be in memory as a whole, since each page that is touched brings those around it.
    """

    def __init__(self, path: Path, width: int) -> None:
        """Open what `write_table` wrote. Raises `OSError` where there is no such file."""
        self._file = path.open("rb", buffering=0)
        self._width = width

    def vectors(self, ids: NDArray[np.int64]) -> FloatArray:
        """Token ids (n, length) → (n, length, width) float32."""
        distinct, places = np.unique(ids, return_inverse=True)
        size, file = self._width * _STORED.itemsize, self._file.fileno()
        data = b"".join(os.pread(file, size, size * number) for number in distinct.tolist())
        rows = np.frombuffer(data, _STORED).reshape(-1, self._width).astype(np.float32)
        return rows[places.reshape(ids.shape)]
