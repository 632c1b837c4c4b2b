"""Shapes of citrus fruit, melons and exotic fruit."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade
from vitrine.samples.drawing.produce.details import STEM, body, cut_half, leaf, stem
from vitrine.samples.drawing.produce.skin import skin


def _citrus(base: Rgb, rx: float, ry: float, rough: float = 0.5, blush: Rgb | None = None) -> DrawShape:
    def draw(look: Appearance) -> None:
        rng = look.canvas.rng
        paint = skin(
            look.canvas.px, base, rng, blush, 0.35, mottle=0.12, speckle=shade(base, 0.78), dots=0.05, rough=rough
        )
        look.canvas.part(body(0.012, rng, rx, ry), paint, "ball", relief=0.9, gloss=0.5)
        look.canvas.blob(
            0.5 + rng.uniform(-0.1, 0.1), 0.52 - ry * 0.72, 0.022, 0.016, mix(base, (70, 100, 40), 0.7), relief=0.5
        )
        if look.variety == "leafy":
            leaf(look, 0.5, 0.2, 0.28, rng.choice((-1, 1)))

    return draw


def _pointed(base: Rgb, blush: Rgb) -> DrawShape:
    def draw(look: Appearance) -> None:
        rng = look.canvas.rng
        paint = skin(look.canvas.px, base, rng, blush, 0.3, mottle=0.12, speckle=shade(base, 0.8), dots=0.04, rough=0.5)
        outline = smooth(
            [
                (0.06, 0.52),
                (0.13, 0.45),
                (0.3, 0.27),
                (0.52, 0.22),
                (0.74, 0.29),
                (0.87, 0.45),
                (0.94, 0.5),
                (0.88, 0.57),
                (0.74, 0.74),
                (0.5, 0.81),
                (0.27, 0.75),
                (0.13, 0.59),
            ]
        )
        look.canvas.part(outline, paint, "ball", relief=0.9, gloss=0.5)

    return draw


def _kiwi(look: Appearance) -> None:
    rng = look.canvas.rng
    base = (122, 92, 48) if look.variety == "green" else (150, 116, 62)
    paint = skin(
        look.canvas.px, base, rng, (100, 72, 36), 0.4, mottle=0.3, speckle=(176, 146, 92), dots=0.06, rough=0.5
    )
    look.canvas.part(body(0.015, rng, 0.42, 0.33), paint, "ball", relief=0.9)
    look.canvas.blob(0.11, 0.52, 0.02, 0.04, (70, 50, 26))
    if rng.random() < 0.35:
        cut_half(
            look,
            0.7,
            0.68,
            0.24,
            (134, 170, 46) if look.variety == "green" else (222, 190, 62),
            base,
            (236, 236, 196),
            (30, 26, 20),
        )


def _mango(look: Appearance) -> None:
    rng = look.canvas.rng
    base, blush = ((98, 134, 54), (206, 76, 44)) if look.variety == "blush" else ((234, 184, 60), (238, 154, 54))
    paint = skin(look.canvas.px, base, rng, blush, 0.55, mottle=0.3, speckle=(226, 206, 120), dots=0.02)
    look.canvas.part(
        smooth(
            [
                (0.12, 0.6),
                (0.16, 0.36),
                (0.4, 0.2),
                (0.68, 0.22),
                (0.88, 0.4),
                (0.9, 0.58),
                (0.74, 0.78),
                (0.46, 0.84),
                (0.22, 0.78),
            ]
        ),
        paint,
        "ball",
        gloss=0.4,
    )
    look.canvas.blob(0.88, 0.42, 0.02, 0.02, STEM)


def _melon(look: Appearance) -> None:
    rng = look.canvas.rng
    base, web, dots = {
        "net": ((196, 176, 122), (232, 220, 184), 0.2),
        "smooth": ((236, 202, 64), (214, 176, 50), 0.01),
        "green": ((154, 178, 98), (200, 208, 150), 0.03),
    }[look.variety]
    paint = skin(look.canvas.px, base, rng, speckle=web, dots=dots, rough=0.3)
    look.canvas.part(body(0.01, rng, 0.42, 0.37), paint, "ball", relief=0.95, gloss=0.2)
    for i in range(-2, 3):
        look.canvas.stroke(
            [(0.5 + 0.03 * i, 0.17), (0.5 + 0.17 * i, 0.52), (0.5 + 0.03 * i, 0.87)],
            shade(base, 0.88),
            0.006,
            solid=False,
        )
    stem(look, 0.17, 0.06)


def _watermelon(look: Appearance) -> None:
    rng = look.canvas.rng
    base = (96, 138, 66) if look.variety == "striped" else (38, 72, 40)
    outline = body(0.008, rng, 0.44, 0.38)
    paint = skin(look.canvas.px, base, rng, mottle=0.2, rough=0.15)
    _bands(look, paint, shade((34, 66, 36), 0.9 if look.variety == "striped" else 0.7))
    look.canvas.part(outline, paint, "ball", gloss=0.35)


def _bands(look: Appearance, paint: Image.Image, colour: Rgb) -> None:
    """Jagged dark bands from pole to pole, painted into the skin."""
    draw, rng, px = ImageDraw.Draw(paint), look.canvas.rng, look.canvas.px
    for i in range(-3, 4):
        steps = [k / 14 for k in range(15)]
        line = [
            (0.5 + 0.16 * i * math.sin(math.pi * (0.1 + 0.8 * t)) + rng.uniform(-0.015, 0.015), 0.12 + 0.8 * t)
            for t in steps
        ]
        widths = [rng.uniform(0.03, 0.075) * (1 - abs(i) * 0.13) for _ in steps]
        draw.polygon([(x * px, y * px) for x, y in ribbon(line, widths)], fill=colour)


def _passion_fruit(look: Appearance) -> None:
    rng = look.canvas.rng
    paint = skin(
        look.canvas.px,
        (84, 52, 66),
        rng,
        (120, 84, 88),
        0.35,
        mottle=0.5,
        speckle=(166, 140, 140),
        dots=0.03,
        rough=0.2,
    )
    look.canvas.part(body(0.025, rng, 0.38, 0.36), paint, "ball", gloss=0.25)
    stem(look, 0.18, 0.06, colour=(128, 116, 70))
    if rng.random() < 0.3:
        cut_half(look, 0.68, 0.66, 0.26, (226, 160, 40), (92, 56, 70), (208, 140, 30), (40, 34, 24))


def _avocado(look: Appearance) -> None:
    rng = look.canvas.rng
    base, blush = ((58, 58, 42), (74, 82, 48)) if look.variety == "hass" else ((78, 118, 44), (104, 140, 58))
    paint = skin(look.canvas.px, base, rng, blush, 0.4, mottle=0.5, speckle=shade(base, 1.35), dots=0.05, rough=0.5)
    look.canvas.part(
        smooth(
            [
                (0.5, 0.08),
                (0.62, 0.13),
                (0.72, 0.34),
                (0.81, 0.58),
                (0.74, 0.82),
                (0.5, 0.92),
                (0.26, 0.82),
                (0.19, 0.58),
                (0.28, 0.34),
                (0.38, 0.13),
            ]
        ),
        paint,
        "ball",
        gloss=0.3,
    )
    look.canvas.blob(0.5, 0.1, 0.025, 0.02, (120, 96, 56))


EXOTIC: dict[str, DrawShape] = {
    "orange": _citrus((240, 140, 28), 0.39, 0.38),
    "satsuma": _citrus((244, 148, 24), 0.41, 0.34, 0.35),
    "lemon": _pointed((244, 214, 56), (236, 200, 40)),
    "lime": _pointed((104, 156, 48), (140, 176, 60)),
    "grapefruit": _citrus((240, 176, 84), 0.4, 0.385, 0.4, (226, 112, 82)),
    "kiwi": _kiwi,
    "mango": _mango,
    "melon": _melon,
    "watermelon": _watermelon,
    "passion-fruit": _passion_fruit,
    "avocado": _avocado,
}
