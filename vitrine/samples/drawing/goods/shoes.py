"""Shapes of shoes."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, arc, ellipse, ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import shade

_SOLE_WHITE: Rgb = (236, 234, 228)


def _sole(look: Appearance, colour: Rgb, thick: float, heel: float = 0.0) -> None:
    look.canvas.part(
        smooth(
            [
                (0.08, 0.74),
                (0.3, 0.75),
                (0.6, 0.765),
                (0.9, 0.74),
                (0.95, 0.77),
                (0.9, 0.76 + thick),
                (0.5, 0.77 + thick),
                (0.12, 0.77 + thick + heel),
                (0.06, 0.76),
            ],
            4,
        ),
        colour,
        relief=0.7,
        shadow=0.2,
    )


def _sneaker(look: Appearance) -> None:
    top = 0.24 if look.variety == "high" else 0.38
    upper: list[Point] = [
        (0.09, 0.76),
        (0.08, 0.5),
        (0.1, top),
        (0.22, top - 0.02),
        (0.36, top + 0.03),
        (0.44, 0.48),
        (0.62, 0.57),
        (0.84, 0.62),
        (0.94, 0.71),
        (0.93, 0.77),
    ]
    look.canvas.part(smooth(upper, 4), look.cloth, relief=0.9, crease=0.25, gloss=look.gloss * 0.5)
    look.canvas.part(
        smooth([(0.1, top + 0.02), (0.22, top + 0.005), (0.34, top + 0.04), (0.22, top + 0.075)], 4),
        shade(look.colour, 0.4),
        "flat",
    )
    look.canvas.part(
        smooth([(0.76, 0.6), (0.86, 0.63), (0.94, 0.72), (0.92, 0.77), (0.78, 0.76), (0.72, 0.68)], 4),
        look.second,
        relief=0.8,
        shadow=0.2,
    )
    look.canvas.part(smooth([(0.085, 0.5), (0.17, 0.54), (0.2, 0.75), (0.09, 0.75)], 4), look.second, relief=0.7)
    look.canvas.part(ribbon([(0.26, 0.74), (0.42, 0.68), (0.5, 0.55)], [0.06, 0.05, 0.02]), look.second, "flat")
    for i in range(5):
        x, y = 0.4 + i * 0.062, top + 0.12 + i * (0.55 - top) * 0.16
        look.canvas.stroke([(x - 0.035, y + 0.055), (x + 0.035, y - 0.005)], _SOLE_WHITE, 0.016, solid=False)
    _sole(look, look.rng.choice((_SOLE_WHITE, _SOLE_WHITE, RGB["black"], RGB["tan"])), 0.07)


def _boot(look: Appearance) -> None:
    shaft: list[Point] = [
        (0.17, 0.8),
        (0.15, 0.5),
        (0.16, 0.16),
        (0.3, 0.13),
        (0.47, 0.16),
        (0.49, 0.46),
        (0.64, 0.57),
        (0.84, 0.64),
        (0.9, 0.74),
        (0.88, 0.8),
    ]
    look.canvas.part(smooth(shaft, 4), look.cloth, relief=1.0, crease=0.5, gloss=look.gloss * 0.6)
    look.canvas.part(ellipse(0.31, 0.155, 0.145, 0.028), shade(look.colour, 0.4), "flat")
    if look.variety == "laced":
        for i in range(6):
            y = 0.24 + i * 0.055
            look.canvas.stroke([(0.37, y + 0.03), (0.49 + max(0, i - 3) * 0.03, y)], look.second, 0.014, solid=False)
    else:
        look.canvas.part([(0.26, 0.3), (0.36, 0.3), (0.33, 0.56), (0.28, 0.56)], shade(look.colour, 0.6), "flat")
    sole = shade(look.colour, 0.4) if look.rng.random() < 0.6 else RGB["tan"]
    look.canvas.part(
        [(0.14, 0.78), (0.9, 0.78), (0.91, 0.85), (0.42, 0.85), (0.4, 0.83), (0.38, 0.89), (0.14, 0.89)],
        sole,
        relief=0.6,
        shadow=0.3,
    )


def _sandal(look: Appearance) -> None:
    look.canvas.part(
        smooth([(0.06, 0.7), (0.3, 0.68), (0.6, 0.74), (0.92, 0.76), (0.94, 0.81), (0.6, 0.83), (0.08, 0.8)], 4),
        shade(look.colour, 0.7),
        relief=0.8,
    )
    look.canvas.part(
        smooth([(0.07, 0.685), (0.3, 0.66), (0.6, 0.72), (0.92, 0.745), (0.6, 0.755), (0.1, 0.715)], 4),
        RGB["tan"],
        relief=0.5,
    )
    for x, height, lean in ((0.2, 0.3, 0.05), (0.56, 0.2, 0.12), (0.72, 0.16, 0.1)):
        band = [
            (x, 0.72),
            (x + lean * 0.4, 0.72 - height * 0.8),
            (x + lean + 0.06, 0.7 - height),
            (x + lean + 0.13, 0.75),
        ]
        look.canvas.part(ribbon(band, [0.06, 0.055, 0.055, 0.06]), look.cloth, relief=1.0, gloss=0.3, shadow=0.4)
    look.canvas.part(
        ribbon([(0.08, 0.7), (0.08, 0.46), (0.22, 0.42)], [0.05, 0.05, 0.05]), look.cloth, relief=1.0, shadow=0.3
    )


def _heel(look: Appearance) -> None:
    look.canvas.part(
        [(0.13, 0.44), (0.24, 0.52), (0.175, 0.86), (0.135, 0.86)], shade(look.colour, 0.75), "cylinder", gloss=0.5
    )
    shell: list[Point] = [
        (0.1, 0.3),
        (0.16, 0.26),
        (0.26, 0.36),
        (0.42, 0.52),
        (0.6, 0.66),
        (0.76, 0.72),
        (0.93, 0.82),
        (0.9, 0.855),
        (0.66, 0.845),
        (0.44, 0.74),
        (0.26, 0.58),
        (0.12, 0.46),
    ]
    look.canvas.part(smooth(shell, 4), look.cloth, relief=1.0, gloss=max(0.4, look.gloss))
    look.canvas.part(
        smooth([(0.17, 0.28), (0.3, 0.42), (0.5, 0.6), (0.68, 0.7), (0.5, 0.64), (0.28, 0.47)], 4), RGB["beige"], "flat"
    )


def _loafer(look: Appearance) -> None:
    look.canvas.part(
        smooth(
            [
                (0.08, 0.76),
                (0.07, 0.56),
                (0.14, 0.47),
                (0.32, 0.56),
                (0.48, 0.5),
                (0.66, 0.56),
                (0.88, 0.66),
                (0.94, 0.76),
            ],
            4,
        ),
        look.cloth,
        relief=1.0,
        gloss=look.gloss,
    )
    look.canvas.part(smooth([(0.13, 0.5), (0.3, 0.56), (0.44, 0.53), (0.3, 0.61)], 4), shade(look.colour, 0.4), "flat")
    look.canvas.part(
        ribbon([(0.47, 0.5), (0.54, 0.62), (0.5, 0.74)], [0.07, 0.08, 0.08]), look.cloth, relief=0.9, shadow=0.4
    )
    look.canvas.stroke(arc(0.72, 0.68, 0.16, 0.09, 190, 340), look.seam, 0.009, solid=False)
    _sole(look, shade(look.colour, 0.5), 0.03, 0.03)


def _slipper(look: Appearance) -> None:
    look.canvas.part(
        smooth([(0.06, 0.72), (0.5, 0.7), (0.9, 0.72), (0.95, 0.78), (0.9, 0.83), (0.1, 0.83)], 4),
        shade(look.second, 0.8),
        relief=0.9,
    )
    look.canvas.part(
        smooth([(0.08, 0.705), (0.4, 0.66), (0.7, 0.68), (0.5, 0.73), (0.12, 0.74)], 4),
        shade(look.colour, 0.8),
        relief=0.6,
    )
    look.canvas.part(
        smooth([(0.46, 0.76), (0.5, 0.52), (0.68, 0.46), (0.86, 0.58), (0.94, 0.76)], 4),
        look.cloth,
        relief=1.1,
        shadow=0.4,
    )


SHOES: dict[str, DrawShape] = {
    "sneaker": _sneaker,
    "boot": _boot,
    "sandal": _sandal,
    "heel": _heel,
    "loafer": _loafer,
    "slipper": _slipper,
}
