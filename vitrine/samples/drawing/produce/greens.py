"""Shapes of leaves, stalks, florets and mushrooms."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade
from vitrine.samples.drawing.produce.details import body
from vitrine.samples.drawing.produce.skin import skin


def _leafy_head(look: Appearance) -> None:
    rng = look.canvas.rng
    base: Rgb = (96, 46, 92) if look.variety == "red" else (128, 176, 72) if look.kind == "lettuce" else (170, 202, 128)
    frill = 0.09 if look.kind == "lettuce" else 0.03
    for i, (dx, r) in enumerate(((-0.1, 0.37), (0.12, 0.36), (0.0, 0.33), (0.05, 0.27))):
        paint = shade(base, 0.82 + 0.08 * i)
        outline = [
            (x + dx, y + 0.02 * (2 - i)) for x, y in body(frill, rng, r, r * 0.98, 20 if look.kind == "lettuce" else 10)
        ]
        look.canvas.part(outline, paint, relief=0.9, crease=0.6, shadow=0.3)
    for side in (-1, 1):
        for k in range(4):
            start, end = (0.5, 0.78 - 0.13 * k), (0.5 + side * (0.26 - 0.02 * k), 0.6 - 0.14 * k)
            look.canvas.stroke([start, end], shade(base, 1.35), 0.008, solid=False)
    look.canvas.stroke([(0.5, 0.86), (0.5, 0.25)], shade(base, 1.4), 0.02, solid=False)


def _florets(look: Appearance) -> None:
    rng = look.canvas.rng
    base: Rgb = (62, 106, 50) if look.kind == "broccoli" else (238, 230, 206)
    if look.kind == "cauliflower":
        for side in (-1, 1):
            look.canvas.part(
                smooth([(0.5, 0.9), (0.5 + side * 0.36, 0.8), (0.5 + side * 0.45, 0.4), (0.5 + side * 0.2, 0.6)]),
                (126, 168, 84),
                crease=0.4,
            )
    else:
        look.canvas.part(ribbon([(0.5, 0.5), (0.5, 0.94)], [0.3, 0.2]), (150, 182, 98), "cylinder")
    paint = skin(
        look.canvas.px, base, rng, shade(base, 0.85), 0.4, mottle=0.4, speckle=shade(base, 0.7), dots=0.12, rough=0.9
    )
    for _ in range(13):
        angle, reach = rng.uniform(0, math.tau), rng.uniform(0, 0.28) ** 0.9
        look.canvas.blob(
            0.5 + reach * math.cos(angle) * 1.15,
            0.42 + reach * math.sin(angle) * 0.8,
            0.13,
            0.12,
            paint,
            "puff",
            relief=1.0,
            shadow=0.4,
        )


def _stalks(look: Appearance) -> None:
    rng, leek = look.canvas.rng, look.kind == "leek"
    tip: Rgb = (66, 118, 52) if leek else (104, 128, 70) if look.variety == "green" else (230, 222, 190)
    foot: Rgb = (240, 240, 222) if leek else (150, 178, 90) if look.variety == "green" else (240, 234, 210)
    paint = Image.new("RGB", (2, 64))
    for y in range(64):
        ImageDraw.Draw(paint).line((0, y, 1, y), fill=mix(tip, foot, min(1, max(0, (y - 14) / 34))))
    paint = paint.resize((look.canvas.px, look.canvas.px), Image.Resampling.BILINEAR)
    count, width = (3, 0.15) if leek else (7, 0.075)
    for i in range(count):
        x = 0.5 + (i - (count - 1) / 2) * width * 1.15
        line = [(x, 0.93), (x + rng.uniform(-0.01, 0.01), 0.5), (x + (x - 0.5) * 0.25, 0.08)]
        look.canvas.part(
            smooth(ribbon(line, [width * 0.9, width, width * (1.5 if leek else 0.6)]), 4),
            paint,
            "puff",
            relief=1.0,
            shadow=0.3,
        )
        for k in range(4 if not leek else 0):
            look.canvas.part(
                smooth([(x - width * 0.3, 0.3 + k * 0.14), (x, 0.22 + k * 0.14), (x + width * 0.3, 0.3 + k * 0.14)], 3),
                shade(tip, 0.8),
                relief=0.5,
            )
    if not leek:
        look.canvas.box(0.2, 0.62, 0.8, 0.68, (60, 90, 170), 0.01)


def _mushroom(look: Appearance) -> None:
    rng = look.canvas.rng
    cap: Rgb = (150, 104, 68) if look.variety == "brown" else (240, 234, 222)
    for x, y, size in ((0.32, 0.36, 0.8), (0.68, 0.4, 0.85), (0.48, 0.6, 1.0)):
        look.canvas.part(
            ribbon([(x, y), (x + rng.uniform(-0.03, 0.03), y + 0.27 * size)], [0.17 * size, 0.14 * size]),
            (232, 220, 198),
            "cylinder",
            shadow=0.3,
        )
        paint = skin(look.canvas.px, cap, rng, shade(cap, 0.85), 0.4, mottle=0.3, speckle=shade(cap, 1.25), dots=0.02)
        outline = [
            (x - 0.26 * size, y + 0.06),
            (x - 0.22 * size, y - 0.12 * size),
            (x, y - 0.22 * size),
            (x + 0.22 * size, y - 0.12 * size),
            (x + 0.26 * size, y + 0.06),
            (x, y + 0.1),
        ]
        look.canvas.part(smooth(outline), paint, relief=1.2, gloss=0.1, shadow=0.3)


def _corn(look: Appearance) -> None:
    for side in (-1, 1):
        look.canvas.part(
            smooth([(0.5, 0.96), (0.5 + side * 0.26, 0.7), (0.5 + side * 0.3, 0.3), (0.5 + side * 0.1, 0.55)]),
            (126, 166, 76),
            crease=0.5,
        )
    look.canvas.part(
        smooth([(0.5, 0.05), (0.61, 0.16), (0.66, 0.45), (0.62, 0.8), (0.38, 0.8), (0.34, 0.45), (0.39, 0.16)]),
        (222, 176, 50),
        relief=1.1,
    )
    for row in range(17):
        for column in range(7):
            x, y = 0.5 + (column - 3) * 0.043 * math.sin(math.pi * (0.25 + row / 28)), 0.12 + row * 0.041
            look.canvas.blob(x, y, 0.021, 0.021, (246, 212, 84), "flat")
    look.canvas.part(
        smooth([(0.5, 0.97), (0.32, 0.86), (0.36, 0.62), (0.5, 0.78), (0.64, 0.6), (0.68, 0.86)]),
        (140, 178, 86),
        crease=0.5,
        shadow=0.4,
    )


GREENS: dict[str, DrawShape] = {
    "cabbage": _leafy_head,
    "lettuce": _leafy_head,
    "broccoli": _florets,
    "cauliflower": _florets,
    "leek": _stalks,
    "asparagus": _stalks,
    "mushroom": _mushroom,
    "corn": _corn,
}
