"""What a product looks like before it has a shape: its colours, fabric and the design's own random numbers."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from vitrine.samples.catalogue.products import SampleProduct
from vitrine.samples.catalogue.vocabulary import RGB, Rgb
from vitrine.samples.drawing.painting.canvas import Canvas
from vitrine.samples.drawing.painting.fabrics import accent, fabric, shade

_GLOSS = {"satin": 0.5, "leather": 0.45, "nylon": 0.35, "metal": 0.8, "ceramic": 0.7, "glass": 0.9, "plastic": 0.6}


@dataclass(slots=True)
class Appearance:
    """A canvas, and what to draw on it.

    Attributes:
        rng: the same in every picture of the design; accidents of one picture come from `canvas.rng`.
        colour, second: main colour, and the one that patterns and trims take.
        cloth: the patterned material, as large as the canvas.
        variety: cut or cultivar, a `Variety.key`.
    """

    canvas: Canvas
    rng: random.Random
    colour: Rgb
    second: Rgb
    cloth: Image.Image
    variety: str
    material: str
    kind: str

    @property
    def seam(self) -> Rgb:
        """A line in the cloth: darker, on dark cloth lighter."""
        return shade(self.colour, 0.68 if sum(self.colour) > 150 else 1.3)

    @property
    def gloss(self) -> float:
        """How the material shines, 0 to 1."""
        return _GLOSS.get(self.material, 0.0)

    @property
    def opacity(self) -> float:
        """How much of what is behind it hides, 0 to 1."""
        return 0.6 if self.material == "glass" else 1.0


DrawShape = Callable[[Appearance], None]


def appearance_of(product: SampleProduct, canvas: Canvas) -> Appearance:
    """The look of a product on a canvas."""
    rng = random.Random(f"style-{product.style}")
    colour = RGB[product.colour]
    second = accent(colour, rng)
    cloth = fabric(
        canvas.px, colour, second, product.pattern, product.material, random.Random(f"cloth-{product.style}")
    )
    variety = product.variety.key
    return Appearance(canvas, rng, colour, second, cloth, variety, product.material, product.kind)
