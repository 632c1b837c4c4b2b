"""One cut-out thing, seen the ways a shopper's phone sees it: piled on a stand, or held before a shelf."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from vitrine.samples.mini.data.synthetic_sprites import random_colour

_WHITE_LEVEL = 236
"""Studio white is at least this bright in each channel, shadows and JPEG noise included."""


def cut_out(packshot: Image.Image) -> Image.Image:
    """Clear the white studio ground that touches the border, and crop to what is left: RGBA."""
    levels = np.asarray(packshot.convert("RGB"))
    white = np.asarray((levels >= _WHITE_LEVEL).all(axis=2))
    ground = _reached_from_border(white)
    mask = Image.fromarray(np.where(ground, 0, 255).astype(np.uint8)).filter(ImageFilter.MinFilter(3))
    sprite = packshot.convert("RGBA")
    sprite.putalpha(mask)
    return sprite.crop(sprite.getbbox() or (0, 0, *sprite.size))


def draw_packshot(sprite: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """The studio packshot of a cut-out: centred on white, with a little margin."""
    canvas = Image.new("RGBA", (side, side), "white")
    fitted = _scaled(sprite, side * float(rng.uniform(0.82, 0.98)))
    canvas.alpha_composite(fitted, ((side - fitted.width) // 2, (side - fitted.height) // 2))
    return canvas.convert("RGB")


def draw_pile(sprite: Image.Image, ground: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """Many of one thing, heaped over a ground, darker towards the gaps."""
    canvas = ground.convert("RGBA").resize((side, side))
    canvas = Image.blend(canvas, Image.new("RGBA", canvas.size, _gap_colour(sprite)), float(rng.uniform(0.3, 1.0)))
    extent = side * float(rng.choice([0.16, 0.24, 0.34, 0.48]) * rng.uniform(0.85, 1.2))
    turned = _turned(sprite, extent, rng, 180.0 if rng.random() < 0.7 else 12.0)
    top = side * float(rng.choice([0.0, 0.0, 0.2, 0.4]) - 0.15)
    for x, y in _heap(side, extent, top, rng):
        canvas.alpha_composite(turned[int(rng.integers(len(turned)))], _clipped(x, y))
    if rng.random() < 0.3:
        _price_tag(canvas, rng)
    return _lit(canvas, rng)


def draw_in_hand(
    sprite: Image.Image, others: Sequence[Image.Image], ground: Image.Image, side: int, rng: np.random.Generator
) -> Image.Image:
    """One thing large before a shelf of others, often in a hand."""
    canvas = draw_shelf(others, ground, side, rng).convert("RGBA")
    extent = side * float(rng.uniform(0.55, 1.1))
    turned = _turned(sprite, extent, rng, 25.0)[0]
    left = int((side - turned.width) / 2 + rng.normal(0, 0.08) * side)
    top = int((side - turned.height) / 2 + rng.normal(0, 0.08) * side)
    _paste(canvas, turned, left, top)
    if rng.random() < 0.6:
        _hand(canvas, rng)
    return _lit(canvas, rng)


def draw_shelf(others: Sequence[Image.Image], ground: Image.Image, side: int, rng: np.random.Generator) -> Image.Image:
    """Rows of other things, out of focus; or just the ground."""
    canvas = ground.convert("RGBA").resize((side, side))
    if rng.random() < 0.4:
        return canvas
    high = side * float(rng.uniform(0.18, 0.4))
    y = float(-rng.uniform(0, high))
    while y < side:
        x, row = float(-rng.uniform(0, high)), others[int(rng.integers(len(others)))]
        small = _scaled(row, high)
        while x < side:
            _paste(canvas, small, int(x), int(y))
            x += small.width * float(rng.uniform(0.9, 1.2)) + 1
            if rng.random() < 0.3:
                small = _scaled(others[int(rng.integers(len(others)))], high)
        y += high * float(rng.uniform(1.05, 1.3))
    return canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, side / 60))))


def random_background(photos: Sequence[NDArray[np.uint8]], rng: np.random.Generator, side: int) -> Image.Image:
    """Something to stand before: part of a photo of something else, or two colours and noise."""
    if photos and rng.random() < 0.5:
        photo = Image.fromarray(photos[int(rng.integers(len(photos)))])
        extent = int(min(photo.size) * rng.uniform(0.3, 1.0))
        left, top = (int(rng.integers(0, limit - extent + 1)) for limit in photo.size)
        return photo.crop((left, top, left + extent, top + extent)).resize((side, side))
    corners = np.asarray([random_colour(rng) for _ in range(4)], np.uint8).reshape(2, 2, 3)
    smooth = np.asarray(Image.fromarray(corners).resize((side, side), Image.Resampling.BILINEAR), np.float32)
    noise = rng.normal(0, rng.uniform(0, 14), (side, side, 1))
    return Image.fromarray(np.clip(smooth * rng.uniform(0.3, 1.0) + noise, 0, 255).astype(np.uint8))


def _reached_from_border(white: NDArray[np.bool_]) -> NDArray[np.bool_]:
    reached = np.zeros_like(white)
    reached[[0, -1], :], reached[:, [0, -1]] = white[[0, -1], :], white[:, [0, -1]]
    count = -1
    while count != (count := int(reached.sum())):
        for _ in range(8):
            grown = reached.copy()
            grown[1:] |= reached[:-1]
            grown[:-1] |= reached[1:]
            grown[:, 1:] |= reached[:, :-1]
            grown[:, :-1] |= reached[:, 1:]
            reached = grown & white
    return reached


def _scaled(sprite: Image.Image, extent: float) -> Image.Image:
    scale = extent / max(sprite.size)
    size = (max(1, round(sprite.width * scale)), max(1, round(sprite.height * scale)))
    return sprite.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _turned(sprite: Image.Image, extent: float, rng: np.random.Generator, degrees: float) -> list[Image.Image]:
    base = _scaled(sprite, extent)
    turned = []
    for _ in range(6):
        copy = base.rotate(float(rng.uniform(-degrees, degrees)), Image.Resampling.BILINEAR, expand=True)
        red, green, blue, alpha = copy.split()
        shade = float(rng.uniform(0.6, 1.1))
        levels = [channel.point(lambda level, shade=shade: level * shade) for channel in (red, green, blue)]
        turned.append(Image.merge("RGBA", (*levels, alpha)))
    return turned


def _gap_colour(sprite: Image.Image) -> tuple[int, int, int]:
    levels = np.asarray(sprite).reshape(-1, 4)
    solid = levels[levels[:, 3] > 128, :3]
    red, green, blue = (solid.mean(axis=0) if len(solid) else np.full(3, 60.0)) * 0.35
    return int(red), int(green), int(blue)


def _heap(side: int, extent: float, top: float, rng: np.random.Generator) -> list[tuple[int, int]]:
    step = extent * float(rng.uniform(0.55, 0.85))
    places = []
    y = top
    while y < side:
        offset = float(rng.uniform(-step, 0)) - extent / 2
        xs = np.arange(offset, side, step) + rng.normal(0, step * 0.12, len(np.arange(offset, side, step)))
        places += [(int(x), int(y + rng.normal(0, step * 0.12))) for x in xs]
        y += step * 0.8
    return places


def _clipped(x: int, y: int) -> tuple[int, int]:
    return max(0, x), max(0, y)


def _paste(canvas: Image.Image, picture: Image.Image, left: int, top: int) -> None:
    canvas.paste(picture, (left, top), picture)


def _price_tag(canvas: Image.Image, rng: np.random.Generator) -> None:
    side = canvas.width
    x, y = float(rng.uniform(0, 0.7)) * side, float(rng.choice([0.0, 0.8])) * side
    colour = [(245, 245, 240), (250, 220, 60), (220, 40, 40)][int(rng.integers(3))]
    ImageDraw.Draw(canvas).rectangle((x, y, x + 0.3 * side, y + 0.18 * side), fill=colour)


def _hand(canvas: Image.Image, rng: np.random.Generator) -> None:
    side = canvas.width
    tone = float(rng.uniform(0.35, 1.0))
    skin = (int(235 * tone), int(190 * tone), int(160 * tone))
    draw = ImageDraw.Draw(canvas)
    x = float(rng.choice([0.1, 0.75])) * side + float(rng.normal(0, 0.05)) * side
    for finger in range(int(rng.integers(1, 5))):
        y = side * (0.5 + 0.1 * finger)
        draw.ellipse((x - 0.12 * side, y, x + 0.16 * side, y + 0.11 * side), fill=skin)
    draw.polygon([(x - 0.15 * side, side), (x, 0.7 * side), (x + 0.2 * side, side)], fill=skin)


def _lit(canvas: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Shop light: a warm or cold cast, a bright and a dark side, a soft lens."""
    levels = np.asarray(canvas.convert("RGB"), np.float32)
    warm = float(rng.normal(0.06, 0.1))
    gains = np.asarray([1 + warm, 1.0, 1 - warm * 1.3], np.float32) * float(rng.uniform(0.75, 1.25))
    start, end = rng.uniform(0.7, 1.15, 2)
    ramp = np.linspace(start, end, levels.shape[0], dtype=np.float32)
    levels = levels * gains * (ramp[:, None, None] if rng.random() < 0.5 else ramp[None, :, None])
    image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, canvas.width / 110))))
