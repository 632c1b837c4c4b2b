"""Shapes of roots and bulbs."""

from __future__ import annotations

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.appearance import Appearance, DrawShape
from vitrine.samples.drawing.painting.canvas import ellipse, ribbon, smooth
from vitrine.samples.drawing.painting.fabrics import mix, shade
from vitrine.samples.drawing.produce.details import LEAF, body, leaf
from vitrine.samples.drawing.produce.skin import skin


def _carrot(look: Appearance) -> None:
    rng = look.canvas.rng
    for i in range(3):
        y, lean = 0.3 + 0.2 * i, rng.uniform(-0.12, 0.12)
        line = [(0.08, y), (0.3, y + lean * 0.25), (0.6, y + lean * 0.6), (0.94, y + lean)]
        paint = skin(look.canvas.px, (234, 122, 36), rng, (214, 96, 24), 0.4, mottle=0.3)
        for side in (-0.4, 0.0, 0.4):
            look.canvas.stroke([(0.09, y), (0.02, y + side * 0.1)], LEAF, 0.016)
        look.canvas.part(smooth(ribbon(line, [0.13, 0.15, 0.1, 0.02]), 4), paint, relief=1.1, gloss=0.2, shadow=0.4)
        for _ in range(7):
            x = rng.uniform(0.12, 0.75)
            here = y + lean * x
            look.canvas.stroke(
                [(x, here - rng.uniform(0, 0.05)), (x, here + rng.uniform(0, 0.04))], (196, 88, 24), 0.005, solid=False
            )


def _potato(look: Appearance) -> None:
    rng = look.canvas.rng
    base = {"floury": (178, 136, 84), "waxy": (218, 186, 120), "red": (190, 96, 90), "sweet": (198, 104, 64)}[
        look.variety
    ]
    long = look.variety in ("sweet", "waxy")
    paint = skin(
        look.canvas.px, base, rng, shade(base, 0.85), 0.4, mottle=0.5, speckle=shade(base, 0.6), dots=0.015, rough=0.25
    )
    look.canvas.part(body(0.07, rng, 0.43, 0.27 if long else 0.35, 8), paint, "ball")
    for _ in range(5):
        look.canvas.part(
            ellipse(rng.uniform(0.25, 0.75), rng.uniform(0.38, 0.66), 0.022, 0.009), shade(base, 0.65), "flat"
        )


def _onion(look: Appearance) -> None:
    rng = look.canvas.rng
    base, line = {
        "yellow": ((206, 146, 66), (160, 96, 36)),
        "red": ((124, 36, 66), (170, 90, 110)),
        "white": ((238, 234, 220), (206, 204, 180)),
    }[look.variety]
    paint = skin(look.canvas.px, base, rng, shade(base, 0.8), 0.4, 0.4, mottle=0.3)
    look.canvas.part(
        smooth(
            [
                (0.5, 0.08),
                (0.55, 0.2),
                (0.74, 0.3),
                (0.89, 0.52),
                (0.78, 0.76),
                (0.55, 0.87),
                (0.5, 0.91),
                (0.45, 0.87),
                (0.22, 0.76),
                (0.11, 0.52),
                (0.26, 0.3),
                (0.45, 0.2),
            ]
        ),
        paint,
        "ball",
        gloss=0.5,
    )
    for i in range(-4, 5):
        look.canvas.stroke(
            [
                (0.5 + 0.006 * i, 0.16),
                (0.5 + 0.06 * i, 0.35),
                (0.5 + 0.088 * i, 0.54),
                (0.5 + 0.05 * i, 0.78),
                (0.5 + 0.006 * i, 0.88),
            ],
            mix(base, line, 0.6),
            0.004,
            solid=False,
        )
    for i in range(5):
        look.canvas.stroke([(0.5, 0.89), (0.44 + 0.03 * i, 0.95)], (200, 180, 140), 0.006)


def _garlic(look: Appearance) -> None:
    paint = skin(look.canvas.px, (240, 234, 222), look.canvas.rng, (206, 180, 196), 0.3, 0.4, mottle=0.15)
    for x, rx in ((0.25, 0.15), (0.75, 0.15), (0.38, 0.17), (0.62, 0.17), (0.5, 0.15)):
        look.canvas.part(
            smooth(
                [
                    (0.5, 0.2),
                    (x + rx * 0.6, 0.45),
                    (x + rx, 0.66),
                    (x + rx * 0.4, 0.86),
                    (x - rx * 0.4, 0.86),
                    (x - rx, 0.66),
                    (x - rx * 0.6, 0.45),
                ]
            ),
            paint,
            relief=1.0,
            shadow=0.15,
        )
    look.canvas.part(ribbon([(0.5, 0.32), (0.5, 0.16), (0.53, 0.06)], [0.13, 0.06, 0.05]), (232, 222, 200))


def _ginger(look: Appearance) -> None:
    rng = look.canvas.rng
    paint = skin(look.canvas.px, (204, 170, 116), rng, (178, 140, 88), 0.4, mottle=0.5, rough=0.3)
    fingers = [
        ((0.12, 0.62), (0.5, 0.5), 0.22),
        ((0.45, 0.52), (0.86, 0.4), 0.2),
        ((0.36, 0.5), (0.28, 0.22), 0.17),
        ((0.62, 0.5), (0.7, 0.78), 0.17),
        ((0.76, 0.42), (0.7, 0.2), 0.13),
    ]
    for (x0, y0), (x1, y1), width in fingers:
        end = (x1 + rng.uniform(-0.06, 0.06), y1 + rng.uniform(-0.06, 0.06))
        middle = ((x0 + end[0]) / 2 + rng.uniform(-0.03, 0.03), (y0 + end[1]) / 2)
        look.canvas.part(
            smooth(ribbon([(x0, y0), middle, end], [width, width * 1.05, width * 0.75]), 5), paint, relief=1.0
        )
        look.canvas.blob(*end, width * 0.26, width * 0.26, (222, 196, 140), "puff", relief=0.6)
        look.canvas.stroke(
            [(middle[0] - 0.02, middle[1] - width * 0.45), (middle[0] + 0.02, middle[1] + width * 0.45)],
            (150, 116, 70),
            0.006,
            solid=False,
        )


def _root(base: Rgb, tip: Rgb, stalks: Rgb, size: float) -> DrawShape:
    """A round root with its tail and the ends of its stalks."""

    def draw(look: Appearance) -> None:
        rng = look.canvas.rng
        look.canvas.stroke(
            [(0.5, 0.8), (0.5 + rng.uniform(-0.05, 0.05), 0.9), (0.5 + rng.uniform(-0.1, 0.1), 0.98)], tip, 0.016
        )
        for i in range(4):
            look.canvas.stroke([(0.5, 0.28), (0.4 + 0.07 * i, 0.06)], stalks, 0.03)
        if size < 0.3:
            leaf(look, 0.5, 0.14, 0.3, 1)
            leaf(look, 0.5, 0.12, 0.28, -1)
        paint = skin(
            look.canvas.px, base, rng, shade(base, 0.8), 0.4, mottle=0.5, speckle=shade(base, 0.7), dots=0.01, rough=0.2
        )
        look.canvas.part(
            smooth(
                [
                    (0.5, 0.22),
                    (0.5 + size, 0.34),
                    (0.5 + size * 1.05, 0.58),
                    (0.5 + size * 0.5, 0.78),
                    (0.5, 0.88),
                    (0.5 - size * 0.5, 0.78),
                    (0.5 - size * 1.05, 0.58),
                    (0.5 - size, 0.34),
                ]
            ),
            paint,
            "ball",
            gloss=0.2 if size > 0.3 else 0.5,
        )

    return draw


ROOTS: dict[str, DrawShape] = {
    "carrot": _carrot,
    "potato": _potato,
    "onion": _onion,
    "garlic": _garlic,
    "ginger": _ginger,
    "beetroot": _root((110, 34, 58), (120, 60, 70), (126, 44, 70), 0.37),
    "radish": _root((204, 36, 90), (240, 226, 226), (130, 168, 76), 0.29),
}
