"""Shapes of decoration and textiles for the home."""

from __future__ import annotations

import math

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, arc, ellipse, mirrored, ribbon, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade


def _cushion(look: Appearance) -> None:
    look.canvas.part(
        smooth(
            [(0.1, 0.12), (0.5, 0.17), (0.9, 0.12), (0.84, 0.5), (0.9, 0.88), (0.5, 0.83), (0.1, 0.88), (0.16, 0.5)]
        ),
        look.cloth,
        relief=1.2,
        crease=0.6,
    )
    if look.rng.random() < 0.4:
        look.canvas.blob(0.5, 0.5, 0.022, 0.022, look.second, shadow=0.6)


def _vase(look: Appearance) -> None:
    half: list[Point] = (
        [(0.08, 0.3), (0.07, 0.4), (0.2, 0.62), (0.19, 0.85), (0.1, 0.93)]
        if look.variety == "round"
        else [(0.1, 0.3), (0.08, 0.42), (0.12, 0.65), (0.09, 0.92), (0.05, 0.93)]
    )
    if look.rng.random() < 0.6:
        for i in range(-2, 3):
            tip = (0.5 + i * 0.1, 0.1 + abs(i) * 0.03)
            look.canvas.stroke([(0.5, 0.4), (0.5 + i * 0.04, 0.25), tip], RGB["green"], 0.012)
            look.canvas.blob(
                *tip,
                0.045,
                0.045,
                RGB[look.rng.choice(("red", "pink", "yellow", "white", "lavender"))],
                "puff",
                shadow=0.3,
            )
    look.canvas.part(smooth(mirrored(half), 5), look.cloth, "cylinder", gloss=look.gloss, opacity=look.opacity)
    look.canvas.part(ellipse(0.5, 0.3, 0.085, 0.02), shade(look.colour, 0.5), "flat")


def _clock(look: Appearance) -> None:
    look.canvas.blob(0.5, 0.5, 0.41, 0.41, look.cloth, "puff", gloss=look.gloss * 0.6)
    look.canvas.blob(0.5, 0.5, 0.35, 0.35, (246, 244, 238), "flat", shadow=0.4)
    for i in range(12):
        cos, sin = math.cos(i * math.pi / 6), math.sin(i * math.pi / 6)
        look.canvas.stroke(
            [(0.5 + 0.29 * cos, 0.5 + 0.29 * sin), (0.5 + 0.33 * cos, 0.5 + 0.33 * sin)],
            RGB["black"],
            0.016 if i % 3 == 0 else 0.008,
        )
    for length, width, angle in ((0.19, 0.022, look.rng.uniform(0, 6.28)), (0.27, 0.014, look.rng.uniform(0, 6.28))):
        look.canvas.stroke(
            [(0.5, 0.5), (0.5 + length * math.cos(angle), 0.5 + length * math.sin(angle))], RGB["black"], width
        )
    look.canvas.blob(0.5, 0.5, 0.02, 0.02, RGB["red"])


def _lamp(look: Appearance) -> None:
    look.canvas.part(mirrored([(0.02, 0.4), (0.02, 0.6)]), RGB["gold"], "cylinder", gloss=0.6)
    look.canvas.part(
        smooth(mirrored([(0.03, 0.5), (0.12, 0.66), (0.05, 0.82), (0.16, 0.92)]), 4),
        look.cloth,
        "cylinder",
        gloss=look.gloss,
    )
    cloth = mix(look.second, (255, 240, 210), 0.55)
    look.canvas.part(mirrored([(0.17, 0.1), (0.29, 0.46)]), cloth, "cylinder", relief=0.6)
    look.canvas.stroke([(0.21, 0.455), (0.79, 0.455)], shade(look.second, 0.8), 0.012)


def _candle(look: Appearance) -> None:
    if look.variety == "jar":
        look.canvas.part(
            rounded(0.26, 0.34, 0.74, 0.88, 0.05), mix(look.colour, (255, 255, 255), 0.35), "cylinder", gloss=0.7
        )
        look.canvas.box(0.34, 0.52, 0.66, 0.74, (244, 240, 230), 0.01, "cylinder")
        look.canvas.box(0.4, 0.58, 0.6, 0.6, look.seam, 0.0)
    else:
        look.canvas.box(0.34, 0.32, 0.66, 0.9, look.colour, 0.03, "cylinder", relief=0.8)
    y, rx = (0.36, 0.23) if look.variety == "jar" else (0.33, 0.155)
    look.canvas.part(ellipse(0.5, y, rx, 0.045), shade(look.colour, 1.25), "flat")
    look.canvas.stroke([(0.5, y), (0.5, y - 0.07)], (40, 34, 30), 0.012)
    look.canvas.part(
        smooth([(0.5, y - 0.22), (0.535, y - 0.1), (0.5, y - 0.05), (0.465, y - 0.1)]),
        (255, 190, 60),
        "puff",
        relief=0.3,
    )


def _rug(look: Appearance) -> None:
    look.canvas.part([(0.2, 0.24), (0.8, 0.24), (0.95, 0.8), (0.05, 0.8)], look.cloth, "flat", relief=1.5, crease=0.2)
    look.canvas.stroke(
        [(0.22, 0.27), (0.78, 0.27), (0.91, 0.77), (0.09, 0.77), (0.22, 0.27)], look.second, 0.016, solid=False
    )
    for i in range(36):
        look.canvas.stroke([(0.055 + i * 0.0254, 0.795), (0.05 + i * 0.0257, 0.84)], (226, 216, 196), 0.006)
        look.canvas.stroke([(0.205 + i * 0.017, 0.24), (0.203 + i * 0.0171, 0.215)], (226, 216, 196), 0.005)


def _stack(look: Appearance) -> None:
    layers = 4 if look.kind == "blanket" else 3
    for i in range(layers):
        y = 0.78 - i * 0.14
        look.canvas.part(
            rounded(0.14 + 0.01 * i, y - 0.09, 0.86 - 0.008 * i, y + 0.06, 0.07),
            look.cloth,
            relief=1.1,
            crease=0.5,
            shadow=0.4,
        )
    top = 0.78 - layers * 0.14
    look.canvas.part(
        [(0.24, top - 0.02), (0.9, top - 0.02), (0.83, top + 0.1), (0.17, top + 0.1)],
        look.cloth,
        "puff",
        relief=0.6,
        crease=0.5,
    )
    if look.kind == "towel":
        for i in range(layers):
            look.canvas.stroke([(0.66, 0.7 - i * 0.14), (0.66, 0.83 - i * 0.14)], look.second, 0.03, solid=False)


def _plant_pot(look: Appearance) -> None:
    rng = look.rng
    for i in range(9):
        angle = math.radians(200 + i * 17.5)
        tip = (0.5 + 0.36 * math.cos(angle), 0.52 + 0.44 * math.sin(angle))
        bend = (0.5 + 0.15 * math.cos(angle) - 0.04, 0.45 + 0.25 * math.sin(angle))
        look.canvas.part(
            smooth(ribbon([(0.5, 0.58), bend, tip], [0.03, rng.uniform(0.08, 0.13), 0.01]), 4),
            shade((70, 128, 62), rng.uniform(0.75, 1.2)),
            shadow=0.3,
        )
    look.canvas.part(mirrored([(0.21, 0.58), (0.15, 0.93)]), look.cloth, "cylinder", gloss=look.gloss * 0.5)
    look.canvas.box(0.27, 0.55, 0.73, 0.63, look.cloth, 0.01, "cylinder", shadow=0.3)


def _mirror(look: Appearance) -> None:
    look.canvas.blob(0.5, 0.5, 0.36, 0.43, look.cloth, "puff", gloss=0.5)
    look.canvas.blob(0.5, 0.5, 0.31, 0.38, (196, 212, 220), "flat", relief=4)
    for x in (0.36, 0.48):
        look.canvas.mark([(x, 0.66), (x + 0.2, 0.3), (x + 0.25, 0.3), (x + 0.05, 0.66)], (222, 232, 236))


def _umbrella(look: Appearance) -> None:
    look.canvas.stroke([(0.5, 0.1), (0.5, 0.86), (0.53, 0.92), (0.58, 0.92), (0.6, 0.86)], RGB["charcoal"], 0.022)
    edge = [(0.06 + 0.88 * i / 8, 0.52 - (0.05 if i % 2 else 0.0)) for i in range(9)]
    look.canvas.part([*arc(0.5, 0.52, 0.44, 0.38, 180, 360, 24), *reversed(edge)], look.cloth, relief=1.0, gloss=0.2)
    for i in (2, 4, 6):
        look.canvas.stroke([(0.5, 0.14), (edge[i][0] * 0.7 + 0.15, 0.3), edge[i]], look.seam, 0.006, solid=False)


LIVING: dict[str, DrawShape] = {
    "cushion": _cushion,
    "vase": _vase,
    "clock": _clock,
    "lamp": _lamp,
    "candle": _candle,
    "rug": _rug,
    "blanket": _stack,
    "towel": _stack,
    "plant-pot": _plant_pot,
    "mirror": _mirror,
    "umbrella": _umbrella,
}
