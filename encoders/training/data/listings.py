"""What a shop knows of its products, as training material; free of torch."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

_SENTENCE: Final = re.compile(r"(?<=[.!?。！？;；])\s+|\n+|(?<=[。！？；])|\s•\s")
_SHORTEST_PASSAGE, _MOST_PASSAGES, _LONGEST_PASSAGE = 4, 24, 300
"""Characters, passages a product, characters."""
_MAX_CO_VIEWED: Final = 20
"""Other products that are kept of those that were looked at together with one."""


@dataclass(frozen=True)
class TrainingListing:
    """One product, as it is learnt from."""

    product_id: str
    text: str
    """What the index embeds; empty where there is none."""
    passages: tuple[str, ...] = ()
    """The title, then other texts about the product: brand and category, attributes, sentences of the description."""
    category: str = ""
    pictures: tuple[bytes, ...] = ()
    """Files, the main picture first."""
    queries: tuple[str, ...] = ()
    """What shoppers searched for who then chose it; one that was typed more often may be there more often."""
    co_viewed: tuple[str, ...] = ()
    """Ids of products that the same people looked at."""


def make_listing(fields: Mapping[str, Any], text: str, pictures: Sequence[bytes] = ()) -> TrainingListing:
    """The listing of a product.

    Args:
        fields: the product's fields that are not null, as a `product.created` event has them.
        text: what the index embeds of it.
        pictures: its picture files, the main one first.
    """
    title = " ".join((fields.get("title") or "").split())
    category = fields.get("category") or ""
    attributes = [_joined(value) for value in (fields.get("attributes") or {}).values()]
    leaf = category.rpartition("/")[2]
    facts = " ".join(part for part in (fields.get("brand") or "", *attributes[:4], leaf) if part)
    sentences = _SENTENCE.split(fields.get("description") or "")
    passages = [title, facts, *sentences, *map(str, fields.get("tags") or ())]
    kept = [
        " ".join(passage.split())[:_LONGEST_PASSAGE]
        for passage in passages
        if len(passage.strip()) >= _SHORTEST_PASSAGE
    ]
    distinct = tuple(dict.fromkeys(kept))[:_MOST_PASSAGES]
    return TrainingListing(str(fields["product_id"]), text, distinct, category, tuple(pictures))


def with_clicks(
    listings: Sequence[TrainingListing], choices: Iterable[tuple[str, Sequence[str]]]
) -> list[TrainingListing]:
    """The listings with what shoppers searched for before they chose them, and with what was chosen besides.

    Args:
        listings: the catalogue.
        choices: a query, which may be empty, and the ids of the products that were chosen after it.
    """
    queries: defaultdict[str, list[str]] = defaultdict(list)
    chosen_together: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for query, product_ids in choices:
        for product_id in product_ids:
            if query:
                queries[product_id].append(query)
            chosen_together[product_id].update(companion for companion in product_ids if companion != product_id)
    return [
        replace(
            listing,
            queries=tuple(queries[listing.product_id]),
            co_viewed=tuple(
                product_id for product_id, _ in chosen_together[listing.product_id].most_common(_MAX_CO_VIEWED)
            ),
        )
        for listing in listings
    ]


def content_hash(listings: Iterable[TrainingListing]) -> str:
    """The data's version: a hash over all that is learnt from, whatever the order of the products."""
    digest = hashlib.sha256()
    for listing in sorted(listings, key=lambda listing: listing.product_id):
        parts = (
            listing.product_id,
            listing.text,
            listing.category,
            *listing.passages,
            *listing.queries,
            *listing.co_viewed,
        )
        digest.update("\0".join(parts).encode("utf-8", "replace"))
        for picture in listing.pictures:
            digest.update(hashlib.sha256(picture).digest())
    return digest.hexdigest()[:16]


def _joined(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
