"""Shapes of dresses, skirts, trousers and swimwear."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.goods.tops import neck, sleeves
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import Point, mirrored, ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import shade


def _dress(look: Appearance) -> None:
    hem, flare = {"flared": (0.86, 0.3), "maxi": (0.96, 0.27), "straight": (0.86, 0.17)}[look.variety]
    sleeved = look.rng.random() < 0.6
    if sleeved:
        sleeves(look, look.rng.choice((0.22, 0.3, 0.9)), 0.11)
    half: list[Point] = [
        (0.08, 0.13),
        (0.17 if sleeved else 0.12, 0.17),
        (0.155, 0.3),
        (0.12, 0.43),
        (0.15, 0.55),
        (flare, hem - 0.01),
        (flare * 0.8, hem + 0.012),
        (flare * 0.3, hem + 0.02),
    ]
    look.canvas.part(mirrored(half), look.cloth, relief=0.85, crease=0.8, gloss=look.gloss * 0.4)
    for i in range(-3, 4):
        look.canvas.stroke([(0.5 + i * 0.03, 0.47), (0.5 + i * flare * 0.28, hem)], look.seam, 0.004, solid=False)
    look.canvas.part(
        mirrored([(0.122, 0.415), (0.122, 0.45)]),
        look.second if look.rng.random() < 0.5 else look.cloth,
        relief=0.6,
        shadow=0.3,
    )
    neck(look, look.rng.choice(("crew", "v")))


def _skirt(look: Appearance) -> None:
    hem, flare = {"flared": (0.8, 0.39), "pencil": (0.86, 0.2), "pleated": (0.82, 0.36)}[look.variety]
    look.canvas.part(
        smooth(mirrored([(0.16, 0.2), (0.22, 0.4), (flare, hem), (flare * 0.5, hem + 0.03)]), 4),
        look.cloth,
        relief=0.9,
        crease=0.9,
        gloss=look.gloss * 0.4,
    )
    pleats = 7 if look.variety == "pleated" else 2 if look.variety == "flared" else 0
    for i in range(-pleats, pleats + 1):
        share = i / (pleats + 0.5)
        look.canvas.stroke(
            [(0.5 + share * 0.15, 0.25), (0.5 + share * flare * 0.97, hem + 0.02)], look.seam, 0.006, solid=False
        )
    look.canvas.part(mirrored([(0.165, 0.17), (0.17, 0.24)]), look.cloth, relief=0.6, shadow=0.4)


def legs(look: Appearance, hem: float, ankle: float, flare: float = 0.0) -> None:
    """Two legs from the hip at .13 down to `hem`, each `ankle` wide there."""
    for side in (-1, 1):
        centre = 0.11 + flare
        inner: list[Point] = [
            (0.0, 0.13),
            (0.175, 0.13),
            (0.2, 0.3),
            (centre + ankle * 0.62, 0.55),
            (centre + ankle / 2, hem),
            (centre - ankle / 2, hem),
            (0.012, 0.36),
        ]
        look.canvas.part(
            [(0.5 + side * x, y) for x, y in inner], look.cloth, relief=0.85, crease=0.8, gloss=look.gloss * 0.4
        )


def waistband(look: Appearance, height: float = 0.05) -> None:
    """The band at the top, and the fly's seam."""
    look.canvas.part(mirrored([(0.176, 0.115), (0.18, 0.115 + height)]), look.cloth, relief=0.7, shadow=0.35)
    look.canvas.stroke([(0.5, 0.13), (0.5, 0.34)], look.seam, 0.006, solid=False)


def pockets(look: Appearance) -> None:
    """Slanted front pockets."""
    for side in (-1, 1):
        look.canvas.stroke(
            [(0.5 + side * 0.1, 0.165), (0.5 + side * 0.13, 0.23), (0.5 + side * 0.19, 0.26)],
            look.seam,
            0.006,
            solid=False,
        )


def _trousers(look: Appearance) -> None:
    wide = look.variety == "wide"
    legs(look, 0.94, 0.21 if wide else 0.135, 0.03 if wide else 0.0)
    waistband(look)
    pockets(look)
    for side in (-1, 1):
        look.canvas.stroke([(0.5 + side * 0.1, 0.3), (0.5 + side * 0.115, 0.92)], look.seam, 0.004, solid=False)


def _jeans(look: Appearance) -> None:
    legs(look, 0.94, 0.1 if look.variety == "slim" else 0.145)
    waistband(look)
    pockets(look)
    gold = RGB["mustard"]
    for side in (-1, 1):
        look.canvas.stroke([(0.5 + side * 0.19, 0.3), (0.5 + side * (0.11 + 0.08), 0.6)], gold, 0.003, solid=False)
        look.canvas.stroke(
            [(0.5 + side * 0.1, 0.17), (0.5 + side * 0.13, 0.235), (0.5 + side * 0.19, 0.265)], gold, 0.003, solid=False
        )
    look.canvas.blob(0.5, 0.14, 0.013, 0.013, RGB["gold"], gloss=0.6)
    look.canvas.stroke([(0.32, 0.16), (0.68, 0.16)], gold, 0.003, solid=False)


def _leggings(look: Appearance) -> None:
    legs(look, 0.72 if look.variety == "capri" else 0.95, 0.085, -0.02)
    look.canvas.part(
        mirrored([(0.178, 0.1), (0.18, 0.19)]),
        look.second if look.rng.random() < 0.4 else look.cloth,
        relief=0.6,
        shadow=0.3,
    )


def _joggers(look: Appearance) -> None:
    legs(look, 0.88, 0.13)
    waistband(look, 0.06)
    pockets(look)
    for side in (-1, 1):
        look.canvas.part(
            [(0.5 + side * x, y) for x, y in ((0.06, 0.875), (0.16, 0.875), (0.15, 0.94), (0.07, 0.94))],
            look.cloth,
            relief=0.9,
            shadow=0.4,
        )
        look.canvas.stroke(
            [(0.5 + side * 0.012, 0.15), (0.5 + side * 0.03, 0.27)], shade(look.second, 0.95), 0.008, solid=False
        )


def _shorts(look: Appearance) -> None:
    hem = 0.72 if look.variety == "long" else 0.58
    for side in (-1, 1):
        leg = [(0.0, 0.2), (0.23, 0.2), (0.27, 0.4), (0.29, hem), (0.035, hem + 0.02), (0.01, 0.47)]
        look.canvas.part(
            [(0.5 + side * x, y + 0.06) for x, y in leg], look.cloth, relief=0.8, crease=0.7, gloss=look.gloss * 0.4
        )
    look.canvas.part(mirrored([(0.232, 0.24), (0.237, 0.31)]), look.cloth, relief=0.7, shadow=0.35)
    look.canvas.stroke([(0.5, 0.3), (0.5, 0.52)], look.seam, 0.007, solid=False)
    for side in (-1, 1):
        look.canvas.stroke(
            [(0.5 + side * 0.01, 0.29), (0.5 + side * 0.035, 0.42)], shade(look.second, 0.95), 0.008, solid=False
        )
        look.canvas.stroke([(0.5 + side * 0.19, 0.31), (0.5 + side * 0.25, 0.44)], look.seam, 0.006, solid=False)
        look.canvas.stroke(
            [(0.5 + side * 0.04, hem + 0.05), (0.5 + side * 0.285, hem + 0.03)], look.seam, 0.005, solid=False
        )


def _swimsuit(look: Appearance) -> None:
    half: list[Point] = [
        (0.09, 0.12),
        (0.125, 0.12),
        (0.145, 0.28),
        (0.175, 0.36),
        (0.135, 0.52),
        (0.185, 0.68),
        (0.12, 0.76),
        (0.035, 0.9),
    ]
    look.canvas.part(mirrored(half), look.cloth, relief=0.95, gloss=0.3)
    hole = smooth(mirrored([(0.09, 0.11), (0.08, 0.24), (0.03, 0.32)]), 4)
    look.canvas.part(hole, shade(look.colour, 0.42), "flat")
    look.canvas.stroke([*hole, hole[0]], look.second, 0.009, solid=False)


def _tie(look: Appearance) -> None:
    look.canvas.part(
        [(0.44, 0.2), (0.56, 0.2), (0.61, 0.82), (0.5, 0.95), (0.39, 0.82)], look.cloth, relief=0.8, gloss=0.2
    )
    look.canvas.part(
        smooth([(0.42, 0.09), (0.58, 0.09), (0.56, 0.2), (0.44, 0.2)], 3), look.cloth, relief=1.2, shadow=0.5
    )
    look.canvas.part(ribbon([(0.43, 0.1), (0.5, 0.05), (0.57, 0.1)], [0.04, 0.03, 0.04]), look.cloth)


BOTTOMS: dict[str, DrawShape] = {
    "dress": _dress,
    "skirt": _skirt,
    "trousers": _trousers,
    "jeans": _jeans,
    "leggings": _leggings,
    "joggers": _joggers,
    "shorts": _shorts,
    "swimsuit": _swimsuit,
    "tie": _tie,
}
