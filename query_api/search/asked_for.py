"""Which of the first hits a query names: by title, by code, or by brand and kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexer.hit_payload import HitPayload
from indexer.memo import Memo, text_bytes
from indexer.text_analysis.analyzer import query_terms
from query_api.cards.payload_values import attribute_values

_TERMS_BYTES = 8 * 2**20
"""Memory for terms of what is looked at: the same few products come first time and again."""
_SET_BYTES = 64
"""What a term takes in a set, at most."""


def products_asked_for(text: str, hits: Iterable[tuple[str, HitPayload]]) -> tuple[str, ...]:
    """Of hits (product id, what is shown), the ids of those that a text names, in their order.

    Named is what has the text for its id or for an attribute that has a digit, as article numbers do; whose title has
    the text's words and no others; and what is of the text's brand and kind: where title and category have all its
    other words, and these are in the category, or all such hits are under one of their categories.
    A brand and a colour name nothing.
    """
    terms = _terms(text)
    if not terms:
        return ()
    code, shown = text.strip().casefold(), list(hits)
    of_brand = {product_id: payload for product_id, payload in shown if _is_of_brand(payload, terms)}
    is_kind = _are_one_kind([payload.category or "" for payload in of_brand.values()])
    named = {product_id for product_id, payload in of_brand.items() if is_kind or _names_category(payload, terms)}
    return tuple(one for one, payload in shown if one in named or _is_named(one, payload, code, terms))


def products_with_all_words(text: str, hits: Iterable[tuple[str, HitPayload]]) -> tuple[str, ...]:
    """Of hits (product id, what is shown), the ids of those that say every word of a text, in their order."""
    terms = _terms(text)
    return tuple(product_id for product_id, payload in hits if terms and terms <= _said(payload))


def _said(payload: HitPayload) -> frozenset[str]:
    values = (value for _, value in attribute_values(payload))
    said = (payload.title, payload.brand or "", payload.category or "", *payload.tags, *values)
    return _terms("").union(*map(_terms, said))


def _is_named(product_id: str, payload: HitPayload, code: str, terms: frozenset[str]) -> bool:
    return product_id.casefold() == code or _has_code(payload, code) or _terms(payload.title) == terms


def _is_of_brand(payload: HitPayload, terms: frozenset[str]) -> bool:
    """Whether a product is of a query's brand, and its title and category have all other words."""
    brand = _terms(payload.brand or "")
    return bool(brand) and brand < terms and terms - brand <= _terms(payload.title) | _terms(payload.category or "")


def _are_one_kind(categories: Sequence[str]) -> bool:
    """Whether one of the categories has all others below it."""
    widest = min(categories, key=len, default="")
    return all(one == widest or one.startswith(f"{widest}/") for one in categories)


def _names_category(payload: HitPayload, terms: frozenset[str]) -> bool:
    return bool((terms - _terms(payload.brand or "")) & _terms(payload.category or ""))


def _has_code(payload: HitPayload, code: str) -> bool:
    is_like_code = any(character.isdigit() for character in code)
    return is_like_code and any(value.casefold() == code for _, value in attribute_values(payload))


def _make_terms(text: str) -> frozenset[str]:
    return frozenset(query_terms(text).split())


_terms = Memo(_make_terms, lambda text, terms: text_bytes(text, *terms) + _SET_BYTES * len(terms), _TERMS_BYTES)
