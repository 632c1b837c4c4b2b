"""A catalogue as a training run sees it: listings, pictures, classes, and what is held out for measuring."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from encoders.errors import EncoderError
from encoders.media.preparation import Preparer
from encoders.training.data.listings import TrainingListing, content_hash
from encoders.training.data.pictures import PictureStore, open_pictures

HELD_OUT_SHARE: Final = 0.1
_MOST_HELD_OUT, _LEAST_PASSAGES = 400, 3
_LEAST_PRODUCTS = 4


class NotEnoughProducts(EncoderError):
    """A catalogue without enough products that have text or pictures."""


@dataclass(frozen=True)
class TrainingCatalogue:
    """What is learnt from, and the searches that are measured."""

    listings: list[TrainingListing]
    """Without what is held out."""
    pictures: PictureStore
    classes: list[int]
    """Category of each listing by number; −1 without one, or where it has it alone."""
    categories: list[str]
    queries: list[tuple[str, int]]
    """Held-out texts, each with the row of the listing that it should find."""
    photos: list[tuple[int, int]]
    """Held-out pictures (rows of the store) likewise."""
    version: str
    """Hash over all of the data."""

    def co_viewed_rows(self) -> list[list[int]]:
        """Rows of the listings that the same people looked at, for each."""
        row_of = {listing.product_id: row for row, listing in enumerate(self.listings)}
        return [
            [row_of[product_id] for product_id in listing.co_viewed if product_id in row_of]
            for listing in self.listings
        ]

    def identity_texts(self) -> list[str]:
        """A text for each listing; those with equal ones cannot be told apart by words."""
        return [listing.text.lower() or listing.product_id for listing in self.listings]


def prepare_catalogue(listings: Sequence[TrainingListing], preparer: Preparer, directory: Path) -> TrainingCatalogue:
    """Decode pictures, number categories, and set aside a tenth of the products' further texts and pictures.

    Products stay in training with the rest of what they have: what is measured is whether a text or a picture of a
    product that was never seen finds it.

    Raises:
        NotEnoughProducts: fewer than four products have text or pictures.
    """
    usable = [listing for listing in listings if listing.passages or listing.pictures]
    if len(usable) < _LEAST_PRODUCTS:
        raise NotEnoughProducts(
            f"{len(usable)} of {len(listings)} products have text or pictures; {_LEAST_PRODUCTS} must"
        )
    pictures = open_pictures(usable, preparer, directory)
    kept, queries = _without_held_out_texts(usable)
    photos = _hold_out_pictures(kept, pictures)
    classes, categories = _classes(kept)
    return TrainingCatalogue(kept, pictures, classes, categories, queries, photos, content_hash(listings))


def _draw(product_id: str) -> float:
    return hashlib.sha256(product_id.encode()).digest()[0] / 256


def _without_held_out_texts(listings: Sequence[TrainingListing]) -> tuple[list[TrainingListing], list[tuple[str, int]]]:
    counts = Counter(passage.lower() for listing in listings for passage in listing.passages)
    kept: list[TrainingListing] = []
    queries: list[tuple[str, int]] = []
    for row, listing in enumerate(listings):
        held = _draw(listing.product_id) < HELD_OUT_SHARE and len(queries) < _MOST_HELD_OUT
        if held and len(listing.queries) > 1:
            queries.append((listing.queries[-1], row))
            rest = tuple(query for query in listing.queries if query != listing.queries[-1])
            listing = replace(listing, queries=rest)
        elif held and len(listing.passages) >= _LEAST_PASSAGES:
            # What other products say too asks for none of them in particular.
            own = [passage for passage in listing.passages[2:] if counts[passage.lower()] == 1]
            if own:
                longest = max(own, key=len)
                queries.append((longest, row))
                listing = replace(
                    listing, passages=tuple(passage for passage in listing.passages if passage != longest)
                )
        kept.append(listing)
    return kept, queries


def _hold_out_pictures(listings: Sequence[TrainingListing], pictures: PictureStore) -> list[tuple[int, int]]:
    """Take some pictures beside main ones out of the store's rows; a sole one where there is a text to find."""
    held: list[tuple[int, int]] = []
    for row, listing in enumerate(listings):
        own = pictures.rows[row]
        choice = own[1:] if len(own) > 1 else own if listing.text else []
        chosen = [picture for picture in choice if _draw(f"{listing.product_id} {own.index(picture)}") < HELD_OUT_SHARE]
        taken = chosen[: max(0, _MOST_HELD_OUT - len(held))]
        held += [(picture, row) for picture in taken]
        pictures.rows[row] = [picture for picture in own if picture not in taken]
    return held


def _classes(listings: Sequence[TrainingListing]) -> tuple[list[int], list[str]]:
    counts: dict[str, int] = {}
    for listing in listings:
        if listing.category:
            counts[listing.category] = counts.get(listing.category, 0) + 1
    categories = sorted(name for name, count in counts.items() if count > 1)
    numbers = {name: number for number, name in enumerate(categories)}
    return [numbers.get(listing.category, -1) for listing in listings], categories
