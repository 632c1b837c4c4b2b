"""Printed labels of packaged goods: blocks of brand colour, bands, waves, lettering, drawings of what is inside."""

from __future__ import annotations

import random
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.fabrics import luminance, mix, shade

_INSIDE: dict[str, tuple[str, Rgb]] = {
    "orange": ("ball", (240, 140, 28)),
    "mandarin": ("ball", (246, 156, 40)),
    "apple": ("ball", (150, 190, 62)),
    "grapefruit": ("ball", (232, 112, 92)),
    "peach": ("ball", (240, 160, 96)),
    "apricot": ("ball", (240, 156, 60)),
    "lemon": ("ball", (246, 220, 60)),
    "tropical": ("ball", (246, 190, 50)),
    "chopped": ("ball", (204, 44, 34)),
    "strawberry": ("drops", (206, 32, 40)),
    "raspberry": ("drops", (200, 36, 84)),
    "cola": ("drops", (90, 44, 30)),
    "blueberry": ("dots", (70, 70, 140)),
    "berry": ("dots", (130, 40, 96)),
    "fruit": ("dots", (206, 60, 60)),
    "chocolate": ("dots", (92, 56, 36)),
    "nut": ("dots", (168, 110, 60)),
    "almond": ("drops", (176, 120, 72)),
    "oat": ("sheaf", (214, 176, 96)),
    "corn": ("sheaf", (240, 200, 60)),
    "wholegrain": ("sheaf", (176, 130, 74)),
    "herbal": ("sheaf", (120, 160, 80)),
    "green": ("sheaf", (90, 140, 60)),
}


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def draw_label(
    size: tuple[int, int], ground: Rgb, colour: Rgb, name: str, variety: str, rng: random.Random
) -> Image.Image:
    """A label (w, h).

    Args:
        ground: colour of the paper.
        colour: the brand's colour.
        name: lettering in the large type.
        variety: what is inside; decides the drawing.
        rng: the design's own numbers.
    """
    width, height = size
    sheet = Image.new("RGB", size, ground)
    draw = ImageDraw.Draw(sheet)
    _layout(draw, width, height, ground, colour, rng)
    _lettering(draw, width, height, colour, name, rng)
    _drawing(draw, width, height, *_INSIDE.get(variety, ("wave", mix(colour, (255, 255, 255), 0.3))), rng)
    _small_print(draw, width, height, rng)
    return sheet


def _layout(draw: ImageDraw.ImageDraw, w: int, h: int, ground: Rgb, colour: Rgb, rng: random.Random) -> None:
    layout = rng.randrange(5)
    if layout == 0:
        draw.rectangle((0, 0, w, h * rng.uniform(0.2, 0.36)), fill=colour)
    elif layout == 1:
        edge = h * rng.uniform(0.5, 0.66)
        draw.polygon(
            [(0, edge), (w * 0.3, edge - h * 0.06), (w * 0.7, edge + h * 0.05), (w, edge - h * 0.04), (w, h), (0, h)],
            fill=colour,
        )
    elif layout == 2:
        for i in range(6):
            draw.rectangle((0, h * (0.72 + i * 0.05), w, h * (0.745 + i * 0.05)), fill=colour)
        draw.rectangle((0, 0, w, h * 0.1), fill=colour)
    elif layout == 3:
        draw.polygon([(0, 0), (w, 0), (w, h * 0.22), (0, h * 0.4)], fill=colour)
        draw.rectangle((0, h * 0.92, w, h), fill=shade(colour, 0.7))
    else:
        draw.rectangle((0, 0, w, h), fill=colour)
        draw.ellipse((-w * 0.2, h * 0.3, w * 1.2, h * 1.2), fill=ground)


def _lettering(draw: ImageDraw.ImageDraw, w: int, h: int, colour: Rgb, name: str, rng: random.Random) -> None:
    top, tall = h * 0.13, max(8, int(min(h * 0.2, 1.7 * w / len(name))))
    badge = rng.random() < 0.5
    ink = (250, 250, 248) if badge else shade(colour, 0.5 if luminance(colour) > 90 else 0.8)
    if badge:
        draw.rounded_rectangle(
            (w * 0.08, top - tall * 0.15, w * 0.92, top + tall * 1.2), tall * 0.4, fill=shade(colour, 0.6)
        )
    draw.text((w / 2, top), name, fill=ink, font=_font(tall), anchor="ma")
    draw.rectangle((w * 0.25, top + tall * 1.35, w * 0.75, top + tall * 1.35 + h * 0.022), fill=shade(colour, 0.75))


def _drawing(draw: ImageDraw.ImageDraw, w: int, h: int, sort: str, ink: Rgb, rng: random.Random) -> None:
    x, y, r = w * rng.uniform(0.4, 0.6), h * rng.uniform(0.55, 0.66), min(w * 0.3, h * 0.16)
    if sort == "ball":
        draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)
        draw.ellipse((x - r * 0.5, y - r * 0.6, x - r * 0.1, y - r * 0.25), fill=shade(ink, 1.5))
        draw.ellipse((x + r * 0.1, y - r * 1.35, x + r * 0.8, y - r * 0.85), fill=RGB["green"])
        draw.ellipse(
            (x + r * 0.1, y + r * 0.1, x + r * 1.1, y + r * 1.1),
            fill=mix(ink, (255, 250, 220), 0.35),
            outline=shade(ink, 0.85),
            width=max(1, int(r * 0.1)),
        )
    elif sort == "drops":
        for dx, dy in ((-0.7, 0.1), (0.6, -0.2), (0.1, 0.7)):
            cx, cy = x + dx * r, y + dy * r
            draw.polygon([(cx - r * 0.5, cy - r * 0.35), (cx + r * 0.5, cy - r * 0.35), (cx, cy + r * 0.6)], fill=ink)
            draw.ellipse((cx - r * 0.5, cy - r * 0.6, cx + r * 0.5, cy + r * 0.2), fill=ink)
            draw.polygon(
                [(cx - r * 0.3, cy - r * 0.5), (cx + r * 0.3, cy - r * 0.5), (cx, cy - r * 0.85)], fill=RGB["green"]
            )
    elif sort == "dots":
        for i in range(9):
            cx, cy, cr = x + rng.uniform(-1, 1) * r, y + rng.uniform(-0.8, 0.8) * r, r * 0.34
            draw.ellipse((cx - cr, cy - cr, cx + cr, cy + cr), fill=shade(ink, 0.8 + 0.05 * i))
    elif sort == "sheaf":
        for i in range(-3, 4):
            draw.line((x, y + r, x + i * r * 0.35, y - r), fill=shade(ink, 0.8), width=max(1, int(r * 0.08)))
            for k in range(4):
                cx, cy = x + i * r * (0.1 + 0.085 * k), y - r * (0.1 + 0.26 * k)
                draw.ellipse((cx - r * 0.13, cy - r * 0.16, cx + r * 0.13, cy + r * 0.16), fill=ink)
    else:
        draw.ellipse((x - r * 1.2, y - r * 0.5, x + r * 1.2, y + r), fill=ink)
        draw.ellipse((x - r * 0.8, y - r * 0.4, x + r * 0.9, y + r * 0.5), fill=(250, 250, 246))


def _small_print(draw: ImageDraw.ImageDraw, w: int, h: int, rng: random.Random) -> None:
    for i in range(3):
        y = h * (0.86 + 0.04 * i)
        draw.rectangle((w * 0.12, y, w * rng.uniform(0.4, 0.8), y + h * 0.014), fill=(90, 90, 96))
