"""Pictures of products: the studio shot of the catalogue, and photos of the same product in the wild."""

from __future__ import annotations

import random

from PIL import Image

from vitrine.samples.catalogue.products import KINDS, SampleProduct
from vitrine.samples.drawing.camera import camera_effects
from vitrine.samples.drawing.scenes import photo_scene, studio_scene


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
