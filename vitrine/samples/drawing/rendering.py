"""Pictures of products: the studio shot of the catalogue, and photos of the same product in the wild.

In the wild a thing lies or stands somewhere, fills a shop's bin as a heap, or a shelf as a row.
"""

from __future__ import annotations

import math
import random

from PIL import Image, ImageFilter

from vitrine.samples.catalogue.kinds import DrawingFamily
from vitrine.samples.catalogue.products import KINDS, SampleProduct
from vitrine.samples.drawing.backgrounds import BACKDROPS, paper
from vitrine.samples.drawing.camera import camera_effects
from vitrine.samples.drawing.heaps import draw_heap, draw_shelf_row
from vitrine.samples.drawing.painting.appearance import appearance_of
from vitrine.samples.drawing.painting.canvas import Canvas
from vitrine.samples.drawing.painting.light import Light
from vitrine.samples.drawing.shapes import SHAPES

Box = tuple[int, int]


def render(product: SampleProduct, view: int = 0, size: int = 256) -> Image.Image:
    """A picture of a product, the same for the same product, view and size.

    Args:
        view: 0 is the studio shot; each greater number another photo of it in the wild.
        size: side in pixels.

    Returns:
        An RGB picture, size × size.

    Raises:
        ValueError: a negative view, or a size below 16.
    """
    if view < 0 or size < 16:
        raise ValueError(f"cannot render view {view} at {size} px: views start at 0, sizes at 16")
    rng = random.Random(f"{product.seed}-{view}")
    if view == 0:
        return studio_scene(product, size, rng)
    return camera_effects(photo_scene(product, KINDS[product.kind].family, size, rng), rng)


def cut_out(
    product: SampleProduct, px: int, rng: random.Random, light: Light, turn: float = 0.0, zoom: float = 1.0
) -> Image.Image:
    """The product alone, RGBA (px, px), without anti-aliasing."""
    canvas = Canvas(px, light, rng, turn, zoom)
    SHAPES[product.kind](appearance_of(product, canvas))
    return canvas.cut_out()


def studio_scene(product: SampleProduct, size: int, rng: random.Random) -> Image.Image:
    """The catalogue's shot (size, size): centred, on seamless paper, under a soft box."""
    light = Light(rng.uniform(-0.6, 0.6), rng.uniform(-0.75, -0.4), rng.uniform(0.85, 1.1))
    drawing = cut_out(product, 2 * size, rng, light, rng.gauss(0, 2), rng.uniform(0.86, 1.0)).reduce(2)
    scene = paper(size, rng)
    drop_shadow(scene, drawing, (0, 0), light, rng.uniform(0.15, 0.4))
    scene.paste(drawing, (0, 0), drawing)
    return scene


def drop_shadow(scene: Image.Image, drawing: Image.Image, at: Box, light: Light, strength: float) -> None:
    """Darken a scene where a cut-out that is placed at `at` keeps the light off."""
    alpha = drawing.getchannel("A")
    small = alpha.reduce(max(1, alpha.width // 48))
    padded = Image.new("L", (small.width + 12, small.height + 12), 0)
    padded.paste(small, (6, 6))
    soft = padded.filter(ImageFilter.GaussianBlur(2)).point([int(i * strength) for i in range(256)])
    scale = alpha.width / small.width
    soft = soft.resize((round(padded.width * scale), round(padded.height * scale)), Image.Resampling.BILINEAR)
    reach = alpha.width * 0.05
    x, y = at[0] - 6 * scale - light.x * reach, at[1] - 6 * scale - light.y * reach
    scene.paste((14, 12, 18), (round(x), round(y)), soft)


def photo_scene(product: SampleProduct, family: DrawingFamily, size: int, rng: random.Random) -> Image.Image:
    """The product in the wild (size, size), before the camera has its say."""
    light = Light(rng.uniform(-0.8, 0.8), rng.uniform(-0.85, 0.1), rng.uniform(0.9, 1.45))
    many = 0.75 if family == "produce" else 0.4 if family == "package" else 0.0
    if rng.random() < many:
        if family == "package":
            return draw_shelf_row(cut_out(product, size, rng, light), size, rng)
        piece = round(rng.uniform(0.24, 0.55) * size)
        return draw_heap(
            [cut_out(product, piece, rng, light, rng.uniform(-180, 180), 0.9) for _ in range(4)], size, rng
        )
    return _alone(product, family, size, rng, light)


def _alone(product: SampleProduct, family: DrawingFamily, size: int, rng: random.Random, light: Light) -> Image.Image:
    scene = rng.choice(BACKDROPS)(size, rng)
    drawing = _tilted(cut_out(product, round(size * 1.25), rng, light), size, rng)
    at = (round(rng.gauss(0, 0.08) * size), round(rng.gauss(0, 0.08) * size))
    drop_shadow(scene, drawing, at, light, rng.uniform(0.35, 0.75))
    scene.paste(drawing, at, drawing)
    return scene


def _tilted(drawing: Image.Image, size: int, rng: random.Random) -> Image.Image:
    """Seen aslant (size, size): turned, scaled, in perspective, by one sampling of the drawing."""
    side = drawing.width
    angle, slack = math.radians(rng.gauss(0, 14)), side * 0.13
    cos, sin = math.cos(angle) * side / 2, math.sin(angle) * side / 2
    quad: list[float] = []
    for x, y in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
        outwards = -rng.uniform(-slack, slack * 0.6)
        quad += [side / 2 + x * cos - y * sin + x * outwards, side / 2 + x * sin + y * cos + y * outwards]
    return drawing.transform((size, size), Image.Transform.QUAD, quad, Image.Resampling.BILINEAR)
