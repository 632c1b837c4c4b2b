"""Decoders stay within the memory that they are given, whatever the picture; usual pictures need far less."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from encoders.errors import InvalidImage
from encoders.media.budgets import DEFAULT_BYTES
from encoders.media.images import decode_image
from encoders.media.preparation import FixedSizePreparer
from encoders.processes.image_decoding import DecodingConfig, ImageDecoderPool

ONE = DecodingConfig(processes=1, deadline_s=60)
PREPARER = FixedSizePreparer(shortest_edge=224, crop=(224, 224), trim=True)


def _file(size: tuple[int, int], mode: str, kind: str, **options: object) -> bytes:
    """A picture without a plain border, so that all of it is worked on."""
    gradient = Image.linear_gradient("L").resize(size)
    picture = gradient if mode == "L" else Image.merge(mode, [gradient] * len(mode))
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


LARGEST: dict[str, bytes] = {}


def _largest() -> dict[str, bytes]:
    """By name, pictures that take about as much as one may."""
    if not LARGEST:
        LARGEST.update(
            {
                "transparent PNG of 40 megapixels": _file((6_300, 6_300), "RGBA", "PNG", compress_level=1),
                "grey PNG of 116 megapixels": _file((10_800, 10_800), "L", "PNG", compress_level=1),
                "WebP of 12 megapixels": _file((4_032, 3_024), "RGB", "WEBP", method=0),
                "AVIF of 20 megapixels": _file((5_120, 3_840), "RGB", "AVIF", speed=10),
                "AVIF of 12 megapixels in full colour": _file(
                    (4_000, 3_000), "RGBA", "AVIF", speed=10, subsampling="4:4:4"
                ),
                "JPEG of 50 megapixels": _file((8_160, 6_120), "RGB", "JPEG"),
                "progressive JPEG of 50 megapixels": _file((8_160, 6_120), "RGB", "JPEG", progressive=True),
                "JPEG of 108 megapixels": _file((12_000, 9_000), "L", "JPEG"),
                "TIFF of 25 megapixels": _file((5_000, 5_000), "RGB", "TIFF", compression="tiff_adobe_deflate"),
                "GIF of 40 megapixels": _file((6_300, 6_300), "L", "GIF"),
            }
        )
    return LARGEST


async def test_the_largest_pictures_of_each_kind_stay_within_the_memory_of_a_decoder() -> None:
    async with ImageDecoderPool(PREPARER, ONE) as pool:
        (pid,) = pool.pids
        for name, file in _largest().items():
            (outcome,) = await pool.decode([file])
            assert isinstance(outcome, np.ndarray), f"{name}: {outcome}"
            assert _peak_bytes(pid) <= ONE.memory_bytes, name
        assert pool.pids == [pid]


@pytest.mark.parametrize(
    ("size", "mode", "kind", "options"),
    [
        ((9_000, 9_000), "RGBA", "PNG", {"compress_level": 1}),
        ((5_000, 5_000), "RGB", "WEBP", {"method": 0}),
        ((4_000, 4_000), "RGB", "WEBP", {"method": 0, "lossless": True, "quality": 0}),
        ((4_000, 4_000), "RGBA", "WEBP", {"method": 0}),
        ((8_160, 6_120), "RGB", "JPEG", {"progressive": True, "subsampling": 0}),
        ((6_000, 4_500), "RGB", "AVIF", {"speed": 10}),
        ((4_800, 3_600), "RGBA", "AVIF", {"speed": 10, "subsampling": "4:4:4"}),
        ((500, 80_000), "RGB", "PNG", {"compress_level": 1}),
        ((500, 60_000), "RGB", "JPEG", {}),
    ],
)
async def test_a_picture_that_needs_more_is_refused_by_its_header(
    size: tuple[int, int], mode: str, kind: str, options: dict[str, object]
) -> None:
    file = _file(size, mode, kind, **options)
    with pytest.raises(InvalidImage, match=r"takes \d+ MB to decode, more than the 201 MB allowed"):
        decode_image(file[: len(file) // 2] if kind == "PNG" else file)


async def test_a_decoder_that_is_given_less_memory_refuses_more() -> None:
    config = DecodingConfig(processes=1, deadline_s=60, memory_bytes=2**27)
    async with ImageDecoderPool(PREPARER, config) as pool:
        refused, decoded = await pool.decode([_file((3_000, 2_000), "RGB", kind) for kind in ("WEBP", "JPEG")])
        assert "more than the 67 MB allowed" in str(refused)
        assert isinstance(decoded, np.ndarray)


def test_large_pictures_reduced_strip_by_strip_are_the_same_as_reduced_at_once() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (90, 130, 4), np.uint8)
    picture = Image.fromarray(noise).resize((2_600, 1_801))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    layer = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    assert np.array_equal(np.asarray(decode_image(file.getvalue())), np.asarray(layer.reduce(3)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_large_pictures_are_turned_upright_after_they_are_reduced(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.radial_gradient("L").resize((2_400, 1_800)).convert("RGB")
    file = io.BytesIO()
    picture.save(file, "PNG", exif=exif, compress_level=1)
    assert decode_image(file.getvalue()).size == ((800, 600) if orientation < 5 else (600, 800))


def test_an_svg_is_refused_by_name() -> None:
    for head in (b"", b"\xef\xbb\xbf", b"<?xml version='1.0'?>\n<!-- drawn -->\n"):
        with pytest.raises(InvalidImage, match="an SVG, which"):
            decode_image(head + b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>")


def test_the_budget_is_what_the_process_has_beside_its_libraries() -> None:
    assert ImageDecoderPool(PREPARER)._program.setup_message.budget_bytes == DEFAULT_BYTES


def _peak_bytes(pid: int) -> int:
    """The most resident memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1_024 * int(status.partition("VmHWM:")[2].split()[0])
