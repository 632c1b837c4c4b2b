"""The rendered catalogue as training items."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

from PIL import Image

from vitrine.samples.catalogue import SampleProduct, listings, sample_products
from vitrine.samples.catalogue.vocabulary import COLOUR_WORDS, BilingualTerm
from vitrine.samples.drawing.rendering import render
from vitrine.samples.mini.data.item_store import TrainingItem

VIEWS: Final = 4
_MORE_TITLES: Final = 2
LANGUAGES: Final = ("en", "zh")


def rendered_items(
    count: int, side: int, seed: int, *, held_out: bool = False
) -> Iterator[tuple[TrainingItem, Sequence[Image.Image]]]:
    """Render `count` products from the front and in the wild, with their words in both languages."""
    for product in sample_products(count, seed):
        english, chinese = (listing_texts_of(product, lang) for lang in LANGUAGES)
        key = f"rendered-{seed}-{product.product_id}"
        item = TrainingItem(key, 0, english, chinese, appearance_key(product), held_out)
        yield item, [render(product, view=view, size=side) for view in range(VIEWS)]


def listing_texts_of(product: SampleProduct, lang: str) -> list[str]:
    """Title first, then the description, other wordings of the title, a short query, and the listing in a row."""
    rng = random.Random(f"wordings-{lang}-{product.seed}")
    others = [listings.title(product.listing, lang, rng) for _ in range(_MORE_TITLES)]
    return [
        product.title(lang),
        product.description(lang),
        *others,
        _short_query(product, lang, rng),
        _in_a_row(product, lang),
    ]


def appearance_key(product: SampleProduct) -> str:
    """What its words tell of its looks; products equal in this are told apart by details alone."""
    return "/".join((product.kind, product.variety.key, product.colour, product.pattern))


def _in_a_row(product: SampleProduct, lang: str) -> str:
    """Everything that a listing states, the telling parts first: how an index embeds a product."""
    facts = (product.brand, product.category.replace("/", " "), product.colour, product.pattern, product.material)
    return ". ".join(part for part in (product.title(lang), *facts, product.description(lang)) if part)


def _short_query(product: SampleProduct, lang: str, rng: random.Random) -> str:
    listing = product.listing
    words: list[BilingualTerm] = [COLOUR_WORDS[product.colour], listing.variety.word, listing.kind.word]
    names = [rng.choice(word.names(lang)) for word in words]
    return "".join(names) if lang == "zh" else " ".join(name for name in names if name)
