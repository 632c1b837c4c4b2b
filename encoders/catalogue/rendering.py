"""Pictures of products: the studio shot of the catalogue, and photos of the same product in the wild."""

from __future__ import annotations

import random

from PIL import Image

from encoders.catalogue.camera import photograph
from encoders.catalogue.products import KINDS, RenderedProduct
from encoders.catalogue.scenes import snapshot, studio


def render(product: RenderedProduct, view: int = 0, size: int = 256) -> Image.Image:
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
        return studio(product, size, rng)
    return photograph(snapshot(product, KINDS[product.kind].family, size, rng), rng)
