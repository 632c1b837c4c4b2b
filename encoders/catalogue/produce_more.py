"""Shapes of roots, stalks, leaves, berries and other produce that is not simply round."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from encoders.catalogue.canvas import Point, ellipse, ribbon, smooth
from encoders.catalogue.fabrics import mix, shade
from encoders.catalogue.look import Look, Shape
from encoders.catalogue.produce_round import LEAF, STEM, body, leaf, stem
from encoders.catalogue.produce_skin import skin
from encoders.catalogue.words import Rgb


def _banana(look: Look) -> None:
    rng, green = look.canvas.rng, look.variety == "green"
    base: Rgb = (168, 190, 70) if green else (236, 200, 58)
    paint = skin(look.canvas.px, base, rng, (206, 200, 80), 0.3, speckle=(110, 74, 30), dots=0.004)
    for i in range(rng.randint(3, 5)):
        drop, reach = 0.14 * i, 0.05 * i
        line = [
            (0.84 - reach * 0.3, 0.13),
            (0.77 - reach * 0.2, 0.3 + drop * 0.35),
            (0.6, 0.5 + drop * 0.55),
            (0.36, 0.6 + drop * 0.62),
            (0.13 + reach, 0.57 + drop * 0.8),
        ]
        look.canvas.part(ribbon(line, [0.05, 0.1, 0.15, 0.13, 0.05]), paint, relief=1.0, gloss=0.2, shadow=0.4)
        look.canvas.blob(0.13 + reach, 0.57 + drop * 0.8, 0.02, 0.022, (60, 44, 26), "puff")
    look.canvas.part(ribbon([(0.88, 0.06), (0.83, 0.16)], [0.08, 0.1]), mix(base, (110, 90, 40), 0.5))


def _taper(colour: Rgb, widths: tuple[float, ...], count: int, ends: Rgb) -> Shape:
    """A few long bodies side by side."""

    def draw(look: Look) -> None:
        rng = look.canvas.rng
        for i in range(count):
            y, bend = 0.5 + (i - (count - 1) / 2) * 0.2 + rng.uniform(-0.02, 0.02), rng.uniform(-0.07, 0.07)
            steps = [k / (len(widths) - 1) for k in range(len(widths))]
            line = [(0.06 + 0.88 * t, y + bend * math.sin(math.pi * t) + (0.5 - t) * 0.12) for t in steps]
            base = (226, 190, 62) if look.variety == "yellow" else colour
            paint = skin(
                look.canvas.px, base, rng, shade(base, 0.85), 0.35, mottle=0.3, speckle=shade(base, 1.35), dots=0.03
            )
            outline = smooth(ribbon(line, [w * rng.uniform(0.95, 1.05) for w in widths]), 4)
            look.canvas.part(outline, paint, relief=1.1, gloss=0.35, shadow=0.4)
            look.canvas.blob(line[0][0], line[0][1], 0.02, widths[0] * 0.42, ends, "puff")

    return draw


def _carrot(look: Look) -> None:
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


def _pepper(look: Look) -> None:
    rng = look.canvas.rng
    base = {"red": (200, 30, 30), "yellow": (240, 190, 30), "green": (60, 124, 44), "orange": (238, 120, 26)}[
        look.variety
    ]
    paint = skin(look.canvas.px, base, rng, shade(base, 1.15), 0.3, mottle=0.15)
    for x, width in ((0.3, 0.2), (0.7, 0.2), (0.5, 0.2)):
        lobe: list[Point] = [
            (x, 0.2),
            (x + width * 0.9, 0.3),
            (x + width * 0.85, 0.6),
            (x + width * 0.45, 0.88),
            (x - width * 0.45, 0.88),
            (x - width * 0.85, 0.6),
            (x - width * 0.9, 0.3),
        ]
        look.canvas.part(smooth(lobe), paint, relief=1.15, gloss=0.9, shadow=0.3)
    look.canvas.blob(0.5, 0.22, 0.16, 0.05, shade(base, 0.75), "puff")
    look.canvas.part(ribbon([(0.5, 0.23), (0.5, 0.13), (0.55, 0.06)], [0.1, 0.05, 0.06]), (88, 130, 52), "cylinder")


def _chilli(look: Look) -> None:
    rng = look.canvas.rng
    base: Rgb = (196, 28, 26) if look.variety == "red" else (70, 130, 48)
    for i in range(3):
        y = 0.28 + 0.22 * i
        line = [
            (0.2, y),
            (0.4, y + rng.uniform(-0.06, 0.04)),
            (0.66, y + rng.uniform(-0.02, 0.08)),
            (0.93, y + rng.uniform(-0.05, 0.12)),
        ]
        look.canvas.stroke([(0.05, y - 0.06), (0.19, y)], (90, 134, 54), 0.025)
        look.canvas.part(smooth(ribbon(line, [0.11, 0.13, 0.09, 0.01]), 4), base, relief=1.1, gloss=0.8, shadow=0.4)
        look.canvas.blob(0.2, y, 0.035, 0.06, (90, 134, 54), "puff")


def _aubergine(look: Look) -> None:
    paint = skin(look.canvas.px, (58, 30, 62), look.canvas.rng, (86, 40, 78), 0.35, mottle=0.2)
    look.canvas.part(
        smooth(
            [
                (0.8, 0.16),
                (0.88, 0.24),
                (0.74, 0.46),
                (0.68, 0.7),
                (0.48, 0.88),
                (0.22, 0.84),
                (0.13, 0.62),
                (0.28, 0.4),
                (0.56, 0.28),
            ]
        ),
        paint,
        relief=1.2,
        gloss=0.9,
    )
    look.canvas.part(
        smooth(
            [
                (0.92, 0.08),
                (0.9, 0.28),
                (0.78, 0.34),
                (0.8, 0.25),
                (0.7, 0.28),
                (0.74, 0.2),
                (0.68, 0.12),
                (0.82, 0.13),
            ],
            3,
        ),
        (92, 128, 62),
        shadow=0.3,
    )
    look.canvas.part(ribbon([(0.84, 0.16), (0.95, 0.04)], [0.06, 0.05]), (92, 128, 62))


def _pumpkin(look: Look) -> None:
    paint = skin(look.canvas.px, (228, 124, 32), look.canvas.rng, (206, 100, 24), 0.4, mottle=0.25)
    for x, rx in ((0.22, 0.14), (0.78, 0.14), (0.34, 0.16), (0.66, 0.16), (0.5, 0.15)):
        look.canvas.blob(x, 0.56, rx, 0.34, paint, "puff", relief=1.1, gloss=0.2, shadow=0.25)
    look.canvas.part(ribbon([(0.5, 0.28), (0.52, 0.16), (0.58, 0.1)], [0.1, 0.06, 0.06]), (118, 122, 60))


def _potato(look: Look) -> None:
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


def _onion(look: Look) -> None:
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


def _garlic(look: Look) -> None:
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


def _ginger(look: Look) -> None:
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


def _root(base: Rgb, tip: Rgb, stalks: Rgb, size: float) -> Shape:
    """A round root with its tail and the ends of its stalks."""

    def draw(look: Look) -> None:
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


def _leafy_head(look: Look) -> None:
    rng = look.canvas.rng
    base: Rgb = (96, 46, 92) if look.variety == "red" else (128, 176, 72) if look.kind == "lettuce" else (170, 202, 128)
    frill = 0.09 if look.kind == "lettuce" else 0.03
    for i, (dx, r) in enumerate(((-0.1, 0.37), (0.12, 0.36), (0.0, 0.33), (0.05, 0.27))):
        paint = shade(base, 0.82 + 0.08 * i)
        outline = [
            (x + dx, y + 0.02 * (2 - i)) for x, y in body(frill, rng, r, r * 0.98, 20 if look.kind == "lettuce" else 10)
        ]
        look.canvas.part(outline, paint, relief=0.9, crease=0.6, shadow=0.3)
    for side in (-1, 1):
        for k in range(4):
            start, end = (0.5, 0.78 - 0.13 * k), (0.5 + side * (0.26 - 0.02 * k), 0.6 - 0.14 * k)
            look.canvas.stroke([start, end], shade(base, 1.35), 0.008, solid=False)
    look.canvas.stroke([(0.5, 0.86), (0.5, 0.25)], shade(base, 1.4), 0.02, solid=False)


def _florets(look: Look) -> None:
    rng = look.canvas.rng
    base: Rgb = (62, 106, 50) if look.kind == "broccoli" else (238, 230, 206)
    if look.kind == "cauliflower":
        for side in (-1, 1):
            look.canvas.part(
                smooth([(0.5, 0.9), (0.5 + side * 0.36, 0.8), (0.5 + side * 0.45, 0.4), (0.5 + side * 0.2, 0.6)]),
                (126, 168, 84),
                crease=0.4,
            )
    else:
        look.canvas.part(ribbon([(0.5, 0.5), (0.5, 0.94)], [0.3, 0.2]), (150, 182, 98), "cylinder")
    paint = skin(
        look.canvas.px, base, rng, shade(base, 0.85), 0.4, mottle=0.4, speckle=shade(base, 0.7), dots=0.12, rough=0.9
    )
    for _ in range(13):
        angle, reach = rng.uniform(0, math.tau), rng.uniform(0, 0.28) ** 0.9
        look.canvas.blob(
            0.5 + reach * math.cos(angle) * 1.15,
            0.42 + reach * math.sin(angle) * 0.8,
            0.13,
            0.12,
            paint,
            "puff",
            relief=1.0,
            shadow=0.4,
        )


def _stalks(look: Look) -> None:
    rng, leek = look.canvas.rng, look.kind == "leek"
    tip: Rgb = (66, 118, 52) if leek else (104, 128, 70) if look.variety == "green" else (230, 222, 190)
    foot: Rgb = (240, 240, 222) if leek else (150, 178, 90) if look.variety == "green" else (240, 234, 210)
    paint = Image.new("RGB", (2, 64))
    for y in range(64):
        ImageDraw.Draw(paint).line((0, y, 1, y), fill=mix(tip, foot, min(1, max(0, (y - 14) / 34))))
    paint = paint.resize((look.canvas.px, look.canvas.px), Image.Resampling.BILINEAR)
    count, width = (3, 0.15) if leek else (7, 0.075)
    for i in range(count):
        x = 0.5 + (i - (count - 1) / 2) * width * 1.15
        line = [(x, 0.93), (x + rng.uniform(-0.01, 0.01), 0.5), (x + (x - 0.5) * 0.25, 0.08)]
        look.canvas.part(
            smooth(ribbon(line, [width * 0.9, width, width * (1.5 if leek else 0.6)]), 4),
            paint,
            "puff",
            relief=1.0,
            shadow=0.3,
        )
        for k in range(4 if not leek else 0):
            look.canvas.part(
                smooth([(x - width * 0.3, 0.3 + k * 0.14), (x, 0.22 + k * 0.14), (x + width * 0.3, 0.3 + k * 0.14)], 3),
                shade(tip, 0.8),
                relief=0.5,
            )
    if not leek:
        look.canvas.box(0.2, 0.62, 0.8, 0.68, (60, 90, 170), 0.01)


def _mushroom(look: Look) -> None:
    rng = look.canvas.rng
    cap: Rgb = (150, 104, 68) if look.variety == "brown" else (240, 234, 222)
    for x, y, size in ((0.32, 0.36, 0.8), (0.68, 0.4, 0.85), (0.48, 0.6, 1.0)):
        look.canvas.part(
            ribbon([(x, y), (x + rng.uniform(-0.03, 0.03), y + 0.27 * size)], [0.17 * size, 0.14 * size]),
            (232, 220, 198),
            "cylinder",
            shadow=0.3,
        )
        paint = skin(look.canvas.px, cap, rng, shade(cap, 0.85), 0.4, mottle=0.3, speckle=shade(cap, 1.25), dots=0.02)
        outline = [
            (x - 0.26 * size, y + 0.06),
            (x - 0.22 * size, y - 0.12 * size),
            (x, y - 0.22 * size),
            (x + 0.22 * size, y - 0.12 * size),
            (x + 0.26 * size, y + 0.06),
            (x, y + 0.1),
        ]
        look.canvas.part(smooth(outline), paint, relief=1.2, gloss=0.1, shadow=0.3)


def _corn(look: Look) -> None:
    for side in (-1, 1):
        look.canvas.part(
            smooth([(0.5, 0.96), (0.5 + side * 0.26, 0.7), (0.5 + side * 0.3, 0.3), (0.5 + side * 0.1, 0.55)]),
            (126, 166, 76),
            crease=0.5,
        )
    look.canvas.part(
        smooth([(0.5, 0.05), (0.61, 0.16), (0.66, 0.45), (0.62, 0.8), (0.38, 0.8), (0.34, 0.45), (0.39, 0.16)]),
        (222, 176, 50),
        relief=1.1,
    )
    for row in range(17):
        for column in range(7):
            x, y = 0.5 + (column - 3) * 0.043 * math.sin(math.pi * (0.25 + row / 28)), 0.12 + row * 0.041
            look.canvas.blob(x, y, 0.021, 0.021, (246, 212, 84), "flat")
    look.canvas.part(
        smooth([(0.5, 0.97), (0.32, 0.86), (0.36, 0.62), (0.5, 0.78), (0.64, 0.6), (0.68, 0.86)]),
        (140, 178, 86),
        crease=0.5,
        shadow=0.4,
    )


def _cluster(look: Look) -> None:
    rng = look.canvas.rng
    base = {"green": (164, 184, 80), "red": (134, 40, 56), "black": (52, 36, 62)}[look.variety]
    look.canvas.stroke([(0.5, 0.24), (0.5, 0.08), (0.56, 0.05)], STEM, 0.03)
    for row, count in enumerate((5, 6, 5, 4, 3, 2)):
        for i in range(count):
            tint = shade(base, rng.uniform(0.85, 1.15))
            look.canvas.blob(
                0.5 + (i - (count - 1) / 2) * 0.135 + rng.uniform(-0.02, 0.02),
                0.26 + row * 0.12,
                0.08,
                0.085,
                tint,
                gloss=0.6,
                shadow=0.3,
            )


def _cherry(look: Look) -> None:
    for x, y in ((0.3, 0.68), (0.68, 0.72)):
        look.canvas.stroke([(x, y - 0.16), (0.45 + (x - 0.5) * 0.3, 0.3), (0.52, 0.1)], (110, 120, 54), 0.018)
        look.canvas.blob(
            x, y, 0.21, 0.2, skin(look.canvas.px, (126, 18, 34), look.canvas.rng, (166, 30, 40), 0.3), gloss=0.9
        )
    leaf(look, 0.52, 0.12, 0.3)


def _strawberry(look: Look) -> None:
    rng = look.canvas.rng
    outline: list[Point] = smooth(
        [(0.5, 0.22), (0.74, 0.2), (0.86, 0.38), (0.74, 0.66), (0.5, 0.93), (0.26, 0.66), (0.14, 0.38), (0.26, 0.2)]
    )
    look.canvas.part(outline, skin(look.canvas.px, (206, 32, 36), rng, (226, 70, 52), 0.3), "ball", gloss=0.6)
    for row in range(7):
        span = 0.3 * (1 - row / 8.5)
        for i in range(6 - row // 2):
            x = 0.5 + (i - (5 - row // 2) / 2) * span * 0.4 + (row % 2) * 0.02
            look.canvas.part(ellipse(x, 0.33 + row * 0.08, 0.01, 0.015), (240, 206, 110), "flat")
    for i in range(-3, 4):
        look.canvas.part(
            smooth(
                [
                    (0.5, 0.16),
                    (0.5 + i * 0.09 - 0.04, 0.24),
                    (0.5 + i * 0.11, 0.31 - abs(i) * 0.03),
                    (0.5 + i * 0.09 + 0.04, 0.22),
                ],
                3,
            ),
            LEAF,
            relief=0.7,
        )
    stem(look, 0.2, 0.12, colour=LEAF)


def _pineapple(look: Look) -> None:
    rng = look.canvas.rng
    for i in range(-4, 5):
        look.canvas.part(
            smooth(
                [
                    (0.46, 0.36),
                    (0.5 + i * 0.045, 0.2),
                    (0.5 + i * 0.075, 0.04 + abs(i) * 0.035),
                    (0.54 + i * 0.04, 0.24),
                    (0.55, 0.36),
                ],
                3,
            ),
            shade((84, 122, 62), rng.uniform(0.8, 1.15)),
            relief=0.8,
        )
    paint = skin(look.canvas.px, (204, 142, 44), rng, (150, 130, 50), 0.35, mottle=0.3)
    draw, px = ImageDraw.Draw(paint), look.canvas.px
    for k in range(-12, 24):
        for slope in (-1, 1):
            x = k * 0.085
            draw.line([(x * px, 0), ((x + slope * 0.6) * px, px)], fill=(128, 84, 30), width=max(1, px // 90))
    look.canvas.part(
        smooth(
            [(0.5, 0.3), (0.7, 0.36), (0.76, 0.6), (0.68, 0.88), (0.5, 0.94), (0.32, 0.88), (0.24, 0.6), (0.3, 0.36)]
        ),
        paint,
        "ball",
        relief=1.0,
    )


def _papaya(look: Look) -> None:
    paint = skin(
        look.canvas.px,
        (232, 150, 48),
        look.canvas.rng,
        (128, 142, 52),
        0.4,
        mottle=0.3,
        speckle=(140, 100, 40),
        dots=0.01,
    )
    look.canvas.part(
        smooth(
            [
                (0.5, 0.08),
                (0.6, 0.12),
                (0.68, 0.36),
                (0.76, 0.64),
                (0.66, 0.88),
                (0.5, 0.94),
                (0.34, 0.88),
                (0.24, 0.64),
                (0.32, 0.36),
                (0.4, 0.12),
            ]
        ),
        paint,
        "ball",
        gloss=0.3,
    )


MORE: dict[str, Shape] = {
    "banana": _banana,
    "carrot": _carrot,
    "cucumber": _taper((52, 98, 44), (0.1, 0.15, 0.16, 0.15, 0.09), 2, (96, 120, 60)),
    "zucchini": _taper((58, 100, 42), (0.1, 0.14, 0.17, 0.19, 0.14), 2, (150, 160, 84)),
    "pepper": _pepper,
    "chilli": _chilli,
    "aubergine": _aubergine,
    "pumpkin": _pumpkin,
    "potato": _potato,
    "onion": _onion,
    "garlic": _garlic,
    "ginger": _ginger,
    "beetroot": _root((110, 34, 58), (120, 60, 70), (126, 44, 70), 0.37),
    "radish": _root((204, 36, 90), (240, 226, 226), (130, 168, 76), 0.29),
    "cabbage": _leafy_head,
    "lettuce": _leafy_head,
    "broccoli": _florets,
    "cauliflower": _florets,
    "leek": _stalks,
    "asparagus": _stalks,
    "mushroom": _mushroom,
    "corn": _corn,
    "grapes": _cluster,
    "cherry": _cherry,
    "strawberry": _strawberry,
    "pineapple": _pineapple,
    "papaya": _papaya,
}
