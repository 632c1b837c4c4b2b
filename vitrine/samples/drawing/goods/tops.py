"""Shapes of clothes for the upper body."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, ellipse, mirrored, ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import shade

Half = list[Point]


def torso(look: Appearance, hem: float, waist: float = 0.0, shoulder: float = 0.235, flare: float = 0.0) -> None:
    """The body of a top, shoulders at .2, down to `hem`."""
    half: Half = [
        (0.085, 0.165),
        (shoulder, 0.215),
        (0.215, 0.36),
        (0.2 - waist, 0.55),
        (0.21 + flare, hem - 0.02),
        (0.205 + flare, hem),
    ]
    look.canvas.part(mirrored(half), look.cloth, relief=0.75, crease=0.55, gloss=look.gloss * 0.4)


def sleeves(look: Appearance, length: float, width: float = 0.13, spread: float = 0.3, cuff: float = 0.0) -> None:
    """Both sleeves; `length` 1 reaches the hip."""
    for side in (-1, 1):
        line = [
            (0.5 + side * x, y)
            for x, y in (
                (0.15, 0.245),
                (0.225 + 0.06 * spread, 0.31),
                (0.28 + 0.22 * spread * length, 0.3 + 0.24 * length),
                (0.29 + 0.3 * spread * length, 0.3 + 0.45 * length),
            )
        ]
        widths = [width * 1.1, width * 1.08, width * 0.92, width * 0.74]
        look.canvas.part(ribbon(line, widths), look.cloth, relief=0.85, crease=0.6, gloss=look.gloss * 0.4)
        if cuff:
            (x0, y0), (x1, y1) = line[-2:]
            end = [(x1 - (x1 - x0) * 0.12, y1 - (y1 - y0) * 0.12), (x1 + (x1 - x0) * cuff, y1 + (y1 - y0) * cuff)]
            look.canvas.part(ribbon(end, [width * 0.74, width * 0.68]), look.cloth, relief=0.9, shadow=0.25)


def neck(look: Appearance, variety: str, inside: float = 0.5) -> None:
    """The neckline: crew, v or turtle."""
    if variety == "turtle":
        look.canvas.part(mirrored([(0.085, 0.09), (0.095, 0.19), (0.05, 0.215)]), look.cloth, "cylinder", shadow=0.3)
        look.canvas.part(ellipse(0.5, 0.095, 0.085, 0.02), shade(look.colour, inside), "flat")
        return
    depth = 0.31 if variety == "v" else 0.215
    rim = [(0.1, 0.158), (0.07, 0.185 if variety != "v" else 0.215), (0.0, depth + 0.02)]
    hole = [(0.085, 0.155), (0.055, 0.18 if variety != "v" else 0.205), (0.0, depth)]
    paint = look.cloth if look.rng.random() < 0.6 else look.second
    look.canvas.part(_collar(rim, variety), paint, relief=0.6, shadow=0.2)
    look.canvas.part(_collar(hole, variety), shade(look.colour, inside), "flat")
    look.canvas.part(
        smooth([(0.42, 0.155), (0.5, 0.145), (0.58, 0.155), (0.5, 0.178)]), shade(look.colour, inside * 1.25), "flat"
    )


def _collar(half: Half, variety: str) -> list[Point]:
    outline = mirrored(half)
    return outline if variety == "v" else smooth(outline, 4)


def hem_band(look: Appearance, y: float, height: float, width: float = 0.205) -> None:
    """A ribbed band at the bottom."""
    look.canvas.part(mirrored([(width, y), (width * 0.95, y + height)]), look.cloth, relief=0.9, shadow=0.25)
    for i in range(-9, 10):
        look.canvas.stroke(
            [(0.5 + i * width / 10, y + 0.008), (0.5 + i * width / 10.4, y + height)], look.seam, 0.003, solid=False
        )


def front_zip(look: Appearance, top: float, bottom: float) -> None:
    """A zip down the front with its pull."""
    look.canvas.stroke([(0.5, top), (0.5, bottom)], shade(look.colour, 0.55), 0.02, solid=False)
    look.canvas.stroke([(0.5, top), (0.5, bottom)], RGB["silver"], 0.006, solid=False)
    look.canvas.box(0.49, top + 0.01, 0.51, top + 0.05, RGB["grey"], 0.008)


def buttons(look: Appearance, x: float, ys: list[float], size: float = 0.012) -> None:
    """A row of buttons."""
    for y in ys:
        look.canvas.blob(x, y, size, size, shade(look.second, 0.9), gloss=0.5, shadow=0.4)


def lapels(look: Appearance, depth: float, width: float = 0.12) -> None:
    """A turned-down collar with its points."""
    for side in (-1, 1):
        points = [
            (0.5 + side * 0.06, 0.135),
            (0.5 + side * 0.105, 0.165),
            (0.5 + side * width, depth - 0.06),
            (0.5 + side * 0.01, depth),
        ]
        look.canvas.part(points, look.cloth, relief=0.6, shadow=0.5)
    look.canvas.part(ellipse(0.5, 0.145, 0.06, 0.018), shade(look.colour, 0.5), "flat")


def _tee(look: Appearance) -> None:
    sleeves(look, look.rng.uniform(0.3, 0.42), 0.15)
    torso(look, look.rng.uniform(0.8, 0.86), look.rng.uniform(0, 0.03))
    neck(look, look.variety)
    look.canvas.stroke([(0.3, 0.8), (0.7, 0.8)], look.seam, 0.003, solid=False)


def _longsleeve(look: Appearance) -> None:
    sleeves(look, 1.0, 0.12)
    torso(look, 0.83, 0.015)
    neck(look, look.variety)


def _shirt(look: Appearance) -> None:
    sleeves(look, 1.0 if look.variety == "long" else 0.4, 0.135, cuff=0.1)
    torso(look, 0.86, 0.01)
    look.canvas.stroke([(0.5, 0.22), (0.5, 0.86)], look.seam, 0.005, solid=False)
    look.canvas.stroke([(0.535, 0.22), (0.535, 0.86)], look.seam, 0.003, solid=False)
    buttons(look, 0.517, [0.28 + 0.095 * i for i in range(6)])
    lapels(look, 0.23)
    if look.rng.random() < 0.6:
        look.canvas.box(0.57, 0.36, 0.66, 0.47, look.cloth, 0.01, shadow=0.3)


def _polo(look: Appearance) -> None:
    sleeves(look, 0.36, 0.145, cuff=0.06)
    torso(look, 0.84, 0.01)
    look.canvas.box(0.478, 0.2, 0.522, 0.38, look.cloth, 0.0, shadow=0.35)
    buttons(look, 0.5, [0.26, 0.31, 0.36], 0.009)
    lapels(look, 0.235)


def _tank(look: Appearance) -> None:
    inner = 0.06 if look.variety == "racer" else 0.075
    half: Half = [(inner, 0.15), (inner + 0.055, 0.15), (0.125, 0.3), (0.2, 0.4), (0.19, 0.6), (0.205, 0.86)]
    look.canvas.part(mirrored(half), look.cloth, relief=0.75, crease=0.55, gloss=look.gloss * 0.4)
    hole = mirrored([(inner, 0.14), (inner * 0.95, 0.24), (0.03, 0.33)])
    _cut(look, smooth(hole, 4))


def _cut(look: Appearance, outline: list[Point]) -> None:
    look.canvas.part(outline, shade(look.colour, 0.42), "flat")
    look.canvas.stroke([*outline, outline[0]], look.seam, 0.009, solid=False)


def _bra(look: Appearance) -> None:
    half: Half = [(0.085, 0.2), (0.135, 0.2), (0.16, 0.36), (0.25, 0.47), (0.255, 0.66), (0.24, 0.72)]
    look.canvas.part(mirrored(half), look.cloth, relief=0.9, gloss=look.gloss * 0.4)
    _cut(look, smooth(mirrored([(0.085, 0.19), (0.075, 0.32), (0.03, 0.42)]), 4))
    for side in (-1, 1):
        look.canvas.blob(0.5 + side * 0.11, 0.53, 0.1, 0.09, look.cloth, relief=0.5)
    look.canvas.box(0.25, 0.65, 0.75, 0.73, look.second, 0.01, "puff", relief=0.6)


def _hoodie(look: Appearance) -> None:
    look.canvas.part(
        smooth(mirrored([(0.05, 0.06), (0.14, 0.11), (0.155, 0.2), (0.09, 0.27)])), look.cloth, relief=1.1, crease=0.4
    )
    sleeves(look, 0.98, 0.15, cuff=0.12)
    torso(look, 0.83)
    look.canvas.part(
        smooth(mirrored([(0.1, 0.155), (0.13, 0.19), (0.06, 0.29)]), 4), look.cloth, relief=1.0, shadow=0.5
    )
    look.canvas.part(
        smooth(mirrored([(0.075, 0.13), (0.085, 0.18), (0.025, 0.26)]), 4), shade(look.colour, 0.4), "flat"
    )
    hem_band(look, 0.82, 0.055)
    pocket = mirrored([(0.09, 0.58), (0.15, 0.7), (0.15, 0.79)])
    look.canvas.part(pocket, look.cloth, relief=0.5, shadow=0.5)
    if look.variety == "zip":
        front_zip(look, 0.29, 0.87)
    for side in (-1, 1):
        look.canvas.stroke(
            [(0.5 + side * 0.035, 0.26), (0.5 + side * 0.05, 0.34), (0.5 + side * 0.045, 0.42)],
            shade(look.second, 0.95),
            0.009,
            solid=False,
        )


def _sweater(look: Appearance) -> None:
    sleeves(look, 0.98, 0.15, cuff=0.14)
    torso(look, 0.8)
    neck(look, look.variety)
    hem_band(look, 0.79, 0.065)


def _cardigan(look: Appearance) -> None:
    sleeves(look, 0.98, 0.14, cuff=0.12)
    torso(look, 0.84)
    look.canvas.part(mirrored([(0.085, 0.155), (0.05, 0.25), (0.0, 0.42)]), shade(look.colour, 0.42), "flat")
    for side in (-1, 1):
        look.canvas.part(
            ribbon(
                [
                    (0.5 + side * 0.09, 0.155),
                    (0.5 + side * 0.05, 0.28),
                    (0.5 + side * 0.008, 0.43),
                    (0.5 + side * 0.008, 0.85),
                ],
                [0.035] * 4,
            ),
            look.cloth,
            relief=0.6,
            shadow=0.4,
        )
    buttons(look, 0.5, [0.46 + 0.085 * i for i in range(5)], 0.014)


def _jacket(look: Appearance) -> None:
    sleeves(look, 0.98, 0.15, cuff=0.1)
    torso(look, 0.82)
    look.canvas.part(mirrored([(0.1, 0.12), (0.115, 0.2), (0.03, 0.25)]), look.cloth, "cylinder", shadow=0.4)
    front_zip(look, 0.15 if look.variety == "collar" else 0.24, 0.84)
    for side in (-1, 1):
        look.canvas.stroke(
            [(0.5 + side * 0.15, 0.56), (0.5 + side * 0.09, 0.68)], shade(look.colour, 0.5), 0.01, solid=False
        )
    hem_band(look, 0.81, 0.045)


def _coat(look: Appearance) -> None:
    sleeves(look, 1.05, 0.14)
    half: Half = [(0.085, 0.15), (0.22, 0.19), (0.2, 0.36), (0.185, 0.5), (0.23, 0.92), (0.225, 0.93)]
    look.canvas.part(mirrored(half), look.cloth, relief=0.75, crease=0.5, gloss=look.gloss * 0.4)
    look.canvas.stroke([(0.53, 0.3), (0.54, 0.93)], shade(look.colour, 0.5), 0.008, solid=False)
    lapels(look, 0.4, 0.14)
    columns = (0.45, 0.56) if look.variety == "double" else (0.51,)
    for x in columns:
        buttons(look, x, [0.44, 0.53, 0.62], 0.016)
    for side in (-1, 1):
        look.canvas.stroke(
            [(0.5 + side * 0.18, 0.62), (0.5 + side * 0.1, 0.66)], shade(look.colour, 0.55), 0.012, solid=False
        )


def _puffer(look: Appearance) -> None:
    sleeved = look.kind == "puffer"
    if sleeved:
        sleeves(look, 0.95, 0.19, cuff=0.06)
    rows = 7
    for i in range(rows):
        y = 0.2 + i * 0.093
        width = 0.2 if i == 0 else 0.23
        look.canvas.part(
            smooth(mirrored([(width * 0.9, y), (width, y + 0.045), (width * 0.95, y + 0.1)]), 3),
            look.cloth,
            relief=1.2,
            gloss=0.3,
            crease=0.3,
        )
    look.canvas.part(smooth(mirrored([(0.1, 0.09), (0.12, 0.15), (0.1, 0.22)]), 3), look.cloth, relief=1.2, shadow=0.3)
    look.canvas.part(ellipse(0.5, 0.115, 0.075, 0.022), shade(look.colour, 0.4), "flat")
    front_zip(look, 0.15, 0.85)


TOPS: dict[str, DrawShape] = {
    "t-shirt": _tee,
    "longsleeve": _longsleeve,
    "shirt": _shirt,
    "polo": _polo,
    "tank": _tank,
    "bra": _bra,
    "hoodie": _hoodie,
    "sweater": _sweater,
    "sweatshirt": _sweater,
    "cardigan": _cardigan,
    "jacket": _jacket,
    "coat": _coat,
    "puffer": _puffer,
    "gilet": _puffer,
}
