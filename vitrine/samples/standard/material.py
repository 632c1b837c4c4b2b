"""All that the projections learn from, as features of the frozen towers. Groceries and judged photos are never read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image
from torch import Tensor
from torchvision.models import EfficientNet_B0_Weights

from vitrine.samples.catalogue import SampleProduct, sample_products
from vitrine.samples.mini.data.real_shops import clothing_photos, is_held_out, read_products
from vitrine.samples.mini.data.rendered import LANGUAGES, listing_texts_of
from vitrine.samples.standard.text_map import BilingualTexts
from vitrine.samples.standard.towers import FrozenTowers

RENDERED_SEED: Final = 1
_NO_KIND: Final = ("Not sure", "Other", "Skip")
"""Labels of amateur photos that say nothing."""
_TITLE, _SHORT, _LISTING = 0, -2, -1
"""Where `listing_texts_of` has them."""


@dataclass(frozen=True)
class RealPhotos:
    """Real shops' products that are learnt from, and amateur photos, before texts are projected."""

    features: Tensor
    """(photos, 1280) of products' photos."""
    product: Tensor
    """(photos,) int64: whose."""
    words: Tensor
    """(3, products, 384): titles as queries, titles with categories as queries, and as listings."""
    amateur: Tensor
    """(photos, 1280) of amateurs' photos."""
    label: Tensor
    """(photos,) int64."""
    labels: Tensor
    """(labels, 384): their names as queries."""


def class_names(towers: FrozenTowers) -> Tensor:
    """ImageNet's class names as queries (1000, 384), in the classifier's order."""
    return towers.texts(EfficientNet_B0_Weights.DEFAULT.meta["categories"], "query")


def bilingual_texts(towers: FrozenTowers, count: int) -> BilingualTexts:
    """The words of rendered products in both languages."""
    products = list(sample_products(count, RENDERED_SEED))
    wordings = {lang: [listing_texts_of(product, lang) for product in products] for lang in LANGUAGES}

    def embedded(place: int, kind: str) -> tuple[Tensor, Tensor]:
        english, chinese = (towers.texts([texts[place] for texts in wordings[lang]], kind) for lang in LANGUAGES)
        return english, chinese

    kinds = [_short_words(product) for product in products]
    alike = torch.tensor([[row_kind == other for other in kinds] for row_kind in kinds])
    return BilingualTexts(embedded(_SHORT, "query"), embedded(_TITLE, "query"), embedded(_LISTING, "document"), alike)


def real_photos(towers: FrozenTowers, data: Path) -> RealPhotos:
    """Photos of real products that are not held out, and amateur photos with a label."""
    products = [product for product in read_products(data) if not is_held_out(product["id"])]
    paths = [(number, path) for number, product in enumerate(products) for path in product["images"]]
    amateur = [(path, label) for path, label in clothing_photos(data) if label not in _NO_KIND]
    labels = sorted({label for _, label in amateur})
    return RealPhotos(
        towers.pictures(_opened(data / path) for _, path in paths),
        torch.tensor([number for number, _ in paths]),
        _words(towers, products),
        towers.pictures(_opened(data / path) for path, _ in amateur),
        torch.tensor([labels.index(label) for _, label in amateur]),
        towers.texts([label.lower() for label in labels], "query"),
    )


def titled(product: dict[str, Any]) -> str:
    """A real product's title and category, as somebody would search for it."""
    category = (product.get("category") or "").replace("/", " ")
    return f"{product['title']}, {category}" if category else product["title"]


def _words(towers: FrozenTowers, products: Sequence[dict[str, Any]]) -> Tensor:
    whole = [". ".join((titled(product), product.get("description") or ""))[:400] for product in products]
    titles, kinds = [product["title"] for product in products], [titled(product) for product in products]
    return torch.stack([towers.texts(titles, "query"), towers.texts(kinds, "query"), towers.texts(whole, "document")])


def _short_words(product: SampleProduct) -> tuple[str, str, str]:
    """What a short query says of it."""
    return product.kind, product.variety.key, product.colour


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
