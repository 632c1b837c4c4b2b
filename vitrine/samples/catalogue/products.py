"""Products of the rendered catalogue: a deterministic sample of kinds, brands, looks and prices."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vitrine.samples.catalogue import listings
from vitrine.samples.catalogue.garments import GARMENTS
from vitrine.samples.catalogue.groceries import GROCERIES
from vitrine.samples.catalogue.home_and_leisure import THINGS
from vitrine.samples.catalogue.kinds import ProductKind, ProductVariety
from vitrine.samples.catalogue.vocabulary import BRANDS, GROWERS

KINDS: dict[str, ProductKind] = {kind.key: kind for kind in GARMENTS + THINGS + GROCERIES}
_VARIANTS_BITS = 6
_FIRST_DAY = datetime(2025, 1, 6, tzinfo=UTC)
_CHINESE_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class SampleProduct:
    """A product that does not exist, with everything that a shop knows of one.

    Attributes:
        kind: key in `KINDS`.
        colour, pattern, material: English keys; material is empty for groceries.
        price: in euros.
        category: path such as `Women/Tops/Hoodies`.
        lang: the language of its listing, `en` or `zh`.
        group_id: shared by the same design in other colours.
        seed: drives picture and wording.
    """

    product_id: str
    kind: str
    colour: str
    pattern: str
    material: str
    brand: str
    price: float
    rating: float
    rating_count: int
    in_stock: bool
    category: str
    lang: str
    group_id: str
    seed: int

    @property
    def style(self) -> int:
        """The design's own seed: what its colour variants share."""
        return self.seed >> _VARIANTS_BITS

    @property
    def variety(self) -> ProductVariety:
        """Its cut or cultivar."""
        return variety_of(KINDS[self.kind], self.style)

    @property
    def listing(self) -> listings.ListingFacts:
        """What its title and description tell."""
        return listings.ListingFacts(
            KINDS[self.kind], self.variety, self.colour, self.pattern, self.material, self.brand, self.category
        )

    def title(self, lang: str) -> str:
        """Title in `en` or `zh`; the wording varies with the seed."""
        return listings.title(self.listing, lang, random.Random(f"title-{lang}-{self.seed}"))

    def description(self, lang: str) -> str:
        """Two to four sentences in `en` or `zh`, in synonyms of the title's words."""
        return listings.description(self.listing, lang, random.Random(f"description-{lang}-{self.seed}"))

    def event_data(self) -> dict[str, object]:
        """Fields of a `product.created` event as JSON values, in its language, without pictures."""
        facts = {
            "colour": self.colour,
            "pattern": "" if self.listing.is_food else self.pattern,
            "material": self.material,
        }
        return {
            "product_id": self.product_id,
            "title": self.title(self.lang),
            "description": self.description(self.lang),
            "lang": self.lang,
            "category": self.category,
            "brand": self.brand,
            "price": self.price,
            "currency": "EUR",
            "in_stock": self.in_stock,
            "attributes": {name: value for name, value in facts.items() if value},
            "tags": listings.tags(self.listing),
            "rating": self.rating,
            "rating_count": self.rating_count,
            "created_at": (_FIRST_DAY + timedelta(hours=self.seed % 15_000)).isoformat(),
            "group_id": self.group_id,
        }


def variety_of(kind: ProductKind, style: int) -> ProductVariety:
    """The cut or cultivar that a design has."""
    return kind.varieties[style % len(kind.varieties)]


def sample_products(count: int, seed: int = 0) -> list[SampleProduct]:
    """A catalogue of `count` products, kinds in equal shares, the same for the same seed."""
    rng = random.Random(f"catalogue-{seed}")
    products: list[SampleProduct] = []
    for kind in _shuffled_kinds(rng):
        for product in _design(kind, rng, len(products), f"{seed}-{len(products)}"):
            if len(products) == count:
                return products
            products.append(product)
    raise AssertionError("rounds of kinds never end")


def _shuffled_kinds(rng: random.Random) -> Iterator[ProductKind]:
    kinds = list(KINDS.values())
    while True:
        rng.shuffle(kinds)
        yield from kinds


def _design(kind: ProductKind, rng: random.Random, first: int, group: str) -> Iterator[SampleProduct]:
    style = rng.getrandbits(40)
    variety = variety_of(kind, style)
    colours = [variety.colour] if variety.colour else _distinct(kind.colours, rng, rng.choice((1, 1, 1, 2, 2, 3)))
    brand = rng.choice(BRANDS if kind.family in ("garment", "thing") else GROWERS)[0]
    category = kind.category.format(who=rng.choice(listings.audiences(kind.key)))
    material = rng.choice(kind.materials)
    pattern = rng.choice(kind.patterns)
    price = _price(kind, rng)
    lang = "zh" if rng.random() < _CHINESE_SHARE else "en"
    for variant, colour in enumerate(colours):
        yield SampleProduct(
            product_id=f"demo-{first + variant:06d}",
            kind=kind.key,
            colour=colour,
            pattern=pattern,
            material=material,
            brand=brand,
            price=price,
            rating=round(min(5.0, max(1.0, rng.gauss(4.1, 0.6))), 1),
            rating_count=int(rng.paretovariate(0.8)),
            in_stock=rng.random() > 0.08,
            category=category,
            lang=lang,
            group_id=f"group-{group}",
            seed=(style << _VARIANTS_BITS) + variant,
        )


def _distinct(colours: tuple[str, ...], rng: random.Random, count: int) -> list[str]:
    return rng.sample(sorted(set(colours)), min(count, len(set(colours))))


def _price(kind: ProductKind, rng: random.Random) -> float:
    low, high = kind.price
    price = low * (high / low) ** rng.random()
    return round(price, 2) if kind.family in ("produce", "package") else round(price) - 0.05
