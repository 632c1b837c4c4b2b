"""What shoppers would type to find products of the rendered catalogue, in English and in Chinese alike.

A query names a kind and one or two of its traits, in any of their names and in either order. Right are all products
that have them, whatever the language of their listing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vitrine.samples.catalogue.listings import AUDIENCE_EN, AUDIENCE_ZH, ListingFacts
from vitrine.samples.catalogue.products import SampleProduct
from vitrine.samples.catalogue.vocabulary import BRAND_ZH, COLOUR_WORDS, MATERIAL_WORDS, PATTERN_WORDS, BilingualTerm

LANGUAGES: Final = ("en", "zh")
_TRAITS: Mapping[str, Callable[[ListingFacts], str]] = {
    "brand": lambda facts: facts.brand,
    "colour": lambda facts: facts.colour,
    "material": lambda facts: facts.material,
    "pattern": lambda facts: facts.pattern,
    "variety": lambda facts: facts.variety.word.key,
    "who": lambda facts: facts.audience,
}
"""A trait's value by its name; empty where a product has none."""
_ASKED: Final = (
    ("colour",),
    ("colour",),
    ("material",),
    ("pattern",),
    ("variety",),
    ("brand",),
    ("who", "colour"),
    ("colour", "material"),
    ("brand", "colour"),
)
_ASKED_OF_FOOD: Final = (("variety",), ("brand",), ("brand", "variety"))
_ROUNDS = 5
"""How often the catalogue is gone through, each time asking for other traits."""


@dataclass(frozen=True, slots=True)
class BilingualQuery:
    """One wish in two languages.

    Attributes:
        texts: what is typed, by language.
        relevant: ids of the products that are right.
    """

    texts: Mapping[str, str]
    relevant: frozenset[str]


def bilingual_queries(catalogue: Sequence[SampleProduct], count: int, seed: int = 0) -> list[BilingualQuery]:
    """Distinct wishes that the catalogue can fulfil; the same ones for the same seed.

    Raises:
        ValueError: the catalogue is too small for so many.
    """
    rng = random.Random(f"queries-{seed}")
    listings = {product.product_id: product.listing for product in catalogue}
    queries: dict[tuple[str, ...], BilingualQuery] = {}
    for facts in _shuffled_rounds(list(listings.values()), rng):
        trait_names = rng.choice(_ASKED_OF_FOOD if facts.is_food else _ASKED)
        traits = _query_traits(facts, trait_names)
        # A plain look goes without saying.
        if traits not in queries and all(traits) and "plain" not in traits:
            relevant = frozenset(
                product_id for product_id, listing in listings.items() if _query_traits(listing, trait_names) == traits
            )
            queries[traits] = BilingualQuery(
                {lang: _query_text(facts, trait_names, lang, rng) for lang in LANGUAGES}, relevant
            )
        if len(queries) == count:
            return list(queries.values())
    raise ValueError(f"{len(catalogue)} products are too few for {count} queries")


def _shuffled_rounds(listings: Sequence[ListingFacts], rng: random.Random) -> Iterator[ListingFacts]:
    for _ in range(_ROUNDS):
        yield from rng.sample(listings, len(listings))


def _query_traits(facts: ListingFacts, trait_names: Sequence[str]) -> tuple[str, ...]:
    """What is asked for: the kind and the values of the traits."""
    return (facts.kind.key, *(_TRAITS[name](facts) for name in trait_names))


def _query_text(facts: ListingFacts, trait_names: Sequence[str], lang: str, rng: random.Random) -> str:
    """Traits before or after the kind; Chinese with blanks or without."""
    kind = _name(facts.kind.word, lang, rng)
    traits = [name for name in (_trait(facts, trait, lang, rng) for trait in trait_names) if name not in kind]
    words = [*traits, kind] if rng.random() < 0.7 else [kind, *traits]
    return ("" if lang == "zh" and rng.random() < 0.5 else " ").join(words)


def _trait(facts: ListingFacts, trait: str, lang: str, rng: random.Random) -> str:
    if trait == "brand":
        return BRAND_ZH[facts.brand] if lang == "zh" else facts.brand
    if trait == "who":
        return (AUDIENCE_ZH if lang == "zh" else AUDIENCE_EN)[facts.audience]
    if trait == "variety":
        return _name(facts.variety.word, lang, rng)
    words = {"colour": COLOUR_WORDS, "material": MATERIAL_WORDS, "pattern": PATTERN_WORDS}[trait]
    return _name(words[_TRAITS[trait](facts)], lang, rng)


def _name(word: BilingualTerm, lang: str, rng: random.Random) -> str:
    """The usual name half of the time, else any of them."""
    names = word.names(lang)
    return names[0] if rng.random() < 0.5 else rng.choice(names)
