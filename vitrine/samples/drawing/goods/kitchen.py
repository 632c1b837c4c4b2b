"""Shapes of tableware and cookware."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, arc, ellipse, mirrored, ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade


def _mug(look: Appearance) -> None:
    look.canvas.part(ribbon(arc(0.68, 0.54, 0.17, 0.17, -75, 75), [0.055] * 14), look.colour, relief=1.2, gloss=0.6)
    bulge = 0.04 if look.variety == "round" else 0.0
    look.canvas.part(
        smooth(mirrored([(0.235, 0.24), (0.235 + bulge, 0.5), (0.2 + bulge, 0.8), (0.1, 0.85)], 0.46), 4),
        look.cloth,
        "cylinder",
        gloss=look.gloss * 0.7,
        opacity=look.opacity,
    )
    look.canvas.part(ellipse(0.46, 0.25, 0.235, 0.06), shade(look.colour, 1.15), "flat")
    look.canvas.part(
        ellipse(0.46, 0.26, 0.205, 0.047), (84, 54, 34) if look.rng.random() < 0.4 else shade(look.colour, 0.6), "flat"
    )


def _plate(look: Appearance) -> None:
    look.canvas.blob(0.5, 0.5, 0.42, 0.42, look.cloth, "puff", relief=0.8, gloss=look.gloss * 0.4, opacity=look.opacity)
    look.canvas.stroke(ellipse(0.5, 0.5, 0.4, 0.4) + ellipse(0.5, 0.5, 0.4, 0.4)[:1], look.second, 0.008, solid=False)
    look.canvas.blob(0.5, 0.5, 0.27, 0.27, mix(look.colour, (255, 255, 255), 0.25), "puff", relief=-0.5, shadow=0.2)


def _bowl(look: Appearance) -> None:
    look.canvas.part(
        smooth(mirrored([(0.4, 0.4), (0.37, 0.56), (0.22, 0.78), (0.1, 0.82)]), 4),
        look.cloth,
        "cylinder",
        gloss=look.gloss * 0.6,
        opacity=look.opacity,
    )
    look.canvas.part(ellipse(0.5, 0.4, 0.41, 0.12), shade(look.colour, 1.15), "flat")
    look.canvas.part(ellipse(0.5, 0.41, 0.375, 0.1), shade(look.colour, 0.7), "flat", relief=-2)


def _pan(look: Appearance) -> None:
    look.canvas.part(
        ribbon([(0.58, 0.6), (0.8, 0.76), (0.95, 0.87)], [0.07, 0.06, 0.07]), RGB["charcoal"], relief=1.2, gloss=0.3
    )
    look.canvas.blob(0.4, 0.45, 0.34, 0.34, look.colour, "puff", gloss=0.4)
    look.canvas.blob(0.4, 0.44, 0.295, 0.295, (48, 48, 50), "puff", relief=-0.6)


def _pot(look: Appearance) -> None:
    for side in (-1, 1):
        look.canvas.part(
            ribbon(arc(0.5 + side * 0.34, 0.52, 0.08, 0.05, 0, 359, 20), [0.03] * 20),
            shade(look.colour, 0.6),
            gloss=0.5,
        )
    look.canvas.part(
        smooth(mirrored([(0.335, 0.4), (0.335, 0.7), (0.28, 0.84), (0.1, 0.86)]), 3), look.cloth, "cylinder", gloss=0.6
    )
    look.canvas.part(
        smooth([(0.15, 0.41), (0.3, 0.3), (0.5, 0.26), (0.7, 0.3), (0.85, 0.41), (0.5, 0.45)], 4),
        look.cloth,
        "ball",
        gloss=0.5,
        shadow=0.3,
    )
    look.canvas.blob(0.5, 0.235, 0.05, 0.035, RGB["charcoal"], gloss=0.5)


def _kettle(look: Appearance) -> None:
    look.canvas.part(ribbon(arc(0.47, 0.38, 0.24, 0.26, 190, 350), [0.05] * 14), RGB["charcoal"], gloss=0.4)
    look.canvas.part(
        ribbon([(0.66, 0.62), (0.8, 0.46), (0.88, 0.38)], [0.13, 0.07, 0.05]), look.colour, "puff", gloss=0.6
    )
    look.canvas.part(
        smooth(mirrored([(0.12, 0.34), (0.24, 0.44), (0.31, 0.7), (0.28, 0.86), (0.1, 0.88)], 0.47), 4),
        look.cloth,
        "ball",
        gloss=0.8,
    )
    look.canvas.blob(0.47, 0.32, 0.045, 0.03, RGB["charcoal"], gloss=0.5)


def _teapot(look: Appearance) -> None:
    look.canvas.part(ribbon(arc(0.2, 0.56, 0.13, 0.16, 90, 270), [0.05] * 14), look.colour, gloss=0.5)
    look.canvas.part(ribbon([(0.7, 0.66), (0.82, 0.52), (0.92, 0.4)], [0.14, 0.08, 0.06]), look.colour, gloss=0.5)
    look.canvas.blob(0.47, 0.58, 0.31, 0.26, look.cloth, "ball", gloss=look.gloss, opacity=look.opacity)
    look.canvas.part(ellipse(0.47, 0.35, 0.14, 0.045), look.cloth, "puff", shadow=0.3)
    look.canvas.blob(0.47, 0.29, 0.04, 0.035, look.second, gloss=0.5)


def _bottle(look: Appearance) -> None:
    half: list[Point] = [(0.1, 0.2), (0.15, 0.28), (0.155, 0.6), (0.15, 0.9), (0.12, 0.93)]
    look.canvas.part(
        smooth(mirrored(half), 4), look.cloth, "cylinder", gloss=max(0.5, look.gloss), opacity=look.opacity
    )
    look.canvas.box(0.4, 0.09, 0.6, 0.21, look.second, 0.02, "cylinder", gloss=0.4)
    look.canvas.part(ribbon(arc(0.5, 0.1, 0.06, 0.055, 180, 360), [0.025] * 14), shade(look.second, 0.7))


KITCHEN: dict[str, DrawShape] = {
    "mug": _mug,
    "plate": _plate,
    "bowl": _bowl,
    "pan": _pan,
    "pot": _pot,
    "kettle": _kettle,
    "teapot": _teapot,
    "bottle": _bottle,
}
