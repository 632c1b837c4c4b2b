"""Bytes of unknown origin → one upright RGB picture, or a reason why not.

Sizes are read from the header and judged before a single pixel is decoded, so a small file that unpacks to
gigabytes costs nothing. Pillow's own decoders are the only ones used, and only those on the allow-list.
"""

from __future__ import annotations

import io
import struct
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from encoders.errors import InvalidImage
from encoders.media.preparation import ImagePreparer, Pixels

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_BYTES: Final = 10_000_000
MAX_PIXELS: Final = 40_000_000
"""A 40-megapixel picture takes 120 MB as RGB: a phone's largest photo, and no more."""
MAX_ANIMATION_PIXELS: Final = 4 * MAX_PIXELS
"""Pixels of all frames of a WebP animation together: its decoder unpacks every frame."""
DRAFT_SIDE: Final = 512
"""JPEGs are decoded at the smallest scale of 1, 1/2, 1/4 and 1/8 that keeps both sides this long, in pixels."""

# What Pillow's parsers raise for broken files: MemoryError where a header lies, Warning where warnings are errors.
_DECODER_ERRORS: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    EOFError,
    ZeroDivisionError,
    MemoryError,
    RuntimeError,
    struct.error,
    Warning,
    Image.DecompressionBombError,
)


def decode_image(data: bytes, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode the first frame of a picture: upright, RGB, transparency laid on white.

    Args:
        data: a whole JPEG, PNG, WebP, GIF, BMP or TIFF file.
        max_bytes: a longer file is refused.
        max_pixels: a picture whose header states a larger width × height is refused.

    Returns:
        An RGB picture; a large JPEG comes reduced, with both sides still at least `DRAFT_SIDE` pixels.

    Raises:
        InvalidImage: the file is empty, too long, too large, of another format, truncated or broken.
    """
    if not data:
        raise InvalidImage("image is empty: 0 bytes")
    if len(data) > max_bytes:
        raise InvalidImage(f"image has {len(data)} bytes, more than the {max_bytes} allowed")
    with _open(data) as image:
        try:
            _check_size(image, max_pixels)
            return _decode(image)
        except _DECODER_ERRORS as error:
            raise InvalidImage(f"{image.format} image cannot be decoded: {_reason(error)}") from error


def decode_and_prepare(data: bytes, preparer: ImagePreparer) -> Pixels:
    """Decode a picture file, and make a model's input (height, width, 3) uint8 of it. Raises `InvalidImage`."""
    image = decode_image(data)
    try:
        return preparer(image)
    except _DECODER_ERRORS as error:
        # A picture one pixel wide can need gigabytes when its short side is scaled up.
        raise InvalidImage(
            f"image of {image.width} × {image.height} pixels cannot be prepared: {_reason(error)}"
        ) from error


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise InvalidImage(f"no image of a known format ({', '.join(FORMATS)}) in {len(data)} bytes") from error
    except _DECODER_ERRORS as error:
        raise InvalidImage(f"image header is broken: {_reason(error)}") from error


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise InvalidImage(f"image is {width} × {height} pixels")
    if width * height > max_pixels:
        raise InvalidImage(f"image is {width} × {height} pixels, more than the {max_pixels} allowed")
    frames = getattr(image, "n_frames", 1) if image.format == "WEBP" else 1
    if frames * width * height > MAX_ANIMATION_PIXELS:
        raise InvalidImage(f"animation is {frames} frames of {width} × {height} pixels, more than allowed")


def _decode(image: Image.Image) -> Image.Image:
    if image.format == "JPEG":
        image.draft("RGB", (DRAFT_SIDE, DRAFT_SIDE))
    image.load()
    return _on_white(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DECODER_ERRORS:
        # Only the EXIF data is broken; the pixels are decoded.
        return image


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow would clip levels at 255; the high byte scales them instead.
        image = image.convert("I").point(lambda level: level / 256).convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the decoder ran out of memory"
    return f"{type(error).__name__}: {error}"[:200]
