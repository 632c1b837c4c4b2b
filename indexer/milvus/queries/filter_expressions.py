"""Filters as boolean expressions of Milvus over the product collection.

Source: Milvus' filtering syntax, https://milvus.io/docs/boolean.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from indexer.criteria import AnyOf, Filter, Filters, IdAfter, Ids, NotIds, WithoutWords
from indexer.filters import PRODUCT_ID_PATTERN, any_of_terms, range_bounds

_PRODUCT_IDS = re.compile(rf'{PRODUCT_ID_PATTERN.pattern}(?:", "{PRODUCT_ID_PATTERN.pattern})*')


def to_milvus_expression(filters: Filters) -> str:
    """The filters as an expression that all searchable products which pass all of them fulfil.

    Raises:
        ValueError: `WithoutWords` has no expression; `indexer.milvus.queries.excluded_words` replaces it.
    """
    return " and ".join(["searchable == true", *(clause for criterion in filters for clause in _clauses(criterion))])


def ids_expression(criterion: Ids | NotIds) -> str:
    """The part of an expression that lets just these products pass, or just the others, searchable or not."""
    # An id that breaks the pattern belongs to no product; an empty list is no expression, but no id is empty.
    operator = "in" if isinstance(criterion, Ids) else "not in"
    joined = '", "'.join(criterion.product_ids)
    # All at once: a thousand ids come from each hybrid search.
    if not _PRODUCT_IDS.fullmatch(joined):
        possible = (product_id for product_id in criterion.product_ids if PRODUCT_ID_PATTERN.fullmatch(product_id))
        joined = '", "'.join(possible)
    return f'product_id {operator} ["{joined}"]'


def _clauses(criterion: Filter) -> Iterator[str]:
    if isinstance(criterion, WithoutWords):
        raise ValueError("words are no part of an expression")
    if isinstance(criterion, Ids | NotIds):
        yield ids_expression(criterion)
    elif isinstance(criterion, IdAfter):
        yield f'product_id > "{criterion.product_id}"'
    elif isinstance(criterion, AnyOf):
        yield f"array_contains_any(filter_terms, {_literals(any_of_terms(criterion) or [''])})"
    else:
        yield f"{criterion.field} >= 0.0"
        yield from (f"{criterion.field} {sign} {bound!r}" for sign, bound in range_bounds(criterion))


def _literals(texts: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"
