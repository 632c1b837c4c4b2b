"""Many of one product, as shops show them: heaps in bins, rows on shelves, with price tags."""

from __future__ import annotations

import random
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from vitrine.samples.catalogue.vocabulary import Rgb
from vitrine.samples.drawing.painting.fabrics import shade

_BINS: tuple[Rgb, ...] = ((104, 74, 48), (40, 42, 44), (150, 110, 70), (60, 84, 62), (186, 186, 182), (74, 60, 50))


def draw_heap(drawings: Sequence[Image.Image], size: int, rng: random.Random) -> Image.Image:
    """A heap (size, size) of one sort of produce that fills most of the picture.

    Args:
        drawings: a few cut-outs of single pieces at the size they have in the picture, RGBA.
    """
    scene = Image.new("RGB", (size, size), shade(rng.choice(_BINS), 0.4))
    stamps = [stamp for drawing in drawings for stamp in _stamps(drawing, rng)]
    step = drawings[0].width * rng.uniform(0.5, 0.66)
    _strew(scene, stamps, step * 1.3, 0.55, rng)
    _strew(scene, stamps, step, 1.0, rng)
    if rng.random() < 0.6:
        _edge(scene, rng)
    if rng.random() < 0.45:
        draw_price_tag(scene, rng)
    return scene


def draw_shelf_row(drawing: Image.Image, size: int, rng: random.Random) -> Image.Image:
    """Rows (size, size) of one packaged product on shelves.

    Args:
        drawing: cut-out of the pack, RGBA.
    """
    scene = Image.new("RGB", (size, size), (46, 44, 44))
    pack = round(rng.uniform(0.4, 0.75) * size)
    box = drawing.getchannel("A").getbbox() or (0, 0, *drawing.size)
    stamp = drawing.crop(box)
    stamp = stamp.resize((max(1, round(pack * stamp.width / stamp.height)), pack), Image.Resampling.BILINEAR)
    bottom = rng.uniform(0.7, 1.1) * size
    for row in range(3):
        base = bottom - row * pack * 1.18
        _board(scene, base, rng)
        x = -rng.random() * stamp.width
        while x < size:
            darker = ImageEnhance.Brightness(stamp).enhance(rng.uniform(0.75, 1.05))
            scene.paste(darker, (round(x), round(base - pack)), darker)
            x += stamp.width * rng.uniform(0.98, 1.08)
    if rng.random() < 0.5:
        draw_price_tag(scene, rng)
    return scene


def _strew(scene: Image.Image, stamps: Sequence[Image.Image], step: float, layer: float, rng: random.Random) -> None:
    """One layer of the heap; lower ones (below 1) lie in the dark."""
    pieces = stamps if layer == 1 else [ImageEnhance.Brightness(stamp).enhance(layer) for stamp in stamps]
    margin = pieces[0].width / 2
    for row in range(int(scene.width / step) + 3):
        for column in range(int(scene.width / step) + 3):
            x = (column - 0.8 + (row % 2) * 0.5 + rng.uniform(-0.25, 0.25)) * step - margin
            y = (row - 0.8 + rng.uniform(-0.25, 0.25)) * step - margin
            piece = rng.choice(pieces)
            scene.paste(piece, (round(x), round(y)), piece)


def _stamps(drawing: Image.Image, rng: random.Random) -> list[Image.Image]:
    """A piece as it is and mirrored, lit unevenly, each in the dark gap that surrounds it in a heap."""
    flipped = drawing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return [_grounded(ImageEnhance.Brightness(side).enhance(rng.uniform(0.8, 1.08))) for side in (drawing, flipped)]


def _grounded(piece: Image.Image) -> Image.Image:
    """A cut-out over its own soft shadow."""
    alpha = piece.getchannel("A")
    halo = alpha.filter(ImageFilter.BoxBlur(max(1, piece.width // 14))).point(
        [min(200, int(i * 0.9)) for i in range(256)]
    )
    ground = Image.new("RGBA", piece.size, (16, 12, 10, 0))
    ground.putalpha(halo)
    ground.alpha_composite(piece)
    return ground


def _edge(scene: Image.Image, rng: random.Random) -> None:
    """A side of the bin, across a border of the picture."""
    size, colour = scene.width, rng.choice(_BINS)
    draw, reach, slant = ImageDraw.Draw(scene), rng.uniform(0.05, 0.22) * size, rng.uniform(-0.1, 0.1) * size
    if rng.random() < 0.5:
        draw.polygon([(0, size), (0, size - reach), (size, size - reach + slant), (size, size)], fill=colour)
        draw.line([(0, size - reach), (size, size - reach + slant)], fill=shade(colour, 1.4), width=max(1, size // 64))
    else:
        draw.polygon([(0, 0), (reach, 0), (reach + slant, size), (0, size)], fill=colour)
        draw.line([(reach, 0), (reach + slant, size)], fill=shade(colour, 1.4), width=max(1, size // 64))


def _board(scene: Image.Image, y: float, rng: random.Random) -> None:
    size, colour = scene.width, rng.choice(((206, 206, 204), (150, 150, 152), (236, 232, 226), (90, 90, 92)))
    ImageDraw.Draw(scene).rectangle((0, y, size, y + size * 0.07), fill=colour)
    ImageDraw.Draw(scene).line((0, y, size, y), fill=shade(colour, 1.5), width=max(1, size // 128))


def draw_price_tag(scene: Image.Image, rng: random.Random) -> None:
    """A tag with lines of print and a price in large figures."""
    size, draw = scene.width, ImageDraw.Draw(scene)
    w, h = size * rng.uniform(0.18, 0.36), size * rng.uniform(0.1, 0.18)
    x, y = rng.uniform(-0.1, 0.85) * size, rng.choice((rng.uniform(0, 0.1), rng.uniform(0.75, 0.95))) * size
    draw.rectangle(
        (x, y, x + w, y + h), fill=rng.choice(((250, 250, 246), (250, 220, 60), (238, 238, 240), (252, 252, 252)))
    )
    for line in range(2):
        top = y + h * (0.12 + 0.18 * line)
        draw.rectangle((x + w * 0.06, top, x + w * rng.uniform(0.3, 0.6), top + h * 0.08), fill=(60, 60, 64))
    for digit in range(rng.randint(2, 4)):
        left = x + w * (0.42 + 0.14 * digit)
        draw.rectangle(
            (left, y + h * 0.45, left + w * 0.1, y + h * 0.9), outline=(30, 30, 34), width=max(1, round(w * 0.03))
        )
