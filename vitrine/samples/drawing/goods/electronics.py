"""Shapes of electronics."""

from __future__ import annotations

import math

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import arc, mirrored, ribbon, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade

_SCREEN: Rgb = (24, 28, 38)


def _icons(look: Appearance, x0: float, y0: float, x1: float, y1: float) -> None:
    """A lit screen with a wallpaper and icons."""
    paper = mix(look.second, (40, 90, 190), 0.4)
    look.canvas.part(rounded(x0, y0, x1, y1, 0.015), paper, "flat", relief=5)
    look.canvas.part(
        smooth([(x0 + 0.01, y1 - 0.01), (x0 + (x1 - x0) * 0.4, y0 + (y1 - y0) * 0.5), (x1 - 0.01, y1 - 0.01)], 4),
        shade(paper, 0.7),
        "flat",
    )
    for i in range(4):
        x = x0 + (x1 - x0) * (0.14 + 0.22 * i)
        look.canvas.box(
            x,
            y1 - (y1 - y0) * 0.16,
            x + (x1 - x0) * 0.12,
            y1 - (y1 - y0) * 0.08,
            RGB[look.rng.choice(("white", "yellow", "coral", "mint", "sky"))],
            0.008,
        )


def _phone(look: Appearance) -> None:
    look.canvas.part(rounded(0.44, 0.08, 0.84, 0.92, 0.06), look.cloth, relief=0.6, gloss=0.5)
    look.canvas.part(rounded(0.48, 0.12, 0.62, 0.32, 0.04), shade(look.colour, 0.75), relief=0.6, shadow=0.3)
    for y in (0.17, 0.27):
        look.canvas.blob(0.55, y, 0.045, 0.045, (30, 30, 34), gloss=0.9)
    look.canvas.part(rounded(0.16, 0.12, 0.56, 0.94, 0.06), shade(look.colour, 0.6), relief=0.5, shadow=0.5)
    look.canvas.part(rounded(0.17, 0.13, 0.55, 0.93, 0.05), _SCREEN, "flat")
    _icons(look, 0.185, 0.15, 0.535, 0.91)


def _tablet(look: Appearance) -> None:
    look.canvas.part(rounded(0.1, 0.16, 0.9, 0.84, 0.05), look.cloth, relief=0.5, gloss=0.3)
    look.canvas.part(rounded(0.115, 0.175, 0.885, 0.825, 0.04), _SCREEN, "flat")
    _icons(look, 0.15, 0.21, 0.85, 0.79)


def _laptop(look: Appearance) -> None:
    look.canvas.part(rounded(0.16, 0.14, 0.84, 0.64, 0.03), look.cloth, relief=0.4)
    look.canvas.part(rounded(0.175, 0.155, 0.825, 0.625, 0.02), _SCREEN, "flat")
    _icons(look, 0.19, 0.175, 0.81, 0.605)
    look.canvas.part([(0.16, 0.64), (0.84, 0.64), (0.96, 0.82), (0.04, 0.82)], look.cloth, "flat", relief=2, gloss=0.3)
    look.canvas.part([(0.2, 0.655), (0.8, 0.655), (0.86, 0.745), (0.14, 0.745)], (40, 40, 44), "flat")
    look.canvas.part([(0.4, 0.76), (0.6, 0.76), (0.615, 0.81), (0.385, 0.81)], shade(look.colour, 0.85), "flat")
    look.canvas.box(0.04, 0.82, 0.96, 0.85, shade(look.colour, 0.7), 0.01)


def _monitor(look: Appearance) -> None:
    look.canvas.part(mirrored([(0.05, 0.6), (0.06, 0.84)]), shade(look.colour, 0.8), "cylinder")
    look.canvas.blob(0.5, 0.86, 0.2, 0.04, look.cloth, "puff", gloss=0.4)
    look.canvas.part(rounded(0.06, 0.14, 0.94, 0.7, 0.02), look.cloth, relief=0.4)
    _icons(look, 0.08, 0.16, 0.92, 0.66)


def _headphones(look: Appearance) -> None:
    look.canvas.part(
        ribbon(arc(0.5, 0.5, 0.34, 0.38, 178, 362, 20), [0.07] * 20), look.cloth, relief=1.0, gloss=look.gloss * 0.5
    )
    for side in (-1, 1):
        x = 0.5 + side * 0.32
        look.canvas.part(
            smooth(
                [
                    (x - 0.09, 0.48),
                    (x + 0.09, 0.48),
                    (x + 0.11, 0.66),
                    (x + 0.08, 0.84),
                    (x - 0.08, 0.84),
                    (x - 0.11, 0.66),
                ]
            ),
            look.cloth,
            relief=1.1,
            gloss=0.5,
        )
        look.canvas.part(
            smooth([(x - side * 0.07, 0.5), (x - side * 0.15, 0.56), (x - side * 0.15, 0.76), (x - side * 0.07, 0.82)]),
            RGB["charcoal"],
            relief=1.1,
        )
        look.canvas.blob(x + side * 0.02, 0.66, 0.05, 0.06, look.second, "puff", gloss=0.4)


def _earbuds(look: Appearance) -> None:
    look.canvas.part(rounded(0.2, 0.46, 0.8, 0.9, 0.16), look.colour, relief=1.1, gloss=0.7)
    look.canvas.stroke([(0.21, 0.6), (0.79, 0.6)], look.seam, 0.008, solid=False)
    for x, side in ((0.34, -1), (0.66, 1)):
        look.canvas.part(
            ribbon([(x, 0.2), (x + side * 0.02, 0.42)], [0.07, 0.05]), look.colour, "cylinder", gloss=0.7, shadow=0.3
        )
        look.canvas.blob(x, 0.19, 0.085, 0.09, look.colour, gloss=0.8)
        look.canvas.blob(x - side * 0.06, 0.2, 0.04, 0.05, RGB["charcoal"])


def _speaker(look: Appearance) -> None:
    x0, y0, x1, y1 = (0.3, 0.1, 0.7, 0.92) if look.variety == "tower" else (0.1, 0.3, 0.9, 0.74)
    look.canvas.part(
        rounded(x0, y0, x1, y1, 0.08), look.cloth, "cylinder" if look.variety == "tower" else "puff", relief=1.0
    )
    spots = (
        ((0.5, 0.3, 0.13), (0.5, 0.62, 0.17)) if look.variety == "tower" else ((0.28, 0.52, 0.14), (0.72, 0.52, 0.14))
    )
    for x, y, r in spots:
        look.canvas.blob(x, y, r, r, shade(look.colour, 0.5), "puff", relief=0.8, shadow=0.3)
        look.canvas.blob(x, y, r * 0.7, r * 0.7, (40, 40, 44), "puff", relief=-0.8)
        look.canvas.blob(x, y, r * 0.28, r * 0.28, (70, 70, 76), gloss=0.8)


def _camera(look: Appearance) -> None:
    look.canvas.box(0.36, 0.2, 0.62, 0.32, shade(look.colour, 0.9), 0.03, "puff")
    look.canvas.part(rounded(0.08, 0.28, 0.92, 0.8, 0.06), look.cloth, relief=0.9, gloss=0.3)
    look.canvas.box(0.08, 0.28, 0.92, 0.38, RGB["silver"], 0.04, "flat", relief=2)
    look.canvas.box(0.72, 0.22, 0.84, 0.29, RGB["charcoal"], 0.02, "cylinder")
    for r, colour in ((0.24, (50, 50, 54)), (0.2, (24, 24, 28)), (0.15, (60, 62, 70)), (0.11, (24, 26, 44))):
        look.canvas.blob(0.46, 0.56, r, r, colour, "puff" if r > 0.15 else "ball", gloss=0.9)
    look.canvas.blob(0.42, 0.51, 0.03, 0.025, (150, 170, 220))


def _watch(look: Appearance) -> None:
    strap = look.second if look.material == "metal" else look.cloth
    look.canvas.part(
        mirrored([(0.07, 0.03), (0.11, 0.3), (0.11, 0.7), (0.07, 0.97)]), strap, "cylinder", gloss=look.gloss * 0.6
    )
    if look.variety == "smart":
        look.canvas.part(rounded(0.3, 0.28, 0.7, 0.72, 0.1), look.colour, relief=0.8, gloss=0.7, shadow=0.4)
        look.canvas.part(rounded(0.33, 0.31, 0.67, 0.69, 0.07), _SCREEN, "flat")
        for i, ink in enumerate(("mint", "coral", "sky")):
            look.canvas.box(0.38, 0.38 + i * 0.09, 0.5 + look.rng.random() * 0.12, 0.42 + i * 0.09, RGB[ink], 0.015)
        return
    metal = RGB[look.rng.choice(("silver", "gold", "charcoal"))]
    look.canvas.box(0.7, 0.47, 0.75, 0.53, metal, 0.01)
    look.canvas.blob(0.5, 0.5, 0.22, 0.22, metal, "puff", gloss=0.8, shadow=0.4)
    look.canvas.blob(
        0.5, 0.5, 0.18, 0.18, look.colour if look.material == "metal" else (244, 242, 236), "flat", relief=2
    )
    ink = RGB["white"] if look.material == "metal" and sum(look.colour) < 380 else RGB["black"]
    for i in range(12):
        cos, sin = math.cos(i * math.pi / 6), math.sin(i * math.pi / 6)
        look.canvas.stroke([(0.5 + 0.14 * cos, 0.5 + 0.14 * sin), (0.5 + 0.165 * cos, 0.5 + 0.165 * sin)], ink, 0.01)
    for length, angle in ((0.1, -2.4), (0.14, -0.8)):
        look.canvas.stroke([(0.5, 0.5), (0.5 + length * math.cos(angle), 0.5 + length * math.sin(angle))], ink, 0.012)


def _keyboard(look: Appearance) -> None:
    look.canvas.part(rounded(0.05, 0.34, 0.95, 0.7, 0.03), look.cloth, relief=0.7)
    key = shade(look.colour, 1.35 if sum(look.colour) < 250 else 0.86)
    for row in range(4):
        for column in range(12):
            x, y = 0.085 + column * 0.07, 0.37 + row * 0.075
            look.canvas.mark(
                rounded(x, y, x + 0.058, y + 0.06, 0.01), look.second if (row, column) in ((0, 0), (2, 11)) else key
            )
    look.canvas.box(0.3, 0.665, 0.7, 0.69, key, 0.01)


def _mouse(look: Appearance) -> None:
    look.canvas.part(
        smooth(mirrored([(0.12, 0.14), (0.23, 0.3), (0.25, 0.6), (0.18, 0.85), (0.06, 0.9)])),
        look.colour,
        relief=1.2,
        gloss=0.6,
    )
    look.canvas.stroke([(0.5, 0.14), (0.5, 0.46)], look.seam, 0.01, solid=False)
    look.canvas.stroke(arc(0.5, 0.42, 0.24, 0.06, 0, 180), look.seam, 0.008, solid=False)
    look.canvas.box(0.475, 0.22, 0.525, 0.36, look.second, 0.025, "cylinder", shadow=0.3)


def _gamepad(look: Appearance) -> None:
    look.canvas.part(
        smooth(mirrored([(0.2, 0.3), (0.34, 0.3), (0.42, 0.5), (0.45, 0.78), (0.34, 0.8), (0.2, 0.6), (0.06, 0.58)])),
        look.colour,
        relief=1.1,
        gloss=0.5,
    )
    for x, y in ((0.38, 0.54), (0.62, 0.54)):
        look.canvas.blob(x, y, 0.07, 0.07, (40, 40, 44), "puff", shadow=0.4)
    look.canvas.box(0.23, 0.4, 0.35, 0.44, (40, 40, 44), 0.01)
    look.canvas.box(0.27, 0.36, 0.31, 0.48, (40, 40, 44), 0.01)
    for (x, y), ink in zip(
        ((0.71, 0.36), (0.71, 0.48), (0.65, 0.42), (0.77, 0.42)), ("yellow", "green", "blue", "red"), strict=True
    ):
        look.canvas.blob(x, y, 0.026, 0.026, RGB[ink], gloss=0.6)


ELECTRONICS: dict[str, DrawShape] = {
    "phone": _phone,
    "tablet": _tablet,
    "laptop": _laptop,
    "monitor": _monitor,
    "headphones": _headphones,
    "earbuds": _earbuds,
    "speaker": _speaker,
    "camera": _camera,
    "watch": _watch,
    "keyboard": _keyboard,
    "mouse": _mouse,
    "gamepad": _gamepad,
}
