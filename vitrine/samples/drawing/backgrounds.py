"""What lies or stands behind a product: seamless paper, wood, tiles, cloth, grass, concrete, shop shelves."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.fabrics import mix, shade
from vitrine.samples.drawing.painting.textures import texture

_SIDE = 384
_PER_SORT = 5
_SURFACES: dict[str, tuple[Rgb, ...]] = {
    "wood": ((150, 108, 68), (196, 158, 112), (92, 64, 44), (178, 132, 84), (120, 96, 78)),
    "linen": ((214, 204, 188), (150, 160, 170), (236, 232, 226), (120, 92, 84), (70, 84, 110)),
    "wool": ((120, 116, 112), (182, 168, 148), (90, 100, 96), (152, 96, 84), (60, 62, 70)),
    "marble": ((226, 224, 220), (206, 200, 192), (90, 90, 94), (238, 234, 230), (180, 190, 186)),
    "suede": ((128, 126, 122), (164, 160, 152), (98, 98, 100), (186, 180, 170), (142, 128, 112)),
}


@lru_cache(maxsize=64)
def _surface(sort: str, index: int) -> Image.Image:
    colour = _SURFACES[sort][index]
    sheet = ImageChops.hard_light(Image.new("RGB", (512, 512), colour), texture(sort, 512))
    if sort == "wood":
        draw, step = ImageDraw.Draw(sheet), 512 // (3 + index)
        for y in range(0, 512, step):
            draw.rectangle((0, y, 512, y + 3), fill=shade(colour, 0.45))
    return sheet


@lru_cache(maxsize=16)
def _tiles(index: int) -> Image.Image:
    rng = random.Random(f"tiles-{index}")
    colour: Rgb = rng.choice(((228, 226, 220), (190, 200, 204), (168, 120, 96), (120, 128, 132), (210, 196, 172)))
    sheet, step = Image.new("RGB", (512, 512), shade(colour, 0.72)), rng.choice((64, 86, 128))
    draw = ImageDraw.Draw(sheet)
    for x in range(0, 512, step):
        for y in range(0, 512, step):
            draw.rectangle((x + 2, y + 2, x + step - 2, y + step - 2), fill=shade(colour, rng.uniform(0.9, 1.08)))
    return ImageChops.hard_light(sheet, texture("ceramic", 512))


@lru_cache(maxsize=16)
def _grass(index: int) -> Image.Image:
    rng = random.Random(f"grass-{index}")
    sheet = Image.new("RGB", (512, 512), (58, 84, 36))
    draw = ImageDraw.Draw(sheet)
    for _ in range(2600):
        x, y, lean = rng.uniform(0, 512), rng.uniform(0, 540), rng.uniform(-9, 9)
        colour: Rgb = (rng.randint(50, 130), rng.randint(90, 160), rng.randint(30, 70))
        draw.line((x, y, x + lean, y - rng.uniform(12, 34)), fill=colour, width=rng.randint(1, 3))
    return sheet


@lru_cache(maxsize=16)
def _room(index: int) -> Image.Image:
    """An unsharp room: wall, floor, and furniture that one cannot make out."""
    rng = random.Random(f"room-{index}")
    wall: Rgb = rng.choice(((206, 200, 190), (180, 190, 196), (226, 222, 216), (150, 132, 116), (96, 104, 112)))
    sheet = Image.new("RGB", (96, 96), wall)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, 62, 96, 96), fill=mix(shade(wall, 0.6), (120, 84, 54), 0.5))
    for _ in range(9):
        x, y, w, h = rng.uniform(-10, 90), rng.uniform(5, 70), rng.uniform(6, 30), rng.uniform(8, 40)
        draw.rectangle((x, y, x + w, y + h), fill=RGB[rng.choice(list(RGB))])
    return sheet.filter(ImageFilter.GaussianBlur(rng.uniform(1.5, 4))).resize((512, 512), Image.Resampling.BICUBIC)


@lru_cache(maxsize=24)
def _store(index: int) -> Image.Image:
    """Unsharp shop shelves: rows of packs, boards with price tags."""
    rng = random.Random(f"store-{index}")
    sheet = Image.new("RGB", (160, 160), rng.choice(((70, 70, 74), (190, 190, 190), (120, 112, 104), (40, 44, 52))))
    draw, y = ImageDraw.Draw(sheet), rng.uniform(-20, 0)
    while y < 160:
        height, x = rng.uniform(26, 48), rng.uniform(-8, 0)
        while x < 160:
            width, colour = (
                rng.uniform(9, 18),
                mix(RGB[rng.choice(("white", "white", "white", *RGB))], (150, 150, 150), 0.3),
            )
            for _ in range(rng.randint(1, 4)):
                _pack(draw, x, y + rng.uniform(0, 4), width - 1, height - 4, colour, rng)
                x += width
        draw.rectangle(
            (0, y + height, 160, y + height + 5), fill=rng.choice(((206, 206, 204), (150, 150, 152), (236, 232, 226)))
        )
        for tag in range(0, 160, rng.randint(18, 40)):
            draw.rectangle(
                (tag, y + height, tag + 10, y + height + 5),
                fill=rng.choice(((250, 250, 246), (250, 220, 60), (240, 240, 236))),
            )
        y += height + 6
    return sheet.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.6))).resize((512, 512), Image.Resampling.BICUBIC)


def _pack(draw: ImageDraw.ImageDraw, x: float, y: float, w: float, h: float, colour: Rgb, rng: random.Random) -> None:
    draw.rectangle((x, y, x + w, y + h), fill=shade(colour, rng.uniform(0.75, 1)))
    band = mix(RGB[rng.choice(list(RGB))], (200, 200, 196), 0.35)
    draw.rectangle((x, y + h * 0.3, x + w, y + h * rng.uniform(0.4, 0.75)), fill=band)
    draw.ellipse((x + w * 0.25, y + h * 0.4, x + w * 0.75, y + h * 0.65), fill=shade(band, 1.5))


def _crop(sheet: Image.Image, size: int, rng: random.Random, closest: int = 150) -> Image.Image:
    """A random square of a sheet, half of the time mirrored, a third turned upright."""
    side = rng.randint(closest, sheet.width)
    x, y = rng.randint(0, sheet.width - side), rng.randint(0, sheet.height - side)
    piece = sheet.resize((size, size), Image.Resampling.BILINEAR, (x, y, x + side, y + side))
    return piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else piece


def surface(size: int, rng: random.Random) -> Image.Image:
    """Something that things lie on, seen from above."""
    sort = rng.choice((*_SURFACES, "wood", "tiles", "grass"))
    index = rng.randrange(_PER_SORT)
    sheet = _tiles(index) if sort == "tiles" else _grass(index) if sort == "grass" else _surface(sort, index)
    if rng.random() < 0.3:
        sheet = sheet.transpose(Image.Transpose.ROTATE_90)
    return _crop(sheet, size, rng)


def room(size: int, rng: random.Random) -> Image.Image:
    """An unsharp interior."""
    return _crop(_room(rng.randrange(12)), size, rng, 260)


def store(size: int, rng: random.Random) -> Image.Image:
    """Shop shelves, out of focus."""
    return _crop(_store(rng.randrange(20)), size, rng, 220)


def paper(size: int, rng: random.Random) -> Image.Image:
    """A studio's seamless paper: white mostly, else a soft tint, brighter in the middle."""
    tint = (
        (255, 255, 255)
        if rng.random() < 0.55
        else mix(RGB[rng.choice(list(RGB))], (255, 255, 255), rng.uniform(0.72, 0.92))
    )
    if rng.random() < 0.35:
        return Image.new("RGB", (size, size), tint)
    return ImageChops.multiply(Image.new("RGB", (size, size), tint), _sweep(size, rng.randrange(3)))


@lru_cache(maxsize=12)
def _sweep(size: int, index: int) -> Image.Image:
    across, down = np.linspace(-1, 1, 32)[None, :], np.linspace(-1, 1, 32)[:, None]
    dark = (
        (across * 0.7) ** 2 + (down * 0.9) ** 2,
        np.clip(down, 0, 1) + 0 * across,
        np.clip(across * 0.5 + down * 0.5 + 0.3, 0, 1.3),
    )[index]
    levels = Image.fromarray(np.clip(255 - 26 * dark, 0, 255).astype(np.uint8)).resize(
        (size, size), Image.Resampling.BICUBIC
    )
    return Image.merge("RGB", (levels, levels, levels))


BACKDROPS: tuple[Callable[[int, random.Random], Image.Image], ...] = (surface, surface, surface, room, store)
