"""Shapes of bags."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import RGB
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import arc, mirrored, ribbon, rounded, smooth
from vitrine.samples.drawing.painting.fabrics import shade


def _dark(look: Appearance) -> tuple[int, int, int]:
    return shade(look.colour, 0.6)


def _backpack(look: Appearance) -> None:
    canvas = look.canvas
    canvas.part(ribbon(arc(0.5, 0.14, 0.08, 0.07, 180, 360), [0.03] * 14), _dark(look))
    for side in (-1, 1):
        canvas.part(
            ribbon([(0.5 + side * 0.2, 0.2), (0.5 + side * 0.33, 0.34), (0.5 + side * 0.33, 0.74)], [0.06, 0.06, 0.05]),
            _dark(look),
        )
    canvas.part(
        smooth(mirrored([(0.15, 0.12), (0.27, 0.26), (0.3, 0.62), (0.28, 0.88), (0.12, 0.92)])),
        look.cloth,
        relief=1.1,
        crease=0.3,
        gloss=look.gloss * 0.4,
    )
    if look.variety == "flap":
        canvas.part(
            smooth(mirrored([(0.17, 0.12), (0.28, 0.24), (0.27, 0.45), (0.1, 0.5)])), look.cloth, relief=0.9, shadow=0.6
        )
        canvas.box(0.46, 0.44, 0.54, 0.56, _dark(look), 0.01, shadow=0.3)
    else:
        canvas.stroke(arc(0.5, 0.42, 0.22, 0.24, 180, 360), _dark(look), 0.014, solid=False)
    canvas.part(
        rounded(0.29, 0.56, 0.71, 0.87, 0.07),
        look.second if look.rng.random() < 0.35 else look.cloth,
        relief=1.0,
        shadow=0.6,
    )
    canvas.stroke([(0.33, 0.63), (0.67, 0.63)], _dark(look), 0.012, solid=False)
    canvas.box(0.62, 0.63, 0.64, 0.69, RGB["silver"], 0.006)


def _tote(look: Appearance) -> None:
    for dy, paint in ((-0.03, _dark(look)), (0.02, shade(look.colour, 0.85))):
        look.canvas.part(
            ribbon([(0.36, 0.4), (0.37, 0.14 + dy), (0.5, 0.07 + dy), (0.63, 0.14 + dy), (0.64, 0.4)], [0.032] * 5),
            paint,
        )
    look.canvas.part(
        mirrored([(0.31, 0.36), (0.3, 0.6), (0.28, 0.92)]), look.cloth, relief=0.7, crease=0.6, gloss=look.gloss * 0.4
    )
    look.canvas.stroke([(0.2, 0.4), (0.8, 0.4)], look.seam, 0.005, solid=False)


def _handbag(look: Appearance) -> None:
    look.canvas.part(ribbon(arc(0.5, 0.42, 0.2, 0.26, 180, 360), [0.035] * 14), _dark(look), gloss=0.4)
    look.canvas.part(
        smooth(mirrored([(0.25, 0.4), (0.32, 0.52), (0.37, 0.8), (0.3, 0.86)]), 4),
        look.cloth,
        relief=1.0,
        gloss=max(0.2, look.gloss * 0.6),
    )
    look.canvas.part(
        smooth(mirrored([(0.26, 0.39), (0.31, 0.46), (0.27, 0.58), (0.08, 0.64)]), 4),
        look.cloth,
        relief=0.8,
        shadow=0.5,
        gloss=0.2,
    )
    look.canvas.blob(0.5, 0.63, 0.035, 0.025, RGB["gold"], gloss=0.8, shadow=0.4)


def _messenger(look: Appearance) -> None:
    look.canvas.part(
        ribbon([(0.16, 0.5), (0.26, 0.16), (0.5, 0.08), (0.74, 0.16), (0.84, 0.5)], [0.045] * 5), _dark(look)
    )
    look.canvas.part(rounded(0.12, 0.38, 0.88, 0.86, 0.05), look.cloth, relief=0.9, crease=0.3)
    look.canvas.part(
        rounded(0.1, 0.36, 0.9, 0.68, 0.06), look.cloth, relief=0.9, crease=0.3, shadow=0.6, gloss=look.gloss * 0.4
    )
    for x in (0.27, 0.73):
        look.canvas.box(x - 0.025, 0.5, x + 0.025, 0.76, _dark(look), 0.01, shadow=0.4)
        look.canvas.box(x - 0.035, 0.68, x + 0.035, 0.73, RGB["silver"], 0.01, gloss=0.5)


def _suitcase(look: Appearance) -> None:
    canvas = look.canvas
    for x in (0.4, 0.6):
        canvas.stroke([(x, 0.06), (x, 0.24)], RGB["silver"], 0.018)
    canvas.box(0.38, 0.03, 0.62, 0.07, RGB["charcoal"], 0.02)
    for x in (0.3, 0.7):
        canvas.blob(x, 0.93, 0.04, 0.04, RGB["black"])
    canvas.part(rounded(0.22, 0.2, 0.78, 0.91, 0.07), look.cloth, relief=0.9, gloss=0.5)
    for i in range(6):
        x = 0.29 + i * 0.084
        canvas.part(rounded(x - 0.012, 0.25, x + 0.012, 0.86, 0.01), look.cloth, "cylinder", relief=1.3, shadow=0.3)
    canvas.box(0.42, 0.2, 0.58, 0.235, RGB["charcoal"], 0.01)


def _duffle(look: Appearance) -> None:
    look.canvas.part(
        smooth(
            [
                (0.08, 0.56),
                (0.14, 0.4),
                (0.3, 0.36),
                (0.7, 0.36),
                (0.86, 0.4),
                (0.92, 0.58),
                (0.86, 0.8),
                (0.5, 0.84),
                (0.14, 0.8),
            ]
        ),
        look.cloth,
        relief=1.1,
        crease=0.5,
    )
    look.canvas.stroke([(0.16, 0.44), (0.84, 0.44)], _dark(look), 0.014, solid=False)
    for x in (0.3, 0.7):
        look.canvas.part(ribbon([(x, 0.38), (x, 0.82)], [0.05, 0.05]), look.second, relief=0.6, shadow=0.3)
    look.canvas.part(
        ribbon([(0.3, 0.5), (0.34, 0.26), (0.5, 0.2), (0.66, 0.26), (0.7, 0.5)], [0.04] * 5),
        look.second,
        relief=0.8,
        shadow=0.4,
    )
    look.canvas.blob(0.13, 0.6, 0.06, 0.18, shade(look.colour, 0.8), "puff")


def _wallet(look: Appearance) -> None:
    look.canvas.part(rounded(0.12, 0.3, 0.88, 0.76, 0.05), shade(look.colour, 0.8), relief=0.8, gloss=look.gloss * 0.5)
    for i in range(2):
        look.canvas.box(0.2, 0.25 + 0.03 * i, 0.8, 0.5, RGB[("sky", "beige")[i]], 0.02, shadow=0.3)
    look.canvas.part(rounded(0.12, 0.34, 0.88, 0.78, 0.05), look.cloth, relief=0.8, gloss=look.gloss * 0.5, shadow=0.5)
    look.canvas.stroke(
        [(0.15, 0.37), (0.85, 0.37), (0.85, 0.75), (0.15, 0.75), (0.15, 0.37)], look.seam, 0.005, solid=False
    )
    look.canvas.blob(0.78, 0.56, 0.025, 0.025, RGB["gold"], gloss=0.7, shadow=0.3)


BAGS: dict[str, DrawShape] = {
    "backpack": _backpack,
    "tote": _tote,
    "handbag": _handbag,
    "messenger": _messenger,
    "suitcase": _suitcase,
    "duffle": _duffle,
    "wallet": _wallet,
}
