"""Shapes of hats, scarves, gloves, socks and belts."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, arc, ellipse, mirrored, ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import shade


def _socks(look: Appearance) -> None:
    for dx, tint in ((0.16, 0.9), (-0.08, 1.0)):
        sock: list[Point] = [
            (0.36, 0.1),
            (0.54, 0.1),
            (0.55, 0.45),
            (0.57, 0.6),
            (0.76, 0.72),
            (0.8, 0.82),
            (0.7, 0.88),
            (0.5, 0.84),
            (0.37, 0.7),
            (0.35, 0.45),
        ]
        look.canvas.part(
            smooth([(x - 0.12 + dx, y) for x, y in sock], 4), look.cloth, relief=0.9 * tint, crease=0.4, shadow=0.4
        )
        look.canvas.part(
            [(0.235 + dx, 0.085), (0.43 + dx, 0.085), (0.43 + dx, 0.17), (0.235 + dx, 0.17)], look.second, relief=0.7
        )
        look.canvas.part(ellipse(0.63 + dx, 0.81, 0.06, 0.07), look.second, relief=0.8)


def _hat(look: Appearance) -> None:
    look.canvas.blob(0.5, 0.64, 0.44, 0.15, look.cloth, "puff", relief=0.9)
    look.canvas.part(
        smooth(mirrored([(0.1, 0.26), (0.2, 0.34), (0.235, 0.62), (0.12, 0.69)])), look.cloth, relief=1.1, shadow=0.5
    )
    look.canvas.part(ribbon(arc(0.5, 0.57, 0.232, 0.09, 178, 2), [0.075] * 14), look.second, "cylinder", shadow=0.2)


def _beanie(look: Appearance) -> None:
    if look.variety == "bobble":
        look.canvas.blob(0.5, 0.17, 0.12, 0.11, look.second, "puff", relief=1.3, crease=0.8)
    look.canvas.part(smooth(mirrored([(0.06, 0.2), (0.24, 0.32), (0.31, 0.55), (0.3, 0.74)])), look.cloth, relief=1.1)
    look.canvas.part(
        smooth(mirrored([(0.31, 0.63), (0.325, 0.72), (0.31, 0.83)]), 3), look.cloth, relief=1.1, shadow=0.5
    )
    for i in range(-9, 10):
        look.canvas.stroke([(0.5 + i * 0.032, 0.65), (0.5 + i * 0.032, 0.81)], look.seam, 0.005, solid=False)


def _cap(look: Appearance) -> None:
    look.canvas.part(
        smooth([(0.14, 0.62), (0.16, 0.42), (0.3, 0.25), (0.48, 0.22), (0.64, 0.32), (0.7, 0.6), (0.42, 0.66)]),
        look.cloth,
        relief=1.1,
    )
    for bend in (0.28, 0.5):
        look.canvas.stroke([(0.46, 0.23), (bend + 0.02, 0.4), (bend, 0.64)], look.seam, 0.005, solid=False)
    look.canvas.part(
        smooth([(0.4, 0.62), (0.7, 0.56), (0.9, 0.62), (0.93, 0.7), (0.7, 0.68), (0.44, 0.69)]),
        look.second if look.rng.random() < 0.5 else look.cloth,
        relief=0.8,
        shadow=0.5,
    )
    look.canvas.blob(0.47, 0.22, 0.022, 0.016, look.second)


def _scarf(look: Appearance) -> None:
    look.canvas.part(
        ribbon([(0.62, 0.3), (0.66, 0.6), (0.63, 0.84)], [0.19, 0.2, 0.2]), look.cloth, relief=1.0, crease=0.9
    )
    look.canvas.part(
        ribbon([(0.4, 0.32), (0.36, 0.6), (0.4, 0.88)], [0.19, 0.21, 0.2]),
        look.cloth,
        relief=1.0,
        crease=0.9,
        shadow=0.5,
    )
    look.canvas.part(
        smooth(mirrored([(0.12, 0.13), (0.26, 0.2), (0.24, 0.38), (0.08, 0.44)])),
        look.cloth,
        relief=1.2,
        crease=1.0,
        shadow=0.4,
    )
    look.canvas.part(ellipse(0.5, 0.2, 0.13, 0.05), shade(look.colour, 0.4), "flat")
    for x, y in ((0.63, 0.84), (0.4, 0.88)):
        for i in range(-5, 6):
            look.canvas.stroke([(x + i * 0.018, y - 0.01), (x + i * 0.019, y + 0.06)], shade(look.colour, 0.85), 0.008)


def _gloves(look: Appearance) -> None:
    for x, side in ((0.3, -1), (0.7, 1)):
        for i, length in enumerate((0.2, 0.27, 0.29, 0.25)):
            dx = (i - 1.5) * 0.068 * side
            look.canvas.part(
                ribbon([(x + dx, 0.5), (x + dx * 1.35, 0.44 - length)], [0.075, 0.06]), look.cloth, relief=1.0
            )
            look.canvas.blob(x + dx * 1.35, 0.44 - length, 0.03, 0.03, look.cloth, "puff")
        look.canvas.part(
            ribbon([(x - side * 0.08, 0.6), (x - side * 0.17, 0.46), (x - side * 0.19, 0.36)], [0.1, 0.085, 0.06]),
            look.cloth,
        )
        look.canvas.part(
            smooth([(x - 0.14, 0.42), (x + 0.14, 0.42), (x + 0.13, 0.66), (x - 0.13, 0.66)], 4),
            look.cloth,
            relief=0.8,
            crease=0.4,
        )
        look.canvas.box(x - 0.13, 0.66, x + 0.13, 0.86, look.second, 0.02, "cylinder", shadow=0.3)


def _belt(look: Appearance) -> None:
    look.canvas.part(
        ribbon(arc(0.5, 0.42, 0.36, 0.2, -170, 170, 30), [0.085] * 30), shade(look.colour, 0.75), relief=0.7
    )
    look.canvas.part(
        ribbon(arc(0.5, 0.47, 0.38, 0.22, 5, 178, 24), [0.1] * 24), look.cloth, relief=0.9, gloss=0.3, shadow=0.4
    )
    look.canvas.part(
        ribbon([(0.3, 0.665), (0.12, 0.72), (0.06, 0.8)], [0.1, 0.1, 0.07]), look.cloth, relief=0.8, shadow=0.4
    )
    buckle = [(0.27, 0.6), (0.4, 0.625), (0.395, 0.76), (0.265, 0.735)]
    look.canvas.stroke([*buckle, buckle[0]], RGB[look.rng.choice(("silver", "gold"))], 0.022)
    look.canvas.stroke([(0.27, 0.665), (0.39, 0.69)], RGB["silver"], 0.014)


ACCESSORIES: dict[str, DrawShape] = {
    "socks": _socks,
    "hat": _hat,
    "beanie": _beanie,
    "cap": _cap,
    "scarf": _scarf,
    "gloves": _gloves,
    "belt": _belt,
}
