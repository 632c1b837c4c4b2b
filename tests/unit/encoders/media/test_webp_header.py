"""A WebP's size as its header states it, whichever way it is coded."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from encoders.errors import InvalidImage
from encoders.media.images import decode_image
from encoders.media.webp_header import canvas_size


def _webp(size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(file, "WEBP", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (320, 17), (17, 4_000)])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_stated_size_is_read(size: tuple[int, int], options: dict[str, object], mode: str) -> None:
    assert canvas_size(_webp(size, mode, **options)) == size


def test_of_other_files_no_size_is_read() -> None:
    assert canvas_size(b"") is None
    assert canvas_size(b"RIFF\0\0\0\0WAVEfmt ") is None


def test_an_animation_that_states_gigabytes_is_refused_before_it_is_opened() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    data = bytearray(file.getvalue())
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xff\x3f\x00" * 2
    with pytest.raises(InvalidImage, match=r"WEBP image of 16384 × 16384 pixels takes 4294 MB to decode"):
        decode_image(bytes(data))
