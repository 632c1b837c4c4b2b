"""What kind of picture, clip or sound a file is, by its first bytes: nothing else is served."""

from __future__ import annotations

from encoders.media.iso_header import brands

HEAD_BYTES = 64
"""So much of a file tells its type."""

_MAGIC = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"\x00\x00\x00\x0cjP  ", "image/jp2"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"FORM", "audio/aiff"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"#!AMR", "audio/amr"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic-sequence",
    b"hevx": "image/heic-sequence",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
"""Of the boxes in which ISO's media files come; all other brands are clips."""
_PICTURE_BRANDS = (b"mif1", b"msf1", b"miaf")
"""Major brands that leave it to the others what a picture is coded by."""
_FRAMES = {
    b"\xff\xfb": "audio/mpeg",
    b"\xff\xfa": "audio/mpeg",
    b"\xff\xf3": "audio/mpeg",
    b"\xff\xf2": "audio/mpeg",
    b"\xff\xe3": "audio/mpeg",
    b"\xff\xe2": "audio/mpeg",
    b"\xff\xf1": "audio/aac",
    b"\xff\xf9": "audio/aac",
}
"""How frames of MP3 and of AAC begin. Not all that MPEG allows: a text in UTF-16 begins with two such bytes."""


def media_type(head: bytes) -> str | None:
    """The media type of a picture, clip or sound by its first `HEAD_BYTES`; None: it is none that is known here.

    A page, a script or a drawing with scripts in it is None, whatever follows.
    """
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if stated := brands(head):
        return _type_of_brands(*stated)
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head[:HEAD_BYTES] else "video/x-matroska"
    return _FRAMES.get(head[:2])


def _type_of_brands(major: bytes, *compatible: bytes) -> str:
    if major in _PICTURE_BRANDS:
        return next((_BRANDS[brand] for brand in compatible if brand in _BRANDS), "image/heif")
    return _BRANDS.get(major, "video/mp4")
