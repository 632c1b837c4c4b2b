"""Shapes of round fruit and vegetables."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw

from encoders.catalogue.canvas import Point, ellipse, ribbon, smooth
from encoders.catalogue.fabrics import mix, shade
from encoders.catalogue.look import Look, Shape
from encoders.catalogue.produce_skin import skin
from encoders.catalogue.words import Rgb

STEM: Rgb = (96, 72, 40)
LEAF: Rgb = (74, 128, 48)
_APPLES: dict[str, tuple[Rgb, Rgb, float, float]] = {
    "red": ((186, 44, 40), (136, 16, 28), 0.7, 0.5),
    "green": ((150, 190, 62), (176, 204, 88), 0.4, 0.2),
    "yellow": ((222, 204, 88), (206, 190, 70), 0.4, 0.2),
    "pink": ((226, 196, 108), (214, 74, 78), 0.62, 0.4),
    "bicolour": ((216, 190, 84), (188, 40, 38), 0.5, 0.9),
}


def body(wobble: float, rng: random.Random, rx: float = 0.38, ry: float = 0.38, corners: int = 10) -> list[Point]:
    """A round outline with dents."""
    return smooth(
        [
            (
                0.5 + rx * (1 + rng.uniform(-wobble, wobble)) * math.cos(2 * math.pi * i / corners),
                0.52 + ry * (1 + rng.uniform(-wobble, wobble)) * math.sin(2 * math.pi * i / corners),
            )
            for i in range(corners)
        ]
    )


def stem(look: Look, top: float, length: float, lean: float = 0.03, colour: Rgb = STEM) -> None:
    """A stem that rises from `top`."""
    lean = look.canvas.rng.uniform(-2, 2) * lean
    look.canvas.stroke([(0.5, top), (0.5 + lean * 0.4, top - length * 0.6), (0.5 + lean, top - length)], colour, 0.02)


def leaf(look: Look, x: float, y: float, size: float, side: int = 1) -> None:
    """A leaf that points sideways from (x, y)."""
    points = [
        (x, y),
        (x + side * size * 0.5, y - size * 0.4),
        (x + side * size * 1.1, y - size * 0.3),
        (x + side * size * 0.6, y + size * 0.1),
    ]
    look.canvas.part(smooth(points), LEAF, relief=0.8)
    look.canvas.stroke([(x, y), (x + side * size * 0.9, y - size * 0.25)], shade(LEAF, 0.75), 0.006)


def dimple(look: Look, y: float, colour: Rgb, width: float = 0.09) -> None:
    """The hollow round a stem."""
    look.canvas.part(ellipse(0.5, y, width, width * 0.38), colour, "flat", relief=0.3)
    look.canvas.part(ellipse(0.5, y - width * 0.08, width * 0.6, width * 0.2), shade(colour, 0.6), "flat", relief=0.3)


def _apple(look: Look) -> None:
    rng = look.canvas.rng
    base, blush, cover, streaky = _APPLES[look.variety]
    paint = skin(look.canvas.px, base, rng, blush, cover, streaky, speckle=shade(base, 1.35), dots=0.01)
    outline = smooth(
        [
            (0.5, 0.19),
            (0.66, 0.145),
            (0.84, 0.25),
            (0.885, 0.47),
            (0.8, 0.74),
            (0.63, 0.885),
            (0.5, 0.865),
            (0.37, 0.885),
            (0.2, 0.74),
            (0.115, 0.47),
            (0.16, 0.25),
            (0.34, 0.145),
        ]
    )
    look.canvas.part(outline, paint, "ball", gloss=0.6)
    dimple(look, 0.215, mix(base, (110, 100, 40), 0.5), 0.1)
    stem(look, 0.22, 0.15)


def _citrus(base: Rgb, rx: float, ry: float, rough: float = 0.5, blush: Rgb | None = None) -> Shape:
    def draw(look: Look) -> None:
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


def _pointed(base: Rgb, blush: Rgb) -> Shape:
    def draw(look: Look) -> None:
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


def _fuzzy(base: Rgb, blush: Rgb, gloss: float) -> Shape:
    def draw(look: Look) -> None:
        rng = look.canvas.rng
        pale = look.variety == "white"
        paint = skin(
            look.canvas.px,
            (238, 216, 186) if pale else base,
            rng,
            (222, 120, 120) if pale else blush,
            0.55,
            0.35,
            speckle=shade(base, 1.2),
        )
        look.canvas.part(body(0.02, rng, 0.39, 0.38), paint, "ball", relief=0.85, gloss=gloss)
        cleft = [(0.5, 0.15), (0.54 + rng.uniform(0, 0.08), 0.35), (0.56, 0.6), (0.52, 0.86)]
        look.canvas.stroke(cleft, shade(blush, 0.8), 0.008)
        dimple(look, 0.18, shade(blush, 0.75), 0.07)

    return draw


def _plum(look: Look) -> None:
    rng = look.canvas.rng
    base, blush = {
        "purple": ((58, 40, 84), (104, 88, 140)),
        "red": ((122, 24, 46), (170, 50, 56)),
        "yellow": ((224, 188, 62), (226, 140, 60)),
    }[look.variety]
    look.canvas.part(
        body(0.015, rng, 0.34, 0.39), skin(look.canvas.px, base, rng, blush, 0.35, mottle=0.4), "ball", gloss=0.45
    )
    look.canvas.stroke([(0.52, 0.16), (0.58, 0.5), (0.52, 0.88)], shade(base, 0.75), 0.007)
    stem(look, 0.16, 0.08)


def _pear(look: Look) -> None:
    rng = look.canvas.rng
    base, blush = {
        "green": ((160, 180, 72), (178, 168, 84)),
        "brown": ((184, 126, 56), (156, 98, 44)),
        "yellow": ((224, 202, 84), (222, 160, 70)),
        "red": ((146, 40, 48), (178, 76, 56)),
    }[look.variety]
    paint = skin(look.canvas.px, base, rng, blush, 0.4, speckle=(104, 84, 40), dots=0.02, rough=0.1)
    neck = rng.uniform(0.1, 0.14)
    look.canvas.part(
        smooth(
            [
                (0.5, 0.1),
                (0.5 + neck, 0.15),
                (0.64, 0.38),
                (0.78, 0.58),
                (0.77, 0.78),
                (0.64, 0.91),
                (0.5, 0.92),
                (0.36, 0.91),
                (0.23, 0.78),
                (0.22, 0.58),
                (0.36, 0.38),
                (0.5 - neck, 0.15),
            ]
        ),
        paint,
        "ball",
        gloss=0.35,
    )
    stem(look, 0.12, 0.1)


def _kiwi(look: Look) -> None:
    rng = look.canvas.rng
    base = (122, 92, 48) if look.variety == "green" else (150, 116, 62)
    paint = skin(
        look.canvas.px, base, rng, (100, 72, 36), 0.4, mottle=0.3, speckle=(176, 146, 92), dots=0.06, rough=0.5
    )
    look.canvas.part(body(0.015, rng, 0.42, 0.33), paint, "ball", relief=0.9)
    look.canvas.blob(0.11, 0.52, 0.02, 0.04, (70, 50, 26))
    if rng.random() < 0.35:
        _slice(
            look,
            0.7,
            0.68,
            0.24,
            (134, 170, 46) if look.variety == "green" else (222, 190, 62),
            base,
            (236, 236, 196),
            (30, 26, 20),
        )


def _slice(look: Look, x: float, y: float, r: float, flesh: Rgb, rind: Rgb, heart: Rgb, seed: Rgb) -> None:
    """A cut half in front."""
    look.canvas.part(ellipse(x, y, r, r), rind, "flat", shadow=0.5)
    look.canvas.part(ellipse(x, y, r * 0.93, r * 0.93), flesh, "flat")
    look.canvas.part(ellipse(x, y, r * 0.3, r * 0.26), heart, "flat")
    for i in range(18):
        angle = i * math.tau / 18
        look.canvas.part(
            ellipse(x + r * 0.46 * math.cos(angle), y + r * 0.46 * math.sin(angle), r * 0.05, r * 0.05), seed, "flat"
        )


def _mango(look: Look) -> None:
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


def _melon(look: Look) -> None:
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


def _watermelon(look: Look) -> None:
    rng = look.canvas.rng
    base = (96, 138, 66) if look.variety == "striped" else (38, 72, 40)
    outline = body(0.008, rng, 0.44, 0.38)
    paint = skin(look.canvas.px, base, rng, mottle=0.2, rough=0.15)
    _bands(look, paint, shade((34, 66, 36), 0.9 if look.variety == "striped" else 0.7))
    look.canvas.part(outline, paint, "ball", gloss=0.35)


def _bands(look: Look, paint: Image.Image, colour: Rgb) -> None:
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


def _pomegranate(look: Look) -> None:
    rng = look.canvas.rng
    paint = skin(
        look.canvas.px, (196, 62, 66), rng, (226, 132, 104), 0.35, 0.3, mottle=0.3, speckle=(160, 100, 70), dots=0.02
    )
    look.canvas.part(
        smooth(
            [
                (0.42, 0.16),
                (0.38, 0.04),
                (0.46, 0.1),
                (0.5, 0.03),
                (0.55, 0.1),
                (0.62, 0.04),
                (0.58, 0.16),
                (0.6, 0.22),
                (0.4, 0.22),
            ]
        ),
        (168, 58, 54),
    )
    look.canvas.part(body(0.03, rng, 0.38, 0.36), paint, "ball", gloss=0.4)


def _passion_fruit(look: Look) -> None:
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
        _slice(look, 0.68, 0.66, 0.26, (226, 160, 40), (92, 56, 70), (208, 140, 30), (40, 34, 24))


def _avocado(look: Look) -> None:
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


def _tomato(look: Look) -> None:
    rng = look.canvas.rng
    base = (224, 170, 44) if look.variety == "yellow" else (206, 42, 30)
    look.canvas.part(
        body(0.02, rng, 0.4, 0.36),
        skin(look.canvas.px, base, rng, shade(base, 1.15), 0.3, mottle=0.15),
        "ball",
        gloss=0.8,
    )
    for i in range(6):
        angle, reach = i * math.tau / 6 + rng.random(), rng.uniform(0.13, 0.2)
        tip = (0.5 + reach * math.cos(angle), 0.26 + reach * 0.55 * math.sin(angle))
        look.canvas.part(
            [(0.48, 0.25), tip, (0.52, 0.27)] if i % 2 else [(0.5, 0.28), tip, (0.5, 0.23)], (66, 112, 44), "flat"
        )
    stem(look, 0.26, 0.16, colour=(84, 124, 50))
    if look.variety == "vine":
        look.canvas.stroke([(0.2, 0.06), (0.5, 0.1), (0.85, 0.04)], (84, 124, 50), 0.03)


ROUND: dict[str, Shape] = {
    "apple": _apple,
    "pear": _pear,
    "orange": _citrus((240, 140, 28), 0.39, 0.38),
    "satsuma": _citrus((244, 148, 24), 0.41, 0.34, 0.35),
    "lemon": _pointed((244, 214, 56), (236, 200, 40)),
    "lime": _pointed((104, 156, 48), (140, 176, 60)),
    "grapefruit": _citrus((240, 176, 84), 0.4, 0.385, 0.4, (226, 112, 82)),
    "kiwi": _kiwi,
    "mango": _mango,
    "melon": _melon,
    "watermelon": _watermelon,
    "peach": _fuzzy((240, 186, 92), (206, 72, 64), 0.0),
    "nectarine": _fuzzy((226, 130, 56), (176, 26, 36), 0.6),
    "plum": _plum,
    "pomegranate": _pomegranate,
    "passion-fruit": _passion_fruit,
    "avocado": _avocado,
    "tomato": _tomato,
}
