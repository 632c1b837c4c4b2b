"""Things that look like goods, at random: an endless supply of shapes, colours and markings on a clear ground.

They carry no words. They teach the picture tower that the same thing alone on white, in a pile, or in a hand on
a cluttered shelf is the same thing, and that its colours, markings and outline are what tells it from others.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
_OVERSAMPLING = 2


def draw_random_sprite(rng: np.random.Generator, side: int) -> Image.Image:
    """Draw one thing: RGBA, at most `side` × `side` pixels, clear around its outline."""
    draw = _draw_package if rng.random() < 0.4 else _draw_organic
    sprite = draw(rng, side * _OVERSAMPLING)
    return sprite.resize((max(1, sprite.width // _OVERSAMPLING), max(1, sprite.height // _OVERSAMPLING)))


def random_colour(rng: np.random.Generator) -> Colour:
    """A colour as goods have them: any hue, mostly saturated, also pale, grey and near black."""
    saturation = float(rng.beta(2.0, 1.2)) if rng.random() < 0.8 else float(rng.uniform(0, 0.2))
    red, green, blue = colorsys.hsv_to_rgb(float(rng.random()), saturation, float(rng.beta(2.5, 1.3)))
    return int(red * 255), int(green * 255), int(blue * 255)


def _near(colour: Colour, rng: np.random.Generator, spread: float) -> Colour:
    shifted = np.clip(np.asarray(colour) + rng.normal(0, spread, 3), 0, 255).astype(int)
    return int(shifted[0]), int(shifted[1]), int(shifted[2])


def _draw_organic(rng: np.random.Generator, side: int) -> Image.Image:
    """Fruit, vegetables, balls, stones: one or a few rounded bodies, shaded, blushed and speckled."""
    colours = _palette(rng)
    stretch = float(rng.choice([1.0, 1.0, 1.3, 1.8, 3.0]) * rng.uniform(0.9, 1.15))
    wobble = _wobble(rng)
    count = int(rng.choice([1, 1, 1, 2, 3]))
    canvas = Image.new("RGBA", (side, side))
    length = side if count == 1 else int(side * 0.62)
    for _ in range(count):
        body = _body(rng, length, stretch, wobble, colours)
        left, top = (int(rng.integers(0, max(1, side - extent + 1))) for extent in body.size)
        canvas.alpha_composite(body, (left, top))
    return canvas.crop(canvas.getbbox() or (0, 0, side, side))


def _palette(rng: np.random.Generator) -> list[Colour]:
    base = random_colour(rng)
    second = random_colour(rng) if rng.random() < 0.4 else _near(base, rng, 35)
    return [base, second, _near(base, rng, 60)]


def _wobble(rng: np.random.Generator) -> NDArray[np.float64]:
    """Outline radius at 72 angles: a circle with a few low waves, and sometimes a waist like a pear's."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones(72)
    for wave in range(2, 6):
        radius += rng.normal(0, 0.05 / wave**0.5) * np.cos(wave * angles + rng.uniform(0, 6.28))
    if rng.random() < 0.25:
        radius -= rng.uniform(0.1, 0.35) * np.maximum(0, -np.sin(angles)) ** 2
    return radius / radius.max()


def _body(
    rng: np.random.Generator, side: int, stretch: float, wobble: NDArray[np.float64], colours: list[Colour]
) -> Image.Image:
    angles = np.linspace(0, 2 * np.pi, len(wobble), endpoint=False)
    half = side / 2
    outline = [
        (half + half * r * np.cos(a), half + half / stretch * r * np.sin(a))
        for a, r in zip(angles, wobble, strict=True)
    ]
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    body = Image.fromarray(_skin(rng, side, colours))
    body.putalpha(mask)
    body = body.rotate(float(rng.uniform(0, 360)), expand=True, resample=Image.Resampling.BILINEAR)
    return body.crop(body.getbbox()).resize((side, side)) if rng.random() < 0.1 else _fit(body, side)


def _fit(image: Image.Image, side: int) -> Image.Image:
    image = image.crop(image.getbbox() or (0, 0, *image.size))
    scale = side / max(image.size)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))


def _skin(rng: np.random.Generator, side: int, colours: list[Colour]) -> NDArray[np.uint8]:
    """Shaded surface (side, side, 3): a blush between two colours, speckles or stripes, light from above."""
    grid = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = np.meshgrid(grid, grid)
    base, second, mark = (np.asarray(colour, np.float32) for colour in colours)
    direction = rng.uniform(0, 2 * np.pi)
    blush = 1 / (1 + np.exp(-rng.uniform(2, 8) * (x * np.cos(direction) + y * np.sin(direction) + rng.normal(0, 0.4))))
    skin = base + (second - base) * blush[..., None]
    pattern = _markings(rng, x, y)
    skin = skin + (mark - skin) * pattern[..., None]
    light = 1.05 - rng.uniform(0.2, 0.6) * ((x - 0.2) ** 2 + (y + 0.3) ** 2)
    gloss = rng.uniform(0, 120) * np.exp(-((x + 0.3) ** 2 + (y + 0.4) ** 2) / rng.uniform(0.02, 0.2))
    return np.clip(skin * light[..., None] + gloss[..., None], 0, 255).astype(np.uint8)


def _markings(rng: np.random.Generator, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    kind = rng.random()
    if kind < 0.4:
        return np.zeros_like(x)
    if kind < 0.7:
        coarse = rng.random((int(rng.integers(6, 30)),) * 2).astype(np.float32)
        noise = np.asarray(Image.fromarray(coarse).resize(x.shape, Image.Resampling.BICUBIC))
        return np.asarray(np.clip((noise - rng.uniform(0.5, 0.75)) * 6, 0, 1) * rng.uniform(0.4, 1), np.float32)
    angle, waves = rng.uniform(0, np.pi), rng.uniform(4, 22)
    stripes = np.sin((x * np.cos(angle) + y * np.sin(angle)) * waves + rng.normal(0, 0.3))
    return np.asarray(np.clip(stripes * 3, 0, 1) * rng.uniform(0.3, 1), np.float32)


def _draw_package(rng: np.random.Generator, side: int) -> Image.Image:
    """Cartons, bottles, boxes, tins: an upright front with bands, panels, a picture and lines of print."""
    width = int(side * rng.uniform(0.35, 0.95))
    front = Image.new(
        "RGBA", (width, side), random_colour(rng) if rng.random() < 0.55 else _near((240, 240, 238), rng, 8)
    )
    draw = ImageDraw.Draw(front)
    inks = [random_colour(rng) for _ in range(3)]
    for _ in range(int(rng.integers(1, 5))):
        _panel(rng, draw, width, side, inks)
    for _ in range(int(rng.integers(2, 7))):
        _print(rng, draw, width, side, inks)
    front.putalpha(_pack_outline(rng, width, side))
    return _shaded(rng, front)


def _panel(rng: np.random.Generator, draw: ImageDraw.ImageDraw, width: int, height: int, inks: list[Colour]) -> None:
    ink = inks[int(rng.integers(len(inks)))]
    top, left = rng.uniform(-0.1, 0.9) * height, rng.uniform(-0.2, 0.7) * width
    tall, wide = rng.uniform(0.08, 0.5) * height, rng.uniform(0.3, 1.1) * width
    kind = rng.random()
    if kind < 0.4:
        draw.rectangle((0, top, width, top + tall), fill=ink)
    elif kind < 0.75:
        draw.ellipse((left, top, left + wide, top + wide), fill=ink)
    else:
        draw.polygon([(left, top), (left + wide, top + tall / 2), (left + wide / 3, top + tall)], fill=ink)


def _print(rng: np.random.Generator, draw: ImageDraw.ImageDraw, width: int, height: int, inks: list[Colour]) -> None:
    ink = [*inks, (20, 20, 25), (250, 250, 250)][int(rng.integers(len(inks) + 2))]
    tall = max(2.0, rng.uniform(0.015, 0.11) * height)
    x, y = rng.uniform(0.05, 0.4) * width, rng.uniform(0.05, 0.9) * height
    end = width * rng.uniform(0.5, 0.95)
    while x < end:
        wide = tall * rng.uniform(0.3, 0.9)
        draw.rectangle((x, y, x + wide, y + tall), fill=ink)
        x += wide + tall * rng.uniform(0.15, 0.5)


def _pack_outline(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    kind = rng.random()
    if kind < 0.35:
        draw.rectangle((0, 0, width, height), fill=255)
    elif kind < 0.65:
        shoulder = height * rng.uniform(0.08, 0.2)
        inset = width * rng.uniform(0.05, 0.3)
        draw.polygon(
            [(0, shoulder), (inset, 0), (width - inset, 0), (width, shoulder), (width, height), (0, height)], 255
        )
    else:
        draw.rounded_rectangle((0, 0, width - 1, height - 1), radius=width * rng.uniform(0.1, 0.5), fill=255)
    return mask


def _shaded(rng: np.random.Generator, front: Image.Image) -> Image.Image:
    side_light = np.linspace(rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.1), front.width)
    levels = np.array(front.filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    levels[..., :3] *= side_light[None, :, None]
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
