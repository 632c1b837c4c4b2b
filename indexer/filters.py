"""Filters: the terms and numbers a product is filtered by, what a request may ask for, and what a store evaluates.

Equality is matched on `field=value` terms. They are normalised on both sides, and free of quotes, backslashes and
control characters, so that they need no escaping in any engine's expressions.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from indexer.criteria import AnyOf, Filter, Filters, IdAfter, Ids, NotIds, Range, WithoutWords
from indexer.errors import InvalidRecord
from indexer.records import IndexRow
from indexer.text_analysis.analyzer import required_terms

TERM_FIELDS = ("brand", "lang", "currency", "group_id", "tags", "in_stock", "category")
NUMBER_FIELDS = ("price", "rating", "rating_count", "created_at")
ATTRIBUTE_PREFIX = "attributes."
TERM_MAX_BYTES = 512
MAX_TERMS = 1_024
ABSENT_NUMBER = -1.0
"""What a number field holds where the product has no such number; all real ones are ≥ 0."""

PRODUCT_ID_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_PRODUCT_IDS = re.compile(rf'{PRODUCT_ID_PATTERN.pattern}(?:", "{PRODUCT_ID_PATTERN.pattern})*')
# NFKC turns these wide twins into the plain characters, so no normalised value has them of itself.
_QUOTES = str.maketrans({'"': "＂", "'": "＇", "\\": "＼"})
_SHORT = 64
_CACHED = 20_000
"""Short values whose terms are remembered: brands, categories and attribute values come again and again."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def filter_terms(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The `field=value` terms of a product; a category has one for each path above it.

    Raises:
        InvalidRecord: the product has more values than can be filtered by.
    """
    terms = tuple(dict.fromkeys(_terms(fields)))
    if len(terms) > MAX_TERMS:
        raise InvalidRecord(f"the product has {len(terms)} tags and attribute values, at most {MAX_TERMS} can be kept")
    return terms


def filter_numbers(fields: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a product that ranges compare; those that it lacks are absent."""
    found = {name: float(fields[name]) for name in NUMBER_FIELDS[:3] if fields.get(name) is not None}
    if fields.get("created_at") is not None:
        found["created_at"] = float(max(0, created_at_ms(fields["created_at"])))
    return found


def created_at_ms(value: str) -> int:
    """Unix milliseconds of an ISO 8601 time; one without a zone is UTC. Raises `ValueError`."""
    time = datetime.fromisoformat(value)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def matches(row: IndexRow, filters: Filters) -> bool:
    """Whether a row is searchable and passes all filters."""
    return row.searchable and all(_passes(row, one) for one in filters)


def to_milvus_expression(filters: Filters) -> str:
    """The filters as a Milvus boolean expression over the product collection; only searchable products pass.

    Raises:
        ValueError: `WithoutWords` has no expression; see `indexer.milvus.excluded_words`.
    """
    return " and ".join(["searchable == true", *(clause for one in filters for clause in _clauses(one))])


def ids_expression(one: Ids | NotIds) -> str:
    """The part of an expression that lets just these products pass, or just the others, searchable or not."""
    # An id that breaks the pattern belongs to no product; an empty list is no expression, but no id is empty.
    operator = "in" if isinstance(one, Ids) else "not in"
    joined = '", "'.join(one.product_ids)
    # All at once: a thousand ids come from each hybrid search.
    if not _PRODUCT_IDS.fullmatch(joined):
        joined = '", "'.join(product_id for product_id in one.product_ids if PRODUCT_ID_PATTERN.fullmatch(product_id))
    return f'product_id {operator} ["{joined}"]'


def any_of_terms(one: AnyOf) -> tuple[str, ...]:
    """The terms of which a product must have one."""
    return tuple(_term(one.field, value) for value in one.values)


def _terms(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in TERM_FIELDS:
        for value in _values(fields.get(name)):
            yield from (_term(name, path) for path in (_paths(value) if name == "category" else [value]))
    for name, value in (fields.get("attributes") or {}).items():
        yield from (_term(ATTRIBUTE_PREFIX + name, one) for one in _values(value))


def _values(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [str(value)]
    return [value] if isinstance(value, str) else list(value)


def _paths(category: str) -> list[str]:
    """`a/b/c` → `a`, `a/b`, `a/b/c`."""
    steps = _steps(category)
    return ["/".join(steps[: depth + 1]) for depth in range(len(steps))]


def _steps(category: str) -> list[str]:
    return [step.strip() for step in category.split("/") if step.strip()]


def _term(field: str, value: str) -> str:
    return (_cached_short_term if len(value) <= _SHORT else _make_term)(field, value)


def _make_term(field: str, value: str) -> str:
    if field == "category":
        value = "/".join(_steps(value))
    # A name with `=` must not look like a shorter name whose value has it: `＝` cannot come from normalising.
    term = f"{_normalised(field).replace('=', '＝')}={_normalised(value)}"
    data = term.encode()
    if len(data) <= TERM_MAX_BYTES:
        return term
    head = data[: TERM_MAX_BYTES - 33].decode(errors="ignore")
    return f"{head}#{hashlib.blake2b(data, digest_size=16).hexdigest()}"


def _normalised(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _CONTROL.sub(" ", text)).casefold())
    return " ".join(folded.split()).translate(_QUOTES)


def _passes(row: IndexRow, one: Filter) -> bool:
    if isinstance(one, Ids | NotIds):
        return (row.product_id in one.product_ids) == isinstance(one, Ids)
    if isinstance(one, IdAfter):
        return row.product_id > one.product_id
    if isinstance(one, WithoutWords):
        held = set(row.lexical.split())
        return not any((terms := required_terms(text)) and held.issuperset(terms) for text in one.texts)
    if isinstance(one, AnyOf):
        return not set(any_of_terms(one)).isdisjoint(row.filter_terms)
    number = row.numbers.get(one.field)
    return number is not None and all(_COMPARE[sign](number, bound) for sign, bound in _bounds(one))


def _clauses(one: Filter) -> Iterator[str]:
    if isinstance(one, WithoutWords):
        raise ValueError("words are no part of an expression")
    if isinstance(one, Ids | NotIds):
        yield ids_expression(one)
    elif isinstance(one, IdAfter):
        yield f'product_id > "{one.product_id}"'
    elif isinstance(one, AnyOf):
        yield f"array_contains_any(filter_terms, {_literals(any_of_terms(one) or [''])})"
    else:
        yield f"{one.field} >= 0.0"
        yield from (f"{one.field} {sign} {bound!r}" for sign, bound in _bounds(one))


def _literals(texts: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


def _bounds(one: Range) -> Iterator[tuple[str, float]]:
    for sign, bound in ((">", one.gt), (">=", one.gte), ("<", one.lt), ("<=", one.lte)):
        if bound is not None:
            yield sign, float(bound)


_cached_short_term = lru_cache(_CACHED)(_make_term)
_COMPARE = {">": float.__gt__, ">=": float.__ge__, "<": float.__lt__, "<=": float.__le__}
