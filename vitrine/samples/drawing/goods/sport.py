"""Shapes of balls, weights and things for the gym."""

from __future__ import annotations

import math

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import arc, ellipse, ribbon, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import shade


def _football(look: Appearance) -> None:
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


def _basketball(look: Appearance) -> None:
    look.canvas.blob(0.5, 0.5, 0.41, 0.41, look.cloth, relief=1.1, gloss=0.2)
    dark = shade(look.colour, 0.35)
    for line in (
        [(0.5, 0.09), (0.5, 0.91)],
        [(0.09, 0.5), (0.91, 0.5)],
        arc(0.05, 0.5, 0.26, 0.34, -75, 75),
        arc(0.95, 0.5, 0.26, 0.34, 105, 255),
    ):
        look.canvas.stroke(line, dark, 0.014, solid=False)


def _gym_ball(look: Appearance) -> None:
    look.canvas.blob(0.5, 0.5, 0.43, 0.43, look.colour, gloss=0.8)
    for i in (-2, -1, 1, 2):
        look.canvas.stroke(
            arc(0.5, 0.5 + i * 0.11, 0.42 - abs(i) * 0.035, 0.08, 10, 170), look.seam, 0.006, solid=False
        )


def _dumbbell(look: Appearance) -> None:
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


def _kettlebell(look: Appearance) -> None:
    look.canvas.part(
        ribbon([(0.34, 0.5), (0.3, 0.22), (0.4, 0.1), (0.6, 0.1), (0.7, 0.22), (0.66, 0.5)], [0.09] * 6),
        shade(look.colour, 0.8),
        relief=1.2,
        gloss=0.4,
    )
    look.canvas.blob(0.5, 0.63, 0.29, 0.28, look.cloth, gloss=0.4)
    look.canvas.blob(0.5, 0.63, 0.11, 0.11, look.second, "flat")


def _yoga_mat(look: Appearance) -> None:
    look.canvas.part([(0.3, 0.62), (0.96, 0.74), (0.96, 0.86), (0.3, 0.8)], shade(look.colour, 0.85), "flat", relief=2)
    look.canvas.part(rounded(0.08, 0.36, 0.8, 0.78, 0.04), look.cloth, "puff", relief=1.2)
    for x in (0.22, 0.62):
        look.canvas.box(x, 0.355, x + 0.045, 0.785, look.second, 0.0, "puff", shadow=0.3)
    for i in range(5):
        look.canvas.part(
            ellipse(0.12, 0.57, 0.085 - i * 0.017, 0.2 - i * 0.04), shade(look.colour, 0.7 if i % 2 else 1.1), "flat"
        )


def _yoga_block(look: Appearance) -> None:
    look.canvas.part(
        [(0.08, 0.46), (0.34, 0.26), (0.92, 0.34), (0.66, 0.56)], shade(look.colour, 1.2), "flat", relief=2
    )
    look.canvas.part([(0.08, 0.46), (0.66, 0.56), (0.66, 0.82), (0.08, 0.7)], look.cloth, "flat", relief=2)
    look.canvas.part(
        [(0.66, 0.56), (0.92, 0.34), (0.92, 0.58), (0.66, 0.82)], shade(look.colour, 0.7), "flat", relief=2
    )


def _racket(look: Appearance) -> None:
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


SPORT: dict[str, DrawShape] = {
    "football": _football,
    "basketball": _basketball,
    "gym-ball": _gym_ball,
    "dumbbell": _dumbbell,
    "kettlebell": _kettlebell,
    "yoga-mat": _yoga_mat,
    "yoga-block": _yoga_block,
    "racket": _racket,
}
