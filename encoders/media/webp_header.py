"""How large a WebP says it is: its decoder takes memory for all of it as soon as the file is opened."""

from __future__ import annotations


def canvas_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels that a file states; None for a file that is no WebP.

    Source: RFC 9649, "WebP Image Format".
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
