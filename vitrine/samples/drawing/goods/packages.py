"""Shapes of packaged groceries: cartons, bottles, tubs, bags, boxes, jars, cans."""

from __future__ import annotations

from PIL import Image

from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, ellipse, mirrored, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade
from vitrine.samples.drawing.painting.labels import draw_label

_NAMES = {"milk": "milk", "plant-drink": "plant", "sour-cream": "sour", "canned-tomato": "tomato", "olive-oil": "olio"}


def _face(look: Appearance, x0: float, y0: float, x1: float, y1: float, ground: Rgb | None = None) -> Image.Image:
    """A sheet as large as the canvas with the printed label in its place."""
    px = look.canvas.px
    sheet = Image.new("RGB", (px, px), look.colour)
    size = (max(8, round((x1 - x0) * px)), max(8, round((y1 - y0) * px)))
    paper = ground or (
        mix(look.colour, (255, 255, 255), 0.9) if look.rng.random() < 0.7 else mix(look.colour, (255, 255, 255), 0.55)
    )
    name = (
        _NAMES.get(look.kind, look.kind)
        if look.rng.random() < 0.6
        else look.rng.choice(("alba", "fresh", "bio", "natura", "sol", "vita"))
    )
    sheet.paste(draw_label(size, paper, look.colour, name, look.variety, look.rng), (round(x0 * px), round(y0 * px)))
    return sheet


def _carton(look: Appearance) -> None:
    rng, tall = look.rng, look.kind not in ("cream", "sour-cream")
    x0, x1, top = (0.3, 0.6, 0.27) if tall else (0.27, 0.6, 0.42)
    front = _face(look, x0, top, x1, 0.94)
    side: list[Point] = [(x1, top), (x1 + 0.13, top - 0.035), (x1 + 0.13, 0.88), (x1, 0.94)]
    look.canvas.part(side, shade(mix(look.colour, (255, 255, 255), 0.25), 0.72), "flat")
    for i in range(7):
        y = top + 0.08 + i * 0.045
        look.canvas.stroke([(x1 + 0.02, y), (x1 + 0.11, y - 0.025)], shade(look.colour, 0.5), 0.008, solid=False)
    look.canvas.part([(x0, top), (x1, top), (x1, 0.94), (x0, 0.94)], front, "flat", relief=1.5)
    ridge = top - 0.15
    gable: list[Point] = [(x0, top), (x1, top), (x1 + 0.015, ridge), (x0 + 0.06, ridge)]
    look.canvas.part([(x1, top), (x1 + 0.13, top - 0.035), (x1 + 0.015, ridge)], shade(look.colour, 0.6), "flat")
    look.canvas.part(gable, shade(look.colour, 1.1), "flat", relief=2)
    look.canvas.part(
        [
            (x0 + 0.06, ridge - 0.045),
            (x1 + 0.03, ridge - 0.045),
            (x1 + 0.015, ridge + 0.005),
            (x0 + 0.06, ridge + 0.005),
        ],
        shade(look.colour, 0.85),
        "flat",
    )
    if rng.random() < 0.65:
        cap = RGB[rng.choice(("white", "red", "blue", "green"))]
        look.canvas.box(x0 + 0.11, ridge + 0.005, x0 + 0.23, ridge + 0.1, cap, 0.02, "cylinder", shadow=0.4)
        look.canvas.part(ellipse(x0 + 0.17, ridge + 0.015, 0.06, 0.018), shade(cap, 1.15), "flat")


def _bottle(look: Appearance) -> None:
    oil, soda = look.kind == "olive-oil", look.kind == "soda"
    glass: Rgb = (66, 78, 34) if oil else mix(look.colour, (70, 40, 20) if soda else (255, 255, 255), 0.35)
    neck = 0.055 if oil else 0.07
    half: list[Point] = [(neck, 0.12), (neck, 0.24), (0.15, 0.37), (0.155, 0.6), (0.15, 0.92), (0.12, 0.95)]
    outline = smooth(mirrored(half), 4)
    look.canvas.part(outline, glass, "cylinder", gloss=0.8)
    paint = _face(look, 0.345, 0.46, 0.655, 0.84)
    look.canvas.part(rounded(0.346, 0.46, 0.654, 0.84, 0.0), paint, "cylinder", gloss=0.3)
    cap = RGB[look.rng.choice(("white", "red", "black", "gold", "green"))]
    look.canvas.box(0.5 - neck - 0.015, 0.05, 0.5 + neck + 0.015, 0.14, cap, 0.015, "cylinder", gloss=0.4)


def _pot(look: Appearance) -> None:
    look.canvas.part(
        smooth([(0.2, 0.3), (0.5, 0.32), (0.8, 0.3), (0.75, 0.88), (0.5, 0.93), (0.25, 0.88)], 3),
        _face(look, 0.2, 0.3, 0.8, 0.93),
        "cylinder",
        gloss=0.3,
    )
    lid = shade(look.colour, 1.2) if look.rng.random() < 0.5 else RGB["silver"]
    look.canvas.part(ellipse(0.5, 0.27, 0.33, 0.085), shade(lid, 0.8), "flat")
    look.canvas.part(ellipse(0.5, 0.255, 0.33, 0.08), lid, "puff", relief=0.7, gloss=0.5)


def _yoghurt(look: Appearance) -> None:
    (_pot, _carton, _bottle)[look.rng.choice((0, 0, 1, 2))](look)


def _juice(look: Appearance) -> None:
    (_carton, _bottle)[look.rng.random() < 0.3](look)


def _sour_cream(look: Appearance) -> None:
    (_carton, _pot)[look.rng.random() < 0.5](look)


def _pouch(look: Appearance) -> None:
    look.canvas.part(
        smooth(
            [
                (0.24, 0.16),
                (0.5, 0.15),
                (0.76, 0.16),
                (0.74, 0.5),
                (0.79, 0.88),
                (0.5, 0.93),
                (0.21, 0.88),
                (0.26, 0.5),
            ],
            4,
        ),
        _face(look, 0.21, 0.15, 0.79, 0.93, shade(look.colour, 0.75)),
        relief=1.0,
        crease=0.5,
        gloss=0.3,
    )
    look.canvas.part(rounded(0.24, 0.08, 0.76, 0.17, 0.01), shade(look.colour, 0.7), relief=0.6, crease=0.3, shadow=0.3)


def _carton_box(look: Appearance) -> None:
    wide = look.kind == "tea"
    x0, x1, y0, y1 = (0.14, 0.72, 0.36, 0.84) if wide else (0.22, 0.68, 0.16, 0.92)
    look.canvas.part(
        [(x1, y0), (x1 + 0.14, y0 - 0.06), (x1 + 0.14, y1 - 0.07), (x1, y1)], shade(look.colour, 0.6), "flat"
    )
    look.canvas.part(
        [(x0, y0), (x1, y0), (x1 + 0.14, y0 - 0.06), (x0 + 0.13, y0 - 0.06)], shade(look.colour, 1.2), "flat"
    )
    look.canvas.part([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], _face(look, x0, y0, x1, y1), "flat", relief=1.5)


def _jar(look: Appearance) -> None:
    inside = {
        "strawberry": (150, 22, 34),
        "apricot": (222, 130, 30),
        "blueberry": (52, 34, 84),
        "flower": (206, 138, 30),
        "acacia": (230, 180, 60),
    }[look.variety]
    look.canvas.part(rounded(0.24, 0.22, 0.76, 0.92, 0.1), inside, "cylinder", gloss=0.9)
    look.canvas.part(
        rounded(0.245, 0.44, 0.755, 0.78, 0.0), _face(look, 0.245, 0.44, 0.755, 0.78), "cylinder", gloss=0.2
    )
    lid = RGB[look.rng.choice(("gold", "red", "white", "silver"))]
    look.canvas.box(0.26, 0.12, 0.74, 0.24, lid, 0.02, "cylinder", gloss=0.6)


def _can(look: Appearance) -> None:
    paint = _face(look, 0.26, 0.2, 0.74, 0.86)
    look.canvas.part(
        smooth([(0.26, 0.2), (0.5, 0.22), (0.74, 0.2), (0.74, 0.85), (0.5, 0.91), (0.26, 0.85)], 3),
        paint,
        "cylinder",
        gloss=0.5,
    )
    look.canvas.part(ellipse(0.5, 0.19, 0.245, 0.06), RGB["silver"], "flat", relief=2)
    look.canvas.part(ellipse(0.5, 0.19, 0.2, 0.045), shade(RGB["silver"], 0.8), "flat")


def _bar(look: Appearance) -> None:
    look.canvas.part(
        [(0.08, 0.34), (0.92, 0.34), (0.92, 0.68), (0.08, 0.68)],
        _face(look, 0.08, 0.34, 0.92, 0.68, look.colour),
        relief=0.7,
        gloss=0.4,
    )
    for x in (0.06, 0.9):
        look.canvas.box(x, 0.34, x + 0.04, 0.68, RGB["gold"], 0.0, "puff", gloss=0.6)


PACKED: dict[str, DrawShape] = {
    "milk": _carton,
    "plant-drink": _carton,
    "juice": _juice,
    "yoghurt": _yoghurt,
    "sour-cream": _sour_cream,
    "cream": _carton,
    "coffee": _pouch,
    "tea": _carton_box,
    "cereal": _carton_box,
    "pasta": _pouch,
    "olive-oil": _bottle,
    "honey": _jar,
    "jam": _jar,
    "chocolate": _bar,
    "canned-tomato": _can,
    "soda": _bottle,
}
