"""How much memory a picture will take while it is decoded, from its header, before a pixel is decoded.

The estimates are upper bounds of what Pillow's decoders were seen to take; who asks refuses a picture over its budget.
"""

from __future__ import annotations

import math
from typing import Any, Final, cast

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from encoders.media.iso_header import avif_plane_bytes
from encoders.media.jpeg_header import coefficient_count, has_several_scans

DEFAULT_BYTES: Final = 2**28 - 2**26
"""For a picture's file, pixels and copies at the peak: a WebP of 12 megapixels, an AVIF of 20, a PNG of 40, a JPEG of
100 and more."""
STRIP_PIXELS: Final = 2**20
"""Of a large picture as many are worked on at once after decoding."""
_BYTES_PER_PIXEL: Final = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Of Pillow's own storage; in other modes it takes 4."""
_RGB_BYTES: Final = 4
_CANVAS_BYTES: Final = 4
_CANVASES: Final = 2
"""What the decoder of WebP animations, which decodes all WebPs, keeps as long as the picture is open."""
_RLE_BYTES_PER_PIXEL: Final = 2
_COEFFICIENT_BYTES: Final = 2
_FILE_COPIES: Final = 3
"""The request that it came in, the file itself, and a file that waits for its turn."""
_STRIP_COPIES: Final = 5
_PREPARED_COPIES: Final = 3
"""Of the RGB picture that decoding ends in: itself, one without borders, one that is being resized."""
_BITS, _SAMPLES, _ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH, _ORIENTATION = 258, 277, 278, 322, 323, 274


def decoding_bytes(image: Image.Image, file: bytes, decoded: tuple[int, int], reduced: tuple[int, int]) -> int:
    """The most memory that decoding and preparing a picture takes, in bytes.

    Args:
        image: opened, and neither loaded nor told yet that it may be decoded at a smaller scale.
        file: what it was opened from.
        decoded: (width, height) that it is decoded at.
        reduced: (width, height) of the RGB picture that it becomes.
    """
    pixels = math.prod(decoded) * _BYTES_PER_PIXEL.get(image.mode, 4)
    canvases = math.prod(decoded) * _kept_bytes_per_pixel(image, file)
    strips = _STRIP_COPIES * _RGB_BYTES * min(STRIP_PIXELS, math.prod(decoded))
    prepared = _PREPARED_COPIES * _RGB_BYTES * math.prod(reduced)
    while_decoding = _decoder_bytes(image, file, decoded, pixels)
    return _FILE_COPIES * len(file) + pixels + math.ceil(canvases) + max(while_decoding, strips + prepared)


def canvas_bytes(width: int, height: int) -> int:
    """What the decoder of a WebP of this size takes, and with the picture itself, in bytes."""
    return (_CANVASES + 2) * _CANVAS_BYTES * width * height


def prepared_bytes(width: int, height: int) -> int:
    """The most memory that a picture scaled to this width and height takes, with its copies, in bytes."""
    return _PREPARED_COPIES * _RGB_BYTES * width * height


def _kept_bytes_per_pixel(image: Image.Image, file: bytes) -> float:
    """What the decoder keeps for each pixel as long as the picture is open, beside the picture."""
    if image.format == "WEBP":
        return _CANVASES * _CANVAS_BYTES
    return avif_plane_bytes(file) + len(image.getbands()) if image.format == "AVIF" else 0


def _decoder_bytes(image: Image.Image, file: bytes, decoded: tuple[int, int], pixels: int) -> int:
    """What the decoder takes beside the picture itself, and gives back."""
    if isinstance(image, JpegImageFile):
        sampling = [(across, down) for _, across, down, _ in image.layer]
        return _COEFFICIENT_BYTES * coefficient_count(*image.size, sampling) if has_several_scans(file) else 0
    if isinstance(image, TiffImageFile):
        return _tiff_bytes(image, pixels)
    if image.format == "WEBP":
        return _CANVAS_BYTES * math.prod(decoded)
    return math.prod(decoded) * _RLE_BYTES_PER_PIXEL if image.format == "BMP" else 0


def _tiff_bytes(image: TiffImageFile, pixels: int) -> int:
    """A strip or tile as the file has it, and a copy where the picture is turned upright."""
    tags = cast("Any", image.tag_v2)
    width, height = image.size
    row = _largest(tags.get(_TILE_WIDTH, width))
    rows = _largest(tags.get(_TILE_LENGTH, tags.get(_ROWS_PER_STRIP, height)))
    # A strip may state more rows than there are, a tile may not.
    rows = rows if _TILE_LENGTH in tags else min(rows, max(width, height))
    bits = _largest(tags.get(_SAMPLES, 1)) * max(8, _largest(tags.get(_BITS, 8)))
    return row * rows * bits // 8 + (pixels if tags.get(_ORIENTATION, 1) != 1 else 0)


def _largest(value: Any) -> int:
    return max(int(number) for number in cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else int(value)
