"""A drawing of one product: parts laid over each other, each with its own colour or fabric, form and light."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.light import Form, Light, enlarge, folds, shading

Point = tuple[float, float]
Paint = Rgb | Image.Image


class Canvas:
    """A square drawing in unit coordinates (0..1, y down) that ends as a cut-out.

    Args:
        px: side in pixels; draw at twice the final size, there is no anti-aliasing here.
        light: what lights it.
        rng: drives creases and other accidents.
        turn: rotation about the centre, in degrees.
        zoom: enlargement about the centre.
    """

    def __init__(self, px: int, light: Light, rng: random.Random, turn: float = 0.0, zoom: float = 1.0) -> None:
        self.px = px
        self.rng = rng
        self._light = light
        self._image = Image.new("RGB", (px, px))
        self._alpha = Image.new("L", (px, px), 0)
        angle = math.radians(turn)
        self._cos, self._sin, self._zoom = math.cos(angle) * zoom, math.sin(angle) * zoom, zoom

    def part(
        self,
        outline: Sequence[Point],
        paint: Paint,
        form: Form = "puff",
        relief: float = 1.0,
        gloss: float = 0.0,
        crease: float = 0.0,
        shadow: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Add one part on top.

        Args:
            outline: its polygon.
            paint: a colour, or a fabric of the canvas' size.
            form, relief, gloss: see `light.shading`.
            crease: how strongly cloth folds show, 0 to 1.
            shadow: how dark a shadow it casts on the parts below, 0 to 1.
            opacity: below 1 for glass.
        """
        placed = self._place(outline)
        box = self._bounds(placed)
        if box is None:
            return
        mask = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
        ImageDraw.Draw(mask).polygon([(x - box[0], y - box[1]) for x, y in placed], fill=255)
        if shadow:
            self._cast(mask, box, shadow)
        lit = self._lit(mask, box, paint, self._shade(mask, form, relief, gloss, crease))
        self._image.paste(lit, box[:2], mask if opacity == 1 else mask.point([int(i * opacity) for i in range(256)]))
        see_through = mask if opacity == 1 else mask.point([int(i * (0.35 + 0.65 * opacity)) for i in range(256)])
        self._alpha.paste(ImageChops.lighter(self._alpha.crop(box), see_through), box[:2])

    def blob(self, x: float, y: float, rx: float, ry: float, paint: Paint, form: Form = "ball", **look: float) -> None:
        """Add an ellipse with centre and radii; a ball unless told otherwise."""
        self.part(ellipse(x, y, rx, ry), paint, form, **look)

    def box(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        paint: Paint,
        radius: float = 0.0,
        form: Form = "flat",
        **look: float,
    ) -> None:
        """Add a rectangle with rounded corners; flat unless told otherwise."""
        self.part(rounded(x0, y0, x1, y1, radius), paint, form, **look)

    def stroke(self, points: Iterable[Point], colour: Rgb, width: float, solid: bool = True) -> None:
        """Add a flat line (a seam, a lace, a stem).

        Args:
            width: in units of the canvas.
            solid: False draws on existing parts alone.
        """
        placed = self._place(list(points))
        thick = max(1, round(width * self._zoom * self.px))
        ImageDraw.Draw(self._image).line(placed, fill=colour, width=thick, joint="curve")
        if solid:
            ImageDraw.Draw(self._alpha).line(placed, fill=255, width=thick, joint="curve")

    def mark(self, outline: Sequence[Point], colour: Rgb) -> None:
        """Paint a flat polygon on existing parts."""
        ImageDraw.Draw(self._image).polygon(self._place(outline), fill=colour)

    def cut_out(self) -> Image.Image:
        """The drawing as RGBA with a transparent background."""
        copy = self._image.copy()
        copy.putalpha(self._alpha)
        return copy

    def _place(self, points: Iterable[Point]) -> list[Point]:
        px = self.px
        return [
            (
                (0.5 + (x - 0.5) * self._cos - (y - 0.5) * self._sin) * px,
                (0.5 + (x - 0.5) * self._sin + (y - 0.5) * self._cos) * px,
            )
            for x, y in points
        ]

    def _bounds(self, points: Sequence[Point]) -> tuple[int, int, int, int] | None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        box = (
            max(0, math.floor(min(xs))),
            max(0, math.floor(min(ys))),
            min(self.px, math.ceil(max(xs)) + 1),
            min(self.px, math.ceil(max(ys)) + 1),
        )
        return box if box[2] - box[0] > 1 and box[3] - box[1] > 1 else None

    def _shade(self, mask: Image.Image, form: Form, relief: float, gloss: float, crease: float) -> Image.Image:
        shade = shading(mask, form, self._light, relief, gloss)
        if crease:
            height, width = shade.shape
            top, left = self.rng.randrange(96 - min(height, 95)), self.rng.randrange(96 - min(width, 95))
            cloth = folds(self.rng.randrange(8))
            shade = shade + cloth[top : top + height, left : left + width] * np.float32(26 * crease)
        return enlarge(shade, mask.size)

    def _lit(self, mask: Image.Image, box: tuple[int, int, int, int], paint: Paint, shade: Image.Image) -> Image.Image:
        albedo = paint.crop(box) if isinstance(paint, Image.Image) else Image.new("RGB", mask.size, paint)
        return ImageChops.hard_light(albedo, Image.merge("RGB", (shade, shade, shade)))

    def _cast(self, mask: Image.Image, box: tuple[int, int, int, int], strength: float) -> None:
        reach = max(2, self.px // 40)
        small = mask.reduce(4) if min(mask.size) >= 16 else mask
        padded = Image.new("L", (small.width + 8, small.height + 8), 0)
        padded.paste(small, (4, 4))
        soft = padded.filter(ImageFilter.BoxBlur(2)).point([int(i * strength) for i in range(256)])
        soft = soft.resize((mask.width + 2 * reach, mask.height + 2 * reach), Image.Resampling.BILINEAR)
        at = (box[0] - reach - round(self._light.x * reach), box[1] - reach - round(self._light.y * reach))
        self._image.paste((12, 10, 14), at, soft)


@lru_cache(maxsize=4)
def _circle(corners: int) -> tuple[Point, ...]:
    return tuple((math.cos(2 * math.pi * i / corners), math.sin(2 * math.pi * i / corners)) for i in range(corners))


def ellipse(x: float, y: float, rx: float, ry: float) -> list[Point]:
    """Outline of an ellipse."""
    return [(x + rx * cos, y + ry * sin) for cos, sin in _circle(40)]


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> list[Point]:
    """Outline of a rectangle with rounded corners."""
    if radius <= 0:
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    radius = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    centres = (
        (x1 - radius, y1 - radius),
        (x0 + radius, y1 - radius),
        (x0 + radius, y0 + radius),
        (x1 - radius, y0 + radius),
    )
    return [
        (cx + radius * cos, cy + radius * sin)
        for quarter, (cx, cy) in enumerate(centres)
        for cos, sin in _circle(24)[quarter * 6 : quarter * 6 + 7]
    ]


def mirrored(right: Sequence[Point], middle: float = 0.5) -> list[Point]:
    """Closed outline from its right half, given as distances from the middle, top to bottom."""
    return [(middle + x, y) for x, y in right] + [(middle - x, y) for x, y in reversed(right)]


def smooth(points: Sequence[Point], steps: int = 5) -> list[Point]:
    """Closed Catmull-Rom curve through the points."""
    knots = np.asarray(points)
    before, after, beyond = (np.roll(knots, shift, axis=0) for shift in (1, -1, -2))
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = before[:, None], knots[:, None], after[:, None], beyond[:, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]


def ribbon(points: Sequence[Point], widths: Sequence[float]) -> list[Point]:
    """Outline of a band along a centre line, with its full width at each point."""
    line = np.asarray(points)
    along = np.gradient(line, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
    side = normal * np.asarray(widths)[:, None] / 2
    return [(float(x), float(y)) for x, y in np.concatenate([line + side, (line - side)[::-1]])]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float, steps: int = 14) -> list[Point]:
    """Points on an ellipse from one angle to another, in degrees, clockwise from the right."""
    angles = [math.radians(start + (end - start) * i / (steps - 1)) for i in range(steps)]
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]
