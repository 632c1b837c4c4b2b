"""Why products are recommended, told of those on the page alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexer.criteria import Filters, Ids
from query_api.cards.card_table import AnswerCards
from query_api.contract.responses import Cause
from query_api.recommending.likeness import LikedProducts
from query_api.recommending.suggestions import Shopper, Suggestion, reason_text
from query_api.retrieval.hybrid_search import Retriever
from query_api.search.results import Reason

NAMED_AT_MOST = 50
"""How many of the products that a shopper did something to, the latest, can be the reason for another."""


class Reasons:
    """Tells one shopper why. Every method raises `StoreUnavailable` when the product store does not answer."""

    def __init__(self, retriever: Retriever, fixed_filters: Filters, shopper: Shopper, cards: AnswerCards) -> None:
        """Bind to an answer.

        Args:
            fixed_filters: what products have to pass that the caller may be shown.
            cards: those of products that reasons are asked for are loaded.
        """
        self._retriever = retriever
        self._fixed_filters = fixed_filters
        self._shopper = shopper
        self._cards = cards

    async def of(self, suggestions: Sequence[Suggestion]) -> dict[str, Reason]:
        """The reasons that suggestions have, by product id."""
        titles = await self._titles(one.cause.product_id for one in suggestions if one.cause)
        return _told(suggestions, titles)

    async def by_likeness(self, product_ids: Sequence[str]) -> dict[str, Reason]:
        """Of each product, the one that the shopper did something to and that is most like it."""
        latest = list(self._shopper.did)[:NAMED_AT_MOST]
        titles = await self._titles(latest)
        liked = LikedProducts({one: self._cards.payload(one) for one in latest if one in titles})
        return _told([self._most_like(product_id, liked, titles) for product_id in product_ids], titles)

    def _most_like(self, product_id: str, liked: LikedProducts, titles: Mapping[str, str]) -> Suggestion:
        if product_id in titles:
            return Suggestion(product_id, 0.0, self._shopper.cause(product_id), "you {did_it}")
        nearest = liked.nearest(self._cards.payload(product_id))
        return Suggestion(product_id, 0.0, None if nearest is None else self._shopper.cause(nearest))

    async def _titles(self, product_ids: Iterable[str]) -> dict[str, str]:
        """What those of the products are called that there are, and that the caller may be shown; cards are loaded."""
        ids = list(dict.fromkeys(product_ids))
        if ids and self._fixed_filters:
            ids = (await self._retriever.browse((*self._fixed_filters, Ids(tuple(ids))), len(ids))).ids
        gone = set(await self._cards.load(ids))
        return {one: title for one in ids if one not in gone and (title := self._cards.payload(one).title)}


def _told(suggestions: Sequence[Suggestion], titles: Mapping[str, str]) -> dict[str, Reason]:
    """Reasons in words. Args: titles: of products that may be named."""
    texts = ((one, reason_text(one, titles)) for one in suggestions)
    return {
        one.product_id: Reason(text, one.cause and Cause(one.cause.did, one.cause.product_id))
        for one, text in texts
        if text
    }
