"""Which of the first hits a query names: by title, by code, or by brand and kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from indexer.hit_payload import HitPayload
from indexer.text_analysis.analyzer import query_terms
from query_api.cards.payload_values import attribute_values


def products_asked_for(text: str, hits: Iterable[tuple[str, HitPayload]]) -> tuple[str, ...]:
    """Of hits (product id, what is shown), the ids of those that a text names, in their order.

    Named is what has the text for its id or for an attribute that has a digit, as article numbers do; whose title has
    the text's words and no others; and what is of the text's brand, where title and category have all its other words.
    """
    terms = _terms(text)
    if not terms:
        return ()
    code = text.strip().casefold()
    return tuple(product_id for product_id, payload in hits if _is_named(product_id, payload, code, terms))


def _is_named(product_id: str, payload: HitPayload, code: str, terms: frozenset[str]) -> bool:
    if product_id.casefold() == code or _has_code(payload, code):
        return True
    title, brand = _terms(payload.title), _terms(payload.brand or "")
    if title == terms:
        return True
    kind = terms - brand
    return bool(brand) and brand < terms and kind <= title | _terms(payload.category or "")


def _has_code(payload: HitPayload, code: str) -> bool:
    is_like_code = any(character.isdigit() for character in code)
    return is_like_code and any(value.casefold() == code for _, value in attribute_values(payload))


def _terms(text: str) -> frozenset[str]:
    return frozenset(query_terms(text).split())
