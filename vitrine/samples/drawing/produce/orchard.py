"""Shapes of apples, pears, stone fruit and tomatoes."""

from __future__ import annotations

import math

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade
from vitrine.samples.drawing.produce.details import body, dimple, stem
from vitrine.samples.drawing.produce.skin import skin

_APPLES: dict[str, tuple[Rgb, Rgb, float, float]] = {
    "red": ((186, 44, 40), (136, 16, 28), 0.7, 0.5),
    "green": ((150, 190, 62), (176, 204, 88), 0.4, 0.2),
    "yellow": ((222, 204, 88), (206, 190, 70), 0.4, 0.2),
    "pink": ((226, 196, 108), (214, 74, 78), 0.62, 0.4),
    "bicolour": ((216, 190, 84), (188, 40, 38), 0.5, 0.9),
}


def _apple(look: Appearance) -> None:
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


def _fuzzy(base: Rgb, blush: Rgb, gloss: float) -> DrawShape:
    def draw(look: Appearance) -> None:
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


def _plum(look: Appearance) -> None:
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


def _pear(look: Appearance) -> None:
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


def _pomegranate(look: Appearance) -> None:
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


def _tomato(look: Appearance) -> None:
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


ORCHARD: dict[str, DrawShape] = {
    "apple": _apple,
    "pear": _pear,
    "peach": _fuzzy((240, 186, 92), (206, 72, 64), 0.0),
    "nectarine": _fuzzy((226, 130, 56), (176, 26, 36), 0.6),
    "plum": _plum,
    "pomegranate": _pomegranate,
    "tomato": _tomato,
}
