"""Shapes of sports gear and toys."""

from __future__ import annotations

import math

from encoders.catalogue.canvas import Point, arc, ellipse, mirrored, ribbon, rounded, smooth
from encoders.catalogue.fabrics import shade
from encoders.catalogue.look import Look, Shape
from encoders.catalogue.words import RGB, Rgb


def _football(look: Look) -> None:
    look.canvas.blob(0.5, 0.5, 0.4, 0.4, (240, 240, 238), gloss=0.3)
    ink = look.colour if sum(look.colour) < 600 else RGB["black"]
    spots = [(0.5, 0.5, 0.12)] + [
        (0.5 + 0.31 * math.cos(a), 0.5 + 0.31 * math.sin(a), 0.085)
        for a in (math.radians(-90 + 72 * i) for i in range(5))
    ]
    for x, y, r in spots:
        patch = [
            (x + r * math.cos(math.radians(90 + 72 * i)), y + r * math.sin(math.radians(90 + 72 * i))) for i in range(5)
        ]
        look.canvas.part(patch, ink, "puff", relief=0.5)
    for i in range(5):
        angle = math.radians(90 + 72 * i)
        look.canvas.stroke(
            [
                (0.5 + 0.12 * math.cos(angle), 0.5 + 0.12 * math.sin(angle)),
                (0.5 + 0.37 * math.cos(angle), 0.5 + 0.37 * math.sin(angle)),
            ],
            (120, 120, 124),
            0.007,
            solid=False,
        )


def _basketball(look: Look) -> None:
    look.canvas.blob(0.5, 0.5, 0.41, 0.41, look.cloth, relief=1.1, gloss=0.2)
    dark = shade(look.colour, 0.35)
    for line in (
        [(0.5, 0.09), (0.5, 0.91)],
        [(0.09, 0.5), (0.91, 0.5)],
        arc(0.05, 0.5, 0.26, 0.34, -75, 75),
        arc(0.95, 0.5, 0.26, 0.34, 105, 255),
    ):
        look.canvas.stroke(line, dark, 0.014, solid=False)


def _gym_ball(look: Look) -> None:
    look.canvas.blob(0.5, 0.5, 0.43, 0.43, look.colour, gloss=0.8)
    for i in (-2, -1, 1, 2):
        look.canvas.stroke(
            arc(0.5, 0.5 + i * 0.11, 0.42 - abs(i) * 0.035, 0.08, 10, 170), look.seam, 0.006, solid=False
        )


def _dumbbell(look: Look) -> None:
    look.canvas.part(ribbon([(0.25, 0.5), (0.75, 0.5)], [0.08, 0.08]), RGB["silver"], "puff", gloss=0.8)
    for x in (0.2, 0.8):
        for dx, tall in ((0.0, 0.2), (0.07 if x < 0.5 else -0.07, 0.16)):
            look.canvas.part(
                smooth(
                    [
                        (x + dx - 0.07, 0.5 - tall),
                        (x + dx + 0.07, 0.5 - tall),
                        (x + dx + 0.08, 0.5),
                        (x + dx + 0.07, 0.5 + tall),
                        (x + dx - 0.07, 0.5 + tall),
                        (x + dx - 0.08, 0.5),
                    ],
                    2,
                ),
                look.cloth,
                relief=1.0,
                gloss=0.4,
                shadow=0.3,
            )


def _kettlebell(look: Look) -> None:
    look.canvas.part(
        ribbon([(0.34, 0.5), (0.3, 0.22), (0.4, 0.1), (0.6, 0.1), (0.7, 0.22), (0.66, 0.5)], [0.09] * 6),
        shade(look.colour, 0.8),
        relief=1.2,
        gloss=0.4,
    )
    look.canvas.blob(0.5, 0.63, 0.29, 0.28, look.cloth, gloss=0.4)
    look.canvas.blob(0.5, 0.63, 0.11, 0.11, look.second, "flat")


def _yoga_mat(look: Look) -> None:
    look.canvas.part([(0.3, 0.62), (0.96, 0.74), (0.96, 0.86), (0.3, 0.8)], shade(look.colour, 0.85), "flat", relief=2)
    look.canvas.part(rounded(0.08, 0.36, 0.8, 0.78, 0.04), look.cloth, "puff", relief=1.2)
    for x in (0.22, 0.62):
        look.canvas.box(x, 0.355, x + 0.045, 0.785, look.second, 0.0, "puff", shadow=0.3)
    for i in range(5):
        look.canvas.part(
            ellipse(0.12, 0.57, 0.085 - i * 0.017, 0.2 - i * 0.04), shade(look.colour, 0.7 if i % 2 else 1.1), "flat"
        )


def _yoga_block(look: Look) -> None:
    look.canvas.part(
        [(0.08, 0.46), (0.34, 0.26), (0.92, 0.34), (0.66, 0.56)], shade(look.colour, 1.2), "flat", relief=2
    )
    look.canvas.part([(0.08, 0.46), (0.66, 0.56), (0.66, 0.82), (0.08, 0.7)], look.cloth, "flat", relief=2)
    look.canvas.part(
        [(0.66, 0.56), (0.92, 0.34), (0.92, 0.58), (0.66, 0.82)], shade(look.colour, 0.7), "flat", relief=2
    )


def _helmet(look: Look) -> None:
    look.canvas.stroke([(0.25, 0.62), (0.42, 0.86), (0.56, 0.88), (0.72, 0.62)], RGB["black"], 0.02)
    look.canvas.part(
        smooth(
            [
                (0.07, 0.6),
                (0.12, 0.36),
                (0.34, 0.18),
                (0.64, 0.2),
                (0.86, 0.4),
                (0.93, 0.62),
                (0.7, 0.66),
                (0.4, 0.68),
                (0.16, 0.68),
            ]
        ),
        look.cloth,
        relief=1.2,
        gloss=0.7,
    )
    for i in range(4):
        x = 0.24 + i * 0.155
        look.canvas.part(
            smooth([(x, 0.54), (x + 0.03, 0.34), (x + 0.09, 0.28), (x + 0.09, 0.4), (x + 0.05, 0.56)]),
            (28, 28, 30),
            "flat",
        )
    look.canvas.part(smooth([(0.7, 0.6), (0.94, 0.62), (0.97, 0.68), (0.74, 0.67)], 3), look.second, shadow=0.3)


def _bicycle(look: Look) -> None:
    for x in (0.23, 0.77):
        ring = ellipse(x, 0.66, 0.19, 0.19)
        look.canvas.stroke([*ring, ring[0]], (36, 36, 38), 0.028)
        for i in range(7):
            angle = math.pi * i / 7
            dx, dy = 0.18 * math.cos(angle), 0.18 * math.sin(angle)
            look.canvas.stroke([(x - dx, 0.66 - dy), (x + dx, 0.66 + dy)], (170, 170, 174), 0.004)
    for line in (
        [(0.23, 0.66), (0.37, 0.4), (0.66, 0.38), (0.47, 0.66), (0.23, 0.66)],
        [(0.35, 0.34), (0.47, 0.66)],
        [(0.64, 0.28), (0.77, 0.66)],
    ):
        look.canvas.stroke(line, look.colour, 0.028)
    look.canvas.stroke([(0.56, 0.25), (0.64, 0.27), (0.7, 0.24)], (40, 40, 42), 0.024)
    look.canvas.part(ribbon([(0.27, 0.32), (0.42, 0.34)], [0.05, 0.025]), look.second)
    look.canvas.blob(0.47, 0.66, 0.05, 0.05, RGB["silver"], "puff")


def _tent(look: Look) -> None:
    if look.variety == "dome":
        look.canvas.part(
            smooth([(0.05, 0.82), (0.18, 0.44), (0.5, 0.22), (0.82, 0.44), (0.95, 0.82), (0.5, 0.86)], 5),
            look.cloth,
            relief=1.1,
            crease=0.4,
        )
        for side in (-1, 1):
            look.canvas.stroke(
                [(0.5 - side * 0.38, 0.8), (0.5 - side * 0.1, 0.34), (0.5 + side * 0.1, 0.24)],
                look.seam,
                0.012,
                solid=False,
            )
    else:
        look.canvas.part(
            [(0.3, 0.24), (0.86, 0.3), (0.96, 0.8), (0.56, 0.84)], look.cloth, "flat", relief=2, crease=0.5
        )
        look.canvas.part(
            [(0.3, 0.24), (0.56, 0.84), (0.05, 0.84)], shade(look.colour, 0.8), "flat", relief=2, crease=0.4
        )
    x = 0.5 if look.variety == "dome" else 0.3
    look.canvas.part([(x, 0.42), (x + 0.13, 0.84), (x - 0.13, 0.84)], (44, 40, 40), "flat")
    look.canvas.part(
        smooth([(x, 0.42), (x - 0.16, 0.6), (x - 0.14, 0.84), (x - 0.09, 0.84)], 3), look.second, shadow=0.4
    )


def _racket(look: Look) -> None:
    for i in range(-6, 7):
        reach = math.sqrt(1 - (i / 7) ** 2)
        look.canvas.stroke(
            [(0.5 + i * 0.034, 0.33 - 0.27 * reach), (0.5 + i * 0.034, 0.33 + 0.27 * reach)], (226, 224, 200), 0.005
        )
        look.canvas.stroke(
            [(0.5 - 0.23 * reach, 0.33 + i * 0.039), (0.5 + 0.23 * reach, 0.33 + i * 0.039)], (226, 224, 200), 0.005
        )
    ring = ellipse(0.5, 0.33, 0.24, 0.285)
    look.canvas.part(ribbon([*ring, ring[0]], [0.04] * 41), look.cloth, relief=1.1, gloss=0.5)
    for side in (-1, 1):
        look.canvas.part(ribbon([(0.5 + side * 0.1, 0.59), (0.5, 0.74)], [0.03, 0.035]), look.colour, gloss=0.4)
    look.canvas.part(
        ribbon([(0.5, 0.7), (0.5, 0.97)], [0.05, 0.055]),
        look.second if sum(look.second) < 600 else RGB["charcoal"],
        "cylinder",
    )


def _board(look: Look) -> None:
    skate = look.kind == "skateboard"
    if skate:
        for y in (0.22, 0.78):
            for x in (0.33, 0.67):
                look.canvas.box(x - 0.04, y - 0.05, x + 0.04, y + 0.05, RGB["white"], 0.03, "cylinder")
    width = 0.15 if skate else 0.125
    look.canvas.part(
        smooth(
            mirrored([(width * 0.55, 0.05), (width, 0.14), (width * 0.9, 0.5), (width, 0.86), (width * 0.55, 0.95)])
        ),
        look.cloth,
        relief=0.7,
        gloss=0.5,
    )
    for y in (0.24, 0.72) if skate else (0.36, 0.6):
        look.canvas.box(0.5 - width * 0.55, y, 0.5 + width * 0.55, y + 0.06, RGB["charcoal"], 0.015, "puff", shadow=0.4)
        for dx in (-0.03, 0.03):
            look.canvas.blob(0.5 + dx, y + 0.03, 0.01, 0.01, RGB["silver"])


def _goggles(look: Look) -> None:
    look.canvas.part(ribbon([(0.02, 0.46), (0.5, 0.38), (0.98, 0.46)], [0.13, 0.12, 0.13]), look.second, relief=0.8)
    outline = mirrored([(0.1, 0.3), (0.36, 0.32), (0.41, 0.5), (0.33, 0.68), (0.12, 0.66), (0.03, 0.58)])
    look.canvas.part(smooth(outline, 4), shade(look.colour, 0.6), relief=1.1, shadow=0.5)
    inner = [(0.5 + (x - 0.5) * 0.88, 0.49 + (y - 0.49) * 0.84) for x, y in outline]
    look.canvas.part(smooth(inner, 4), look.colour, "cylinder", relief=1.2, gloss=1.0)


def _sunglasses(look: Look) -> None:
    for side in (-1, 1):
        look.canvas.part(
            ribbon(
                [(0.5 + side * 0.4, 0.42), (0.5 + side * 0.44, 0.3), (0.5 + side * 0.3, 0.24)], [0.035, 0.03, 0.025]
            ),
            shade(look.colour, 0.8),
        )
        x = 0.5 + side * 0.21
        frame = (
            ellipse(x, 0.52, 0.19, 0.175) if look.variety == "round" else rounded(x - 0.2, 0.38, x + 0.2, 0.66, 0.07)
        )
        look.canvas.part(frame, look.cloth, relief=1.2, gloss=0.6)
        lens = (
            ellipse(x, 0.52, 0.155, 0.14)
            if look.variety == "round"
            else rounded(x - 0.165, 0.41, x + 0.165, 0.63, 0.05)
        )
        look.canvas.part(lens, (44, 42, 46), "ball", gloss=0.7)
    look.canvas.part(ribbon([(0.47, 0.47), (0.53, 0.47)], [0.035, 0.035]), look.cloth)


def _plush(look: Look) -> None:
    bunny = look.kind == "bunny"
    for side in (-1, 1):
        ear = (
            ribbon([(0.5 + side * 0.08, 0.26), (0.5 + side * 0.13, 0.02)], [0.1, 0.07])
            if bunny
            else ellipse(0.5 + side * 0.18, 0.14, 0.08, 0.08)
        )
        look.canvas.part(smooth(ear, 3), look.cloth, relief=1.2)
        look.canvas.blob(0.5 + side * 0.2, 0.86, 0.13, 0.1, look.cloth, "puff", relief=1.2)
        look.canvas.part(
            ribbon([(0.5 + side * 0.16, 0.52), (0.5 + side * 0.3, 0.68)], [0.13, 0.12]), look.cloth, relief=1.2
        )
    look.canvas.blob(0.5, 0.66, 0.22, 0.25, look.cloth, "puff", relief=1.2)
    look.canvas.blob(0.5, 0.69, 0.13, 0.16, shade(look.colour, 1.35), "puff", relief=0.6)
    look.canvas.blob(0.5, 0.29, 0.22, 0.2, look.cloth, "puff", relief=1.2, shadow=0.4)
    look.canvas.blob(0.5, 0.36, 0.1, 0.075, shade(look.colour, 1.4), "puff", relief=0.8)
    for x, y, r, colour in (
        (0.42, 0.27, 0.02, (24, 20, 20)),
        (0.58, 0.27, 0.02, (24, 20, 20)),
        (0.5, 0.335, 0.026, RGB["pink"] if bunny else (40, 28, 24)),
    ):
        look.canvas.blob(x, y, r, r, colour, gloss=0.9)
    look.canvas.part(
        [(0.4, 0.46), (0.6, 0.53), (0.6, 0.46), (0.4, 0.53)],
        look.second if sum(look.second) < 650 else RGB["red"],
        shadow=0.3,
    )


def _toy_car(look: Look) -> None:
    look.canvas.part(
        smooth(
            [
                (0.06, 0.66),
                (0.08, 0.52),
                (0.28, 0.48),
                (0.4, 0.3),
                (0.68, 0.3),
                (0.8, 0.48),
                (0.94, 0.54),
                (0.95, 0.68),
                (0.5, 0.72),
            ],
            4,
        ),
        look.colour,
        relief=1.1,
        gloss=0.7,
    )
    for window in (
        [(0.33, 0.48), (0.42, 0.35), (0.53, 0.35), (0.53, 0.48)],
        [(0.56, 0.48), (0.56, 0.35), (0.66, 0.35), (0.74, 0.48)],
    ):
        look.canvas.part(window, (150, 190, 214), "flat", relief=4)
    for x in (0.27, 0.74):
        look.canvas.blob(x, 0.7, 0.115, 0.115, (34, 34, 36), "puff", shadow=0.3)
        look.canvas.blob(x, 0.7, 0.055, 0.055, RGB["silver"], gloss=0.7)
    look.canvas.blob(0.91, 0.58, 0.025, 0.025, RGB["yellow"], gloss=0.5)


def _blocks(look: Look) -> None:
    hues = [look.colour, look.second, *(RGB[name] for name in ("red", "yellow", "blue", "green"))]
    for i, (x, y) in enumerate(((0.12, 0.62), (0.4, 0.62), (0.66, 0.64), (0.26, 0.36), (0.54, 0.37), (0.4, 0.1))):
        colour: Rgb = hues[i]
        look.canvas.part(rounded(x, y, x + 0.25, y + 0.25, 0.02), colour, relief=0.8, gloss=0.3, shadow=0.3)
        look.canvas.box(x + 0.04, y + 0.04, x + 0.21, y + 0.21, shade(colour, 1.25), 0.02)
        look.canvas.blob(x + 0.125, y + 0.125, 0.05, 0.05, colour, "flat")


def _duck(look: Look) -> None:
    look.canvas.part(
        smooth(
            [
                (0.12, 0.6),
                (0.08, 0.46),
                (0.24, 0.54),
                (0.5, 0.52),
                (0.78, 0.56),
                (0.84, 0.74),
                (0.66, 0.88),
                (0.3, 0.88),
            ]
        ),
        look.colour,
        relief=1.2,
        gloss=0.7,
    )
    look.canvas.part(smooth([(0.28, 0.66), (0.5, 0.6), (0.6, 0.7), (0.42, 0.78)]), look.colour, relief=1.2, shadow=0.3)
    look.canvas.part(smooth([(0.82, 0.38), (0.95, 0.4), (0.93, 0.46), (0.82, 0.46)]), RGB["orange"], gloss=0.4)
    look.canvas.blob(0.66, 0.36, 0.2, 0.2, look.colour, gloss=0.7)
    look.canvas.blob(0.73, 0.31, 0.03, 0.035, (24, 24, 26), gloss=0.9)


def _kite(look: Look) -> None:
    tail: list[Point] = [(0.5, 0.72), (0.42, 0.8), (0.56, 0.86), (0.44, 0.96)]
    look.canvas.stroke(tail, (90, 90, 94), 0.008)
    for x, y in tail[1:]:
        look.canvas.part(
            [(x - 0.05, y - 0.025), (x + 0.05, y + 0.025), (x + 0.05, y - 0.025), (x - 0.05, y + 0.025)], look.second
        )
    quarters = (
        ((0.5, 0.05), (0.84, 0.32), (0.5, 0.32)),
        ((0.5, 0.05), (0.16, 0.32), (0.5, 0.32)),
        ((0.5, 0.74), (0.84, 0.32), (0.5, 0.32)),
        ((0.5, 0.74), (0.16, 0.32), (0.5, 0.32)),
    )
    for i, quarter in enumerate(quarters):
        look.canvas.part(quarter, look.cloth if i in (0, 3) else look.second, "flat", relief=2, crease=0.3)


def _robot(look: Look) -> None:
    look.canvas.stroke([(0.5, 0.16), (0.5, 0.05)], RGB["silver"], 0.016)
    look.canvas.blob(0.5, 0.05, 0.03, 0.03, RGB["red"], gloss=0.7)
    for side in (-1, 1):
        look.canvas.box(
            0.5 + side * 0.13 - 0.07, 0.74, 0.5 + side * 0.13 + 0.07, 0.94, shade(look.colour, 0.75), 0.02, "cylinder"
        )
        look.canvas.part(
            ribbon(
                [(0.5 + side * 0.24, 0.48), (0.5 + side * 0.36, 0.56), (0.5 + side * 0.34, 0.7)], [0.08, 0.075, 0.08]
            ),
            RGB["silver"],
            gloss=0.5,
        )
    look.canvas.box(0.26, 0.42, 0.74, 0.78, look.colour, 0.04, "puff", gloss=0.5)
    look.canvas.box(0.34, 0.5, 0.66, 0.68, look.second, 0.02)
    look.canvas.box(0.29, 0.13, 0.71, 0.41, look.colour, 0.05, "puff", gloss=0.5, shadow=0.3)
    for x in (0.41, 0.59):
        look.canvas.blob(x, 0.25, 0.055, 0.055, (250, 240, 160), gloss=0.8)
        look.canvas.blob(x, 0.25, 0.022, 0.022, (30, 30, 34))
    look.canvas.box(0.4, 0.34, 0.6, 0.37, (40, 40, 44), 0.01)


PLAY: dict[str, Shape] = {
    "football": _football,
    "basketball": _basketball,
    "gym-ball": _gym_ball,
    "dumbbell": _dumbbell,
    "kettlebell": _kettlebell,
    "yoga-mat": _yoga_mat,
    "yoga-block": _yoga_block,
    "helmet": _helmet,
    "bicycle": _bicycle,
    "tent": _tent,
    "racket": _racket,
    "skateboard": _board,
    "snowboard": _board,
    "goggles": _goggles,
    "sunglasses": _sunglasses,
    "teddy": _plush,
    "bunny": _plush,
    "toy-car": _toy_car,
    "blocks": _blocks,
    "duck": _duck,
    "kite": _kite,
    "robot": _robot,
}
