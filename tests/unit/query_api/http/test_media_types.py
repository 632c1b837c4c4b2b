"""Media types by the first bytes."""

import io

import pytest
from PIL import Image

from query_api.http.media_types import HEAD_BYTES, media_type


@pytest.mark.parametrize(
    ("format", "kind"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("WEBP", "image/webp"),
        ("BMP", "image/bmp"),
        ("TIFF", "image/tiff"),
        ("AVIF", "image/avif"),
        ("ICO", "image/x-icon"),
    ],
)
def test_pictures_are_known_by_their_first_bytes(format: str, kind: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, format)
    assert media_type(file.getvalue()[:HEAD_BYTES]) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x00\x20ftypavif", "image/avif"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafavif", "image/avif"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafheic", "image/heic"),
        (b"\x00\x00\x00\x18ftypheix\x00\x00\x00\x00mif1avif", "image/heic"),
        (b"\x00\x00\x00\x10ftypmif1\x00\x00\x00\x00avif", "image/heif"),
        (b"\x00\x00\x00\x1cftypmp42\x00\x00\x00\x00avifisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x1aE\xdf\xa3....B\x82\x84webm", "video/webm"),
        (b"RIFF....WAVE", "audio/wav"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"\xff\xfe<\x00h\x00", None),
        (b"\xef\xbb\xbf<html>", None),
        (b"<?xml version='1.0'?><svg>", None),
        (b"PK\x03\x04", None),
    ],
)
def test_clips_and_sounds_too_and_nothing_else(head: bytes, kind: str | None) -> None:
    assert media_type(head) == kind
