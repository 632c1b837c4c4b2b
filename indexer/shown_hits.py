"""What an answer showed, in few bytes: product ids, and the features that they were ranked by. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

HalfArray = NDArray[np.float16]
MAX_SHOWN = 20
"""Hits of an answer that are remembered, the first ones: hardly anybody chooses a later one."""
_SEPARATOR = "\n"
"""Between packed ids; no product id has it."""


class _Packed(Struct, frozen=True, array_like=True):
    feature_set: int
    ids: str
    features: bytes


@dataclass(frozen=True, slots=True, eq=False)
class ShownHits:
    """The first hits of an answer."""

    feature_set: int
    """Which features they are: a number for each set of names."""
    product_ids: tuple[str, ...]
    """(n,) as they were shown."""
    features: HalfArray
    """(n, features), NaN where a product has none; in half precision, which is all that thresholds need."""


def pack_shown(feature_set: int, product_ids: Sequence[str], features: NDArray[np.float64]) -> bytes:
    """The bytes that `unpack_shown` reads, of at most `MAX_SHOWN` products.

    Args:
        feature_set: by which the features are read.
        product_ids: n of them, as shown.
        features: (n, features) float64; 2 bytes each are kept.
    """
    half = features[:MAX_SHOWN].astype(np.float16)
    return _encoder.encode(_Packed(feature_set, _SEPARATOR.join(product_ids[:MAX_SHOWN]), half.tobytes()))


def unpack_shown(data: bytes) -> ShownHits:
    """What `pack_shown` packed. Raises `ValueError` where it was not."""
    try:
        packed = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"no shown hits: {error}") from error
    ids = tuple(packed.ids.split(_SEPARATOR)) if packed.ids else ()
    half = np.frombuffer(packed.features, np.float16)
    return ShownHits(packed.feature_set, ids, half.reshape(len(ids), len(half) // max(1, len(ids))))


_encoder, _decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(_Packed)
