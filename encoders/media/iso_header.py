"""What the header of an ISO media file says of a picture: AVIF and HEIC come in the boxes of MP4.

Source: ISO/IEC 14496-12, "ISO base media file format"; AOM, "AV1 Codec ISO Media File Format Binding", section 2.3.
"""

from __future__ import annotations

from typing import Final

_BRAND_BYTES: Final = 4
_BRANDS_FROM: Final = 16
_MOST_BRANDS_BYTES: Final = 256
_HEADER_BYTES: Final = 2**16
"""Where properties of pictures stand; behind them are the pictures."""
_CONFIGURATION: Final = b"av1C"
_UNKNOWN_PLANES: Final = 8.0
"""Bytes a pixel of four planes of 16 bits: the most there are."""


def brands(data: bytes) -> tuple[bytes, ...]:
    """The brands of a file, its major one first; none for a file of another kind.

    Args:
        data: its first bytes; the more, the more brands.
    """
    if data[4:8] != b"ftyp":
        return ()
    end = min(int.from_bytes(data[:4]), len(data), _MOST_BRANDS_BYTES)
    compatible = (data[at : at + _BRAND_BYTES] for at in range(_BRANDS_FROM, end - _BRAND_BYTES + 1, _BRAND_BYTES))
    return data[8:12], *compatible


def avif_plane_bytes(data: bytes) -> float:
    """How many bytes a pixel takes in the planes of an AVIF, those of its alpha channel included."""
    header, at, planes = data[:_HEADER_BYTES], -1, 0.0
    while (at := header.find(_CONFIGURATION, at + 1)) >= 0 and at + 6 < len(header):
        flags = header[at + 6]
        chroma = 0 if flags & 0x10 else 2 / (2 if flags & 0x08 else 1) / (2 if flags & 0x04 else 1)
        planes += (2 if flags & 0x40 else 1) * (1 + chroma)
    return planes or _UNKNOWN_PLANES
