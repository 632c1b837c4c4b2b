"""Simulated shoppers: each has a taste in categories and colours, and clicks on what agrees with it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streams.events.schema import Event, UserInteraction
from vitrine.samples.catalogue import SampleProduct

INTERACTION_KINDS = ("viewed", "clicked", "liked", "carted", "purchased")
INTERACTION_ODDS = (50, 35, 8, 5, 2)
OFF_TASTE_SHARE = 0.1
"""How often a shopper looks at something out of taste."""


@dataclass(frozen=True, slots=True)
class SimulatedShopper:
    """A person who shops.

    Attributes:
        kinds: sorts of product that they like, as `SampleProduct.kind`.
        colours: colours that they like; none: any.
    """

    user_id: str
    kinds: tuple[str, ...]
    colours: tuple[str, ...]

    def likes(self, product: SampleProduct) -> bool:
        """Whether a product is to their taste."""
        return product.kind in self.kinds and (not self.colours or product.colour in self.colours)


def random_shoppers(products: Sequence[SampleProduct], count: int, seed: int = 0) -> list[SimulatedShopper]:
    """Shoppers whose tastes are drawn from what the catalogue has."""
    random_ = random.Random(seed)
    kinds = sorted({product.kind for product in products})
    colours = sorted({product.colour for product in products})
    return [
        SimulatedShopper(f"shopper-{number:04}", tuple(random_.sample(kinds, 3)), tuple(random_.sample(colours, 4)))
        for number in range(count)
    ]


def _liked(shopper: SimulatedShopper, products: Sequence[SampleProduct]) -> Sequence[SampleProduct]:
    """The products to a shopper's taste; all if none is."""
    return [product for product in products if shopper.likes(product)] or products


def interactions(
    shoppers: Sequence[SimulatedShopper], products: Sequence[SampleProduct], count: int, seed: int = 0
) -> Iterator[Event]:
    """`count` events, one shopper after another at random, each drawn from what that shopper likes.

    Ids depend on the seed alone, so the same stream published twice counts once.
    """
    random_ = random.Random(seed)
    liked = {shopper.user_id: _liked(shopper, products) for shopper in shoppers}
    for number in range(count):
        shopper = random_.choice(shoppers)
        pool = products if random_.random() < OFF_TASTE_SHARE else liked[shopper.user_id]
        (kind,) = random_.choices(INTERACTION_KINDS, INTERACTION_ODDS)
        yield Event(
            id=f"demo-{seed}-{number}",
            source="vitrine/demo",
            type=f"user.{kind}",
            time_ms=int(time.time() * 1000),
            data=UserInteraction(user_id=shopper.user_id, product_id=random_.choice(pool).product_id),
        )
