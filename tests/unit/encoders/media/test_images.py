"""Whatever the bytes, there is an upright RGB picture or an `InvalidImage`."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from encoders.errors import InvalidImage
from encoders.media.images import DRAFT_SIDE, decode_and_prepare, decode_image
from encoders.media.preparation import FixedSizePreparer
from tests.paths import SHARED_DATA

DATA = SHARED_DATA
HOSTILE = DATA / "hostile"


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _hostile_files() -> list[str]:
    manifest = HOSTILE / "manifest.jsonl"
    if not manifest.is_file():
        return []
    return [json.loads(line)["file"] for line in manifest.read_text("utf-8").splitlines()]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("name", _hostile_files() or [pytest.param("", marks=pytest.mark.skip("no hostile/ data"))])
def test_hostile_files_give_a_picture_or_a_reason(name: str) -> None:
    try:
        image = decode_image((DATA / name).read_bytes())
    except InvalidImage as error:
        assert str(error)
    else:
        assert image.mode == "RGB"
        assert min(image.size) > 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_each_format_of_the_allow_list_decodes(kind: str) -> None:
    image = decode_image(_encoded(Image.new("RGB", (20, 10), (200, 30, 30)), kind))
    assert image.size == (20, 10)
    assert np.abs(np.asarray(image, int) - (200, 30, 30)).max() < 10


def test_other_formats_are_refused() -> None:
    with pytest.raises(InvalidImage, match="known format"):
        decode_image(_encoded(Image.new("RGB", (20, 10)), "PPM"))


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "a HEIC"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00miafheix", "a HEIC"),
        (b"\xff\x0a\xfa\x1f", "a JPEG XL"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000"),
        (b"%PDF-1.7", "a PDF"),
    ],
)
def test_what_people_send_for_pictures_is_refused_by_name_with_what_is_taken(head: bytes, named: str) -> None:
    with pytest.raises(InvalidImage, match=rf"{named}, .*\(JPEG, PNG, WEBP, AVIF, GIF, BMP, TIFF\)"):
        decode_image(head + bytes(100))


def test_an_avif_is_upright_on_white() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = decode_image(_encoded(Image.new("RGBA", (40, 10), (255, 0, 0, 0)), "AVIF", exif=exif))
    assert image.size == (10, 40)
    assert min(image.getpixel((5, 5))) > 250


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = decode_image(_encoded(Image.new("RGB", (40, 10)), "JPEG", exif=exif))
    assert image.size == (10, 40)


def test_transparency_is_laid_on_white() -> None:
    assert decode_image(_encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG")).getpixel((0, 0)) == (255, 255, 255)
    assert decode_image(_encoded(Image.new("LA", (4, 4), (0, 128)), "PNG")).getpixel((0, 0)) == (127, 127, 127)


def test_sixteen_bit_grey_keeps_its_scale() -> None:
    grey = Image.fromarray(np.full((4, 4), 0x8000, np.uint16))
    assert decode_image(_encoded(grey, "PNG")).getpixel((0, 0)) == (128, 128, 128)


def test_cmyk_and_palette_become_rgb() -> None:
    assert decode_image(_encoded(Image.new("CMYK", (4, 4)), "JPEG")).mode == "RGB"
    assert decode_image(_encoded(Image.new("P", (4, 4)), "PNG")).mode == "RGB"


def test_only_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(data).getpixel((0, 0)) == (255, 0, 0)


def test_large_jpegs_come_reduced() -> None:
    image = decode_image(_encoded(Image.new("RGB", (4096, 3072)), "JPEG"))
    assert DRAFT_SIDE <= min(image.size) < 3072


def _photo(width: int, height: int) -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def test_jpegs_are_decoded_no_larger_than_a_small_encoder_needs() -> None:
    preparer, data = FixedSizePreparer((64, 64), trim=True), _encoded(_photo(1000, 800), "JPEG", quality=90)
    small = np.asarray(decode_and_prepare(data, preparer), int)
    assert np.abs(small - preparer(decode_image(data))).mean() < 1.5


def test_goods_within_wide_borders_are_decoded_in_full() -> None:
    preparer, frame = FixedSizePreparer((64, 64), trim=True), Image.new("RGB", (800, 800), "white")
    frame.paste(_photo(200, 160), (300, 320))
    data = _encoded(frame, "JPEG", quality=95)
    assert np.array_equal(decode_and_prepare(data, preparer), preparer(decode_image(data)))


def test_length_is_bounded() -> None:
    with pytest.raises(InvalidImage, match="more than the 100 allowed"):
        decode_image(b"x" * 101, max_bytes=100)
    with pytest.raises(InvalidImage, match="empty"):
        decode_image(b"")


def test_size_is_judged_by_the_header_before_decoding() -> None:
    data = bytearray(_encoded(Image.new("RGB", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", 9_000, 9_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(InvalidImage, match=r"9000 × 9000 pixels takes 3\d\d MB to decode, more than the 201 MB"):
        decode_image(bytes(data))
    with pytest.raises(InvalidImage, match="50 × 50 pixels, more than the 2000 allowed"):
        decode_image(_encoded(Image.new("RGB", (50, 50)), "PNG"), max_pixels=2000)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_truncated_files_are_refused(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    data = _encoded(noise, kind)
    with pytest.raises(InvalidImage):
        decode_image(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
@given(places=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_flipped_bytes_never_raise_anything_else(kind: str, places: list[tuple[float, int]]) -> None:
    data = bytearray(_encoded(ImageOps.colorize(Image.linear_gradient("L"), "red", "blue").resize((24, 24)), kind))
    for place, value in places:
        data[int(place * len(data))] = value
    with contextlib.suppress(InvalidImage):
        assert decode_image(bytes(data), max_pixels=1_000_000).mode == "RGB"
