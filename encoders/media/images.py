"""Bytes of unknown origin → one upright RGB picture, or a reason why not.

What a file will take of memory is estimated from its header before a single pixel is decoded, so a small file that
unpacks to gigabytes costs nothing. Large pictures become smaller while they are decoded, or right afterwards strip by
strip: at no time are there two copies of all their pixels. Pillow's own decoders are the only ones used, and only those
on the allow-list.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Final

from PIL import AvifImagePlugin, ExifTags, Image, PngImagePlugin, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from encoders.errors import InvalidImage
from encoders.media.budgets import DEFAULT_BYTES, STRIP_PIXELS, canvas_bytes, decoding_bytes, prepared_bytes
from encoders.media.iso_header import brands
from encoders.media.preparation import FixedSizePreparer, ImagePreparer, Pixels, as_rgb
from encoders.media.webp_header import canvas_size

FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
MAX_BYTES: Final = 20_000_000
MAX_PIXELS: Final = 120_000_000
"""Phones' largest photos have 108 megapixels; what formats but JPEG may have is bounded by the memory they take."""
MAX_ANIMATION_PIXELS: Final = 160_000_000
"""Pixels of all frames of a WebP animation together: its decoder unpacks every frame."""
DRAFT_SIDE: Final = 512
"""JPEGs are decoded at the smallest scale of 1, 1/2, 1/4 and 1/8 that keeps both sides this long, in pixels, and for an
encoder that takes much smaller ones, `DRAFT_TIMES` its side; other large pictures are reduced by the largest whole
number that keeps them so long."""
DRAFT_TIMES: Final = 4
"""At twice its side, decoding would take a fifth less, but plain borders are found some lines off."""
_WHOLE_PIXELS: Final = 2**22
"""Pictures of up to so many pixels are worked on as a whole; larger ones in strips."""
_TEXT_BYTES: Final = 8 * 2**20
"""Of all texts in a PNG's header together; Pillow would unpack 64 MB of them."""
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, by the orientation that its EXIF data state."""

PngImagePlugin.MAX_TEXT_MEMORY = _TEXT_BYTES
# Decoders run in processes that may start no thread.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

_SVG: Final = "an SVG, which is a program for drawing and is not run; send it as a picture of a known format"
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_OTHER_KINDS: Final = (
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL, which is not taken; send it as a picture of a known format"),
    (b"\xff\x0a", "a JPEG XL, which is not taken; send it as a picture of a known format"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000, which is not taken; send it as a picture of a known format"),
    (b"%PDF-", "a PDF, which is no picture; send its pages as pictures of a known format"),
)
"""What people send for pictures, by how the files begin."""

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


def decode_image(
    data: bytes, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS, budget_bytes: int = DEFAULT_BYTES
) -> Image.Image:
    """Decode the first frame of a picture: upright, RGB, transparency laid on white.

    Args:
        data: a whole JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF file.
        max_bytes: a longer file is refused.
        max_pixels: a picture whose header states a larger width × height is refused.
        budget_bytes: a picture that would take more memory than this while it is decoded and prepared is refused.

    Returns:
        An RGB picture; a large one comes reduced, with both sides still at least `DRAFT_SIDE` pixels.

    Raises:
        InvalidImage: the file is empty, too long, too large, of another format, truncated or broken.
    """
    return _decoded(data, max_bytes, max_pixels, budget_bytes, DRAFT_SIDE)[0]


def _decoded(
    data: bytes, max_bytes: int, max_pixels: int, budget_bytes: int, least_side: int
) -> tuple[Image.Image, int]:
    """A decoded picture, a JPEG scaled down to sides that are no shorter than asked, and by what it was divided."""
    if not data:
        raise InvalidImage("image is empty: 0 bytes")
    if len(data) > max_bytes:
        raise InvalidImage(f"image has {len(data)} bytes, more than the {max_bytes} allowed")
    if size := canvas_size(data):
        _refuse_over("WEBP", size, canvas_bytes(*size), budget_bytes)
    with _open(data) as image:
        try:
            _check_size(image, max_pixels)
            scale = _draft_scale(image.size, least_side) if isinstance(image, JpegImageFile) else 1
            _check_memory(image, data, budget_bytes, scale)
            return _decode(image, least_side), scale
        except _DECODER_ERRORS as error:
            raise InvalidImage(f"{image.format} image cannot be decoded: {_reason(error)}") from error


def decode_and_prepare(data: bytes, preparer: ImagePreparer, budget_bytes: int = DEFAULT_BYTES) -> Pixels:
    """Decode a picture file, and make a model's input (height, width, 3) uint8 of it. Raises `InvalidImage`."""
    side = preparer.least_side if isinstance(preparer, FixedSizePreparer) else None
    least_side = DRAFT_SIDE if side is None else min(DRAFT_SIDE, DRAFT_TIMES * side)
    image, scale = _decoded(data, MAX_BYTES, MAX_PIXELS, budget_bytes, least_side)
    _check_prepared(image, preparer, budget_bytes)
    try:
        if not isinstance(preparer, FixedSizePreparer):
            return preparer(image)
        framed = preparer.framed(image)
        if side is not None and scale > 1 and min(framed.size) < 2 * side and least_side < DRAFT_SIDE:
            # Wide borders: what is within them is worth being decoded in full.
            framed = preparer.framed(decode_image(data, budget_bytes=budget_bytes))
        return preparer.resized(framed)
    except _DECODER_ERRORS as error:
        raise InvalidImage(
            f"image of {image.width} × {image.height} pixels cannot be prepared: {_reason(error)}"
        ) from error


def _check_prepared(image: Image.Image, preparer: ImagePreparer, budget_bytes: int) -> None:
    """Refuse what would grow beyond the budget: a line of pixels, where its short side is scaled up."""
    scaled: Callable[[int, int], tuple[int, int]] | None = getattr(preparer, "scaled", None)
    if scaled is None:
        return
    width, height = scaled(*image.size)
    if prepared_bytes(width, height) > budget_bytes:
        raise InvalidImage(
            f"image of {image.width} × {image.height} pixels cannot be prepared: scaled to {width} × {height} it would"
            f" take more than the {budget_bytes // 10**6} MB allowed"
        )


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise InvalidImage(f"{_kind_refused(data)} ({', '.join(FORMATS)}) in {len(data)} bytes") from error
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


def _check_memory(image: Image.Image, data: bytes, budget_bytes: int, scale: int) -> None:
    decoded = _divided(image.size, scale)
    wanted = decoding_bytes(image, data, decoded, _divided(decoded, _reduction(decoded)))
    _refuse_over(str(image.format), image.size, wanted, budget_bytes)


def _refuse_over(kind: str, size: tuple[int, int], wanted: int, budget_bytes: int) -> None:
    if wanted > budget_bytes:
        raise InvalidImage(
            f"{kind} image of {size[0]} × {size[1]} pixels takes {wanted // 10**6} MB to decode, more than the"
            f" {budget_bytes // 10**6} MB allowed; a smaller one, or a JPEG that is not progressive, will do"
        )


def _draft_scale(size: tuple[int, int], least_side: int) -> int:
    """By what a JPEG of this (width, height) is divided while it is decoded, as `draft` does."""
    return max(scale for scale in (1, 2, 4, 8) if scale == 1 or scale <= min(size) // least_side)


def _reduction(size: tuple[int, int]) -> int:
    """By what whole number a decoded picture of this (width, height) is divided."""
    return 1 if size[0] * size[1] <= _WHOLE_PIXELS else max(1, min(size) // DRAFT_SIDE)


def _divided(size: tuple[int, int], divisor: int) -> tuple[int, int]:
    return -(-size[0] // divisor), -(-size[1] // divisor)


def _decode(image: Image.Image, least_side: int) -> Image.Image:
    if isinstance(image, JpegImageFile):
        image.draft("RGB", (least_side, least_side))
    image.load()
    small = _on_white(image) if image.width * image.height <= _WHOLE_PIXELS else _reduced(image)
    return _upright(small, image)


def _reduced(image: Image.Image) -> Image.Image:
    """A large picture as RGB on white, made smaller strip by strip: so just one strip is there several times."""
    factor = _reduction(image.size)
    lines = factor * max(1, STRIP_PIXELS // image.width // factor)
    small = Image.new("RGB", _divided(image.size, factor))
    for top in range(0, image.height, lines):
        strip = image.crop((0, top, image.width, min(top + lines, image.height)))
        small.paste(_on_white(strip).reduce(factor), (0, top // factor))
    return small


def _upright(small: Image.Image, original: Image.Image) -> Image.Image:
    """A picture turned as the EXIF data of the one that it was made of say."""
    try:
        turn = _TURNS.get(original.getexif().get(ExifTags.Base.Orientation, 1))
    except _DECODER_ERRORS:
        # Only the EXIF data is broken; the pixels are decoded.
        return small
    return small if turn is None else small.transpose(turn)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow would clip levels at 255; the high byte scales them instead.
        image = image.convert("I").point(lambda level: level / 256).convert("L")
    if not image.has_transparency_data:
        return as_rgb(image)
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _kind_refused(data: bytes) -> str:
    """What a file is that is no picture of a known format, as far as its first bytes tell."""
    if _HEIC_BRANDS.intersection(brands(data)):
        return "a HEIC, as iPhones write pictures unless told otherwise; send it as a picture of a known format"
    if _is_svg(data):
        return _SVG
    known = (name for head, name in _OTHER_KINDS if data.startswith(head))
    unknown = "no image of a known format" + (", but a text that is no base64 either" if data.isascii() else "")
    return next(known, unknown)


def _is_svg(data: bytes) -> bool:
    head = data[:1_024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in data[:65_536].lower()


def _reason(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the decoder ran out of memory"
    return f"{type(error).__name__}: {error}"[:200]
