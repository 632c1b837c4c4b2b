"""Shapes of hats, scarves, gloves, socks, belts and shoes."""

from __future__ import annotations

from encoders.catalogue.canvas import Point, arc, ellipse, mirrored, ribbon, smooth
from encoders.catalogue.fabrics import shade
from encoders.catalogue.look import Look, Shape
from encoders.catalogue.words import RGB, Rgb

_SOLE_WHITE: Rgb = (236, 234, 228)


def _socks(look: Look) -> None:
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


def _hat(look: Look) -> None:
    look.canvas.blob(0.5, 0.64, 0.44, 0.15, look.cloth, "puff", relief=0.9)
    look.canvas.part(
        smooth(mirrored([(0.1, 0.26), (0.2, 0.34), (0.235, 0.62), (0.12, 0.69)])), look.cloth, relief=1.1, shadow=0.5
    )
    look.canvas.part(ribbon(arc(0.5, 0.57, 0.232, 0.09, 178, 2), [0.075] * 14), look.second, "cylinder", shadow=0.2)


def _beanie(look: Look) -> None:
    if look.variety == "bobble":
        look.canvas.blob(0.5, 0.17, 0.12, 0.11, look.second, "puff", relief=1.3, crease=0.8)
    look.canvas.part(smooth(mirrored([(0.06, 0.2), (0.24, 0.32), (0.31, 0.55), (0.3, 0.74)])), look.cloth, relief=1.1)
    look.canvas.part(
        smooth(mirrored([(0.31, 0.63), (0.325, 0.72), (0.31, 0.83)]), 3), look.cloth, relief=1.1, shadow=0.5
    )
    for i in range(-9, 10):
        look.canvas.stroke([(0.5 + i * 0.032, 0.65), (0.5 + i * 0.032, 0.81)], look.seam, 0.005, solid=False)


def _cap(look: Look) -> None:
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


def _scarf(look: Look) -> None:
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


def _gloves(look: Look) -> None:
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


def _belt(look: Look) -> None:
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


def _sole(look: Look, colour: Rgb, thick: float, heel: float = 0.0) -> None:
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


def _sneaker(look: Look) -> None:
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


def _boot(look: Look) -> None:
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


def _sandal(look: Look) -> None:
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


def _heel(look: Look) -> None:
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


def _loafer(look: Look) -> None:
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


def _slipper(look: Look) -> None:
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


ACCESSORIES: dict[str, Shape] = {
    "socks": _socks,
    "hat": _hat,
    "beanie": _beanie,
    "cap": _cap,
    "scarf": _scarf,
    "gloves": _gloves,
    "belt": _belt,
    "sneaker": _sneaker,
    "boot": _boot,
    "sandal": _sandal,
    "heel": _heel,
    "loafer": _loafer,
    "slipper": _slipper,
}
