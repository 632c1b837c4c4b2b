"""Fabrics and surfaces: a pattern in the product's colours under the texture of its material."""

from __future__ import annotations

import math
import random

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.textures import TEXTURES, texture


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """A colour between two: 0 is the first, 1 the second."""
    r, g, b = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (r, g, b)


def shade(colour: Rgb, factor: float) -> Rgb:
    """A darker (below 1) or lighter (above 1) colour."""
    return mix(colour, (0, 0, 0), 1 - factor) if factor <= 1 else mix(colour, (255, 255, 255), factor - 1)


def luminance(colour: Rgb) -> float:
    """0 black to 255 white."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def accent(colour: Rgb, rng: random.Random) -> Rgb:
    """A second colour that stands out from the first."""
    names = ["white", "black", "navy", "beige", "red", "mustard", "sky", "pink", "teal", "grey", "white"]
    rng.shuffle(names)
    return max((RGB[name] for name in names[:3]), key=lambda candidate: abs(luminance(candidate) - luminance(colour)))


def fabric(px: int, colour: Rgb, second: Rgb, pattern: str, material: str, rng: random.Random) -> Image.Image:
    """A square of patterned material (px, px), RGB."""
    sheet = _PATTERNS.get(pattern, _plain)(px, colour, second, rng)
    if material not in TEXTURES:
        return sheet
    grain = texture(material, px)
    dx, dy = rng.randrange(px), rng.randrange(px)
    return ImageChops.hard_light(sheet, ImageChops.offset(grain, dx, dy))


def _plain(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    return Image.new("RGB", (px, px), colour)


def _tiled(px: int, tile: Image.Image) -> Image.Image:
    sheet = Image.new("RGB", (px, px))
    for x in range(0, px, tile.width):
        for y in range(0, px, tile.height):
            sheet.paste(tile, (x, y))
    return sheet


def _striped(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    sheet, step = Image.new("RGB", (px, px), colour), px * rng.uniform(0.05, 0.13)
    draw, share = ImageDraw.Draw(sheet), rng.uniform(0.25, 0.55)
    for i in range(int(px / step) + 1):
        draw.rectangle((0, i * step, px, (i + share) * step), fill=second)
    return sheet


def _pinstriped(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    sheet, step = Image.new("RGB", (px, px), colour), px * rng.uniform(0.03, 0.07)
    draw, share = ImageDraw.Draw(sheet), rng.uniform(0.18, 0.4)
    for i in range(int(px / step) + 1):
        draw.rectangle((i * step, 0, (i + share) * step, px), fill=second)
    return sheet


def _checked(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    step = int(px * rng.uniform(0.07, 0.14))
    half, thin = int(step * rng.uniform(0.35, 0.55)), max(1, step // 12)
    tile = Image.new("RGB", (step, step), colour)
    draw, both = ImageDraw.Draw(tile), mix(colour, second, 0.5)
    draw.rectangle((0, 0, half, step), fill=both)
    draw.rectangle((0, 0, step, half), fill=both)
    draw.rectangle((0, 0, half, half), fill=second)
    line = shade(second, 1.5)
    draw.rectangle((step - thin * 3, 0, step - thin * 2, step), fill=line)
    draw.rectangle((0, step - thin * 3, step, step - thin * 2), fill=line)
    return _tiled(px, tile)


def _dotted(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    step = max(8, int(px * rng.uniform(0.06, 0.13)))
    tile, radius = Image.new("RGB", (step, step), colour), step * rng.uniform(0.16, 0.26)
    draw = ImageDraw.Draw(tile)
    for x, y in ((step / 4, step / 4), (step * 0.75, step * 0.75)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=second)
    return _tiled(px, tile)


def _floral(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    step = max(24, int(px * rng.uniform(0.2, 0.32)))
    tile = Image.new("RGB", (step, step), colour)
    draw, leaf, heart = ImageDraw.Draw(tile), mix(RGB["green"], colour, 0.3), RGB["yellow"]
    for _ in range(7):
        x, y, size = rng.random() * step, rng.random() * step, step * rng.uniform(0.05, 0.1)
        petal = second if rng.random() < 0.6 else RGB[rng.choice(("pink", "coral", "white", "lavender"))]
        draw.ellipse((x + size, y + size, x + 3 * size, y + 1.8 * size), fill=leaf)
        for angle in range(0, 360, 72):
            cx, cy = x + size * math.cos(math.radians(angle)), y + size * math.sin(math.radians(angle))
            draw.ellipse((cx - size * 0.75, cy - size * 0.75, cx + size * 0.75, cy + size * 0.75), fill=petal)
        draw.ellipse((x - size * 0.5, y - size * 0.5, x + size * 0.5, y + size * 0.5), fill=heart)
    return _tiled(px, tile)


def _zigzag(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    sheet, step = Image.new("RGB", (px, px), colour), px * rng.uniform(0.05, 0.1)
    draw, width = ImageDraw.Draw(sheet), int(px * rng.uniform(0.016, 0.032))
    for row in range(int(px / step) + 2):
        points = [(i * step, (row + i % 2) * step - step) for i in range(int(px / step) + 2)]
        if row % 2 == 0 or rng.random() < 0.85:
            draw.line(points, fill=second if row % 3 else shade(second, 0.75), width=width)
    return sheet


def _camo(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    shades = (colour, shade(colour, 0.55), mix(colour, RGB["tan"], 0.55), shade(colour, 1.25))
    fields = np.random.default_rng(rng.getrandbits(32)).random((4, 12, 12)).astype(np.float32)
    layers = [
        np.asarray(Image.fromarray(field).resize((px // 2, px // 2), Image.Resampling.BICUBIC)) for field in fields
    ]
    winner = np.argmax(np.stack(layers), axis=0)
    sheet = Image.fromarray(np.asarray(shades, np.uint8)[winner])
    return sheet.resize((px, px), Image.Resampling.NEAREST)


def _colour_block(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    sheet, edge = Image.new("RGB", (px, px), colour), px * rng.uniform(0.36, 0.6)
    draw = ImageDraw.Draw(sheet)
    if rng.random() < 0.3:
        draw.polygon([(0, edge + px * 0.2), (px, edge - px * 0.2), (px, px), (0, px)], fill=second)
    else:
        draw.rectangle((0, edge, px, px), fill=second)
        draw.rectangle((0, edge, px, edge + px * 0.02), fill=shade(second, 0.7))
    return sheet


def _gradient(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    ends = np.asarray([colour, second], np.float32)
    share = np.linspace(0, 1, 64, dtype=np.float32)[:, None] ** rng.uniform(0.8, 1.5)
    column = (ends[0] + (ends[1] - ends[0]) * share).astype(np.uint8)[:, None, :]
    return Image.fromarray(np.repeat(column, 2, axis=1)).resize((px, px), Image.Resampling.BILINEAR)


def _logo(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    sheet = Image.new("RGB", (px, px), colour)
    draw, x, y, size = ImageDraw.Draw(sheet), px * 0.5, px * rng.uniform(0.4, 0.48), px * rng.uniform(0.06, 0.11)
    third = mix(second, RGB[rng.choice(("red", "teal", "mustard", "blue", "pink"))], 0.7)
    box = (x - size, y - size, x + size, y + size)
    sign = rng.randrange(4)
    if sign == 0:
        draw.ellipse(box, fill=second)
        draw.pieslice(box, 20, 200, fill=third)
    elif sign == 1:
        draw.polygon([(x, y - size), (x + size, y + size), (x - size, y + size)], fill=third)
        draw.polygon([(x, y), (x + size * 0.5, y + size), (x - size * 0.5, y + size)], fill=second)
    elif sign == 2:
        draw.rounded_rectangle(box, size * 0.3, fill=third)
        draw.ellipse((x - size * 0.5, y - size * 0.5, x + size * 0.5, y + size * 0.5), fill=second)
    else:
        for i in range(3):
            draw.rectangle(
                (
                    x - size * 1.2,
                    y + size * (i - 1) * 0.7,
                    x + size * (1.2 - i * 0.5),
                    y + size * ((i - 1) * 0.7 + 0.4),
                ),
                fill=second,
            )
    for i in range(5):
        left = x + (i - 2.5) * size * 0.42
        draw.rectangle((left, y + size * 1.25, left + size * 0.3, y + size * 1.5), fill=second)
    return sheet


def _heather(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    grains = np.random.default_rng(rng.getrandbits(32)).normal(128, 44, (px // 3, px // 5))
    speckle = Image.fromarray(np.clip(grains, 0, 255).astype(np.uint8)).resize((px, px), Image.Resampling.BILINEAR)
    return ImageChops.hard_light(
        _plain(px, mix(colour, RGB["grey"], 0.25), second, rng), Image.merge("RGB", [speckle] * 3)
    )


def _starry(px: int, colour: Rgb, second: Rgb, rng: random.Random) -> Image.Image:
    step = max(20, int(px * rng.uniform(0.12, 0.2)))
    tile = Image.new("RGB", (step, step), colour)
    draw = ImageDraw.Draw(tile)
    for x, y, size in ((0.27, 0.27, 0.2), (0.75, 0.72, 0.2), (0.76, 0.22, 0.08), (0.25, 0.76, 0.1)):
        points = [
            (
                step * (x + size * (1 if i % 2 == 0 else 0.42) * math.sin(i * math.pi / 5)),
                step * (y - size * (1 if i % 2 == 0 else 0.42) * math.cos(i * math.pi / 5)),
            )
            for i in range(10)
        ]
        draw.polygon(points, fill=second)
    return _tiled(px, tile)


_PATTERNS = {
    "striped": _striped,
    "pinstriped": _pinstriped,
    "checked": _checked,
    "dotted": _dotted,
    "floral": _floral,
    "zigzag": _zigzag,
    "camo": _camo,
    "colour-block": _colour_block,
    "gradient": _gradient,
    "logo": _logo,
    "heather": _heather,
    "starry": _starry,
}
