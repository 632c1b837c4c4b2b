"""How a vector's numbers are kept: as float32, or as float16 in half the space.

Of float16 some three digits hold, so scores are off in the fourth; a zero stays zero. What was stored as float16 and
read as float32 is stored as the same again, so that rewriting a row never makes its vector drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from encoders.spec import FloatArray

StoredArray = NDArray[np.float32 | np.float16]

FLOAT32: Final = "float32"
FLOAT16: Final = "float16"
DTYPES: Final[Mapping[str, np.dtype[Any]]] = {FLOAT32: np.dtype("<f4"), FLOAT16: np.dtype("<f2")}
"""By the name that the configuration has for it."""


def to_stored_type(vector: FloatArray, vector_type: str) -> StoredArray:
    """A vector or vectors (…, dim) float32 as Milvus takes them in a field of a type: float32 or float16."""
    return vector.astype(DTYPES[vector_type], copy=False)


def to_float32(stored: Any, vector_type: str) -> FloatArray:
    """The vector (dim,) float32 of what the client reads from a field of a type: numbers, or their bytes in a list."""
    if vector_type == FLOAT32:
        return np.asarray(stored, np.float32)
    return np.frombuffer(stored[0], DTYPES[vector_type]).astype(np.float32)


def field_vectors(field: Any) -> FloatArray:
    """The vectors (n, dim) float32 of a field as Milvus sends it, a `FieldData` of either type."""
    vectors = field.vectors
    if vectors.WhichOneof("data") == "float16_vector":
        return np.frombuffer(vectors.float16_vector, DTYPES[FLOAT16]).astype(np.float32).reshape(-1, vectors.dim)
    # Protocol Buffers pack the numbers as they are, behind a tag and their length: no number is made an object.
    numbers = vectors.float_vector
    packed = numbers.SerializeToString()
    data = np.frombuffer(packed, DTYPES[FLOAT32], len(numbers.data), len(packed) - 4 * len(numbers.data))
    return data.astype(np.float32).reshape(-1, vectors.dim)
