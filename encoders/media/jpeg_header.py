"""What a JPEG's header says of the memory that its decoder takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
"""Markers of frames whose scans refine each other."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN: Final = 0xDA
_COMPONENTS_AT: Final = 9
"""Where a frame's segment says how many components it has, from its marker on."""


def has_several_scans(data: bytes) -> bool:
    """Whether the decoder keeps the coefficients of the whole picture, as each scan adds to all of it.

    True as well where the header is not in order: what the decoder makes of it is not known then.

    Args:
        data: the file, of which just the segments before the first scan are looked at.
    """
    at, components = 2, 0
    while at + _COMPONENTS_AT < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _PROGRESSIVE:
            return True
        if marker in _FRAMES:
            components = data[at + _COMPONENTS_AT]
        if marker == _START_OF_SCAN:
            return data[at + 4] < components
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return True


def coefficient_count(width: int, height: int, sampling: Sequence[tuple[int, int]]) -> int:
    """How many coefficients a picture has.

    Args:
        width: of the picture as stored, in pixels.
        height: likewise.
        sampling: the horizontal and vertical sampling factor of each component.
    """
    across, down = max((x for x, _ in sampling), default=1), max((y for _, y in sampling), default=1)
    blocks = -(-width // (8 * across)) * -(-height // (8 * down))
    return 64 * blocks * sum(x * y for x, y in sampling)
