"""What products are filtered by: `field=value` terms and numbers; and whether a row passes filters. Pure.

Terms are normalised in products and in requests alike. They hold no quotes, backslashes or control characters, so that
they need no escaping in an engine's expressions.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from indexer.criteria import AnyOf, Filter, Filters, IdAfter, Ids, NotIds, Range, WithoutWords
from indexer.errors import InvalidRecord
from indexer.memo import Memo, text_bytes
from indexer.records import IndexRow
from indexer.text_analysis.analyzer import lacking_terms, required_terms
from indexer.text_analysis.folding import bound_marks

TERM_FIELDS = ("brand", "lang", "currency", "group_id", "tags", "in_stock", "category")
NUMBER_FIELDS = ("price", "rating", "rating_count", "created_at")
ATTRIBUTE_PREFIX = "attributes."
TERM_MAX_BYTES = 512
MAX_TERMS = 1_024
ABSENT_NUMBER = -1.0
"""What a number field holds where the product has no such number; all real ones are ≥ 0."""

PRODUCT_ID_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# NFKC turns these wide twins into the plain characters, so no normalised value has them of itself.
_QUOTES = str.maketrans({'"': "＂", "'": "＇", "\\": "＼"})
FIELD_MAX_CHARS = 300
"""How long the name of a field may be, `attributes.` included: an attribute's name has at most 256 characters."""
VALUE_MAX_CHARS = 512
"""How long a value may be: no product has a longer one."""
_SHORT = 64
_TERMS_BYTES = 16 * 2**20
"""Memory for the terms of short values: brands, categories and attribute values come again and again."""
_FIELD_NAMES_BYTES = 4 * 2**20
_ANY_OF_BYTES = 8 * 2**20
"""Memory for the terms of whole filters: a search with facets asks for them many times."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def filter_terms(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The `field=value` terms of a product; each of its categories has one for each path above it, too.

    Raises:
        InvalidRecord: the product has more values than can be filtered by.
    """
    terms: dict[str, None] = {}
    for term in _terms(fields):
        terms[term] = None
        if len(terms) > MAX_TERMS:
            raise InvalidRecord(f"the product has over {MAX_TERMS} tags and attribute values, no more can be kept")
    return tuple(terms)


def filter_numbers(fields: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a product that ranges compare; those that it lacks are absent."""
    numbers = {name: float(fields[name]) for name in NUMBER_FIELDS[:3] if fields.get(name) is not None}
    if fields.get("created_at") is not None:
        numbers["created_at"] = float(max(0, created_at_ms(fields["created_at"])))
    return numbers


def created_at_ms(value: str) -> int:
    """Unix milliseconds of an ISO 8601 time; one without a zone is UTC. Raises `ValueError`."""
    time = datetime.fromisoformat(value)
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def matches(row: IndexRow, filters: Filters) -> bool:
    """Whether a row is searchable and passes all filters."""
    return row.searchable and all(_passes(row, criterion) for criterion in filters)


def any_of_terms(criterion: AnyOf) -> tuple[str, ...]:
    """The terms of which a product must have one."""
    return _any_of_terms(criterion)


def filter_term(field: str, value: str) -> str:
    """The term that a filter by this value looks for: values with the same term are one to filters."""
    return _term(field, value)


def filter_field(field: str) -> str:
    """The field as filters compare it: attributes whose names have the same are one to them."""
    return _field_name(field)


def attribute_values(fields: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """A product's attributes by name, of its fields as JSON values; none where it states none."""
    return fields.get("attributes") or {}


def all_categories(fields: Mapping[str, Any]) -> list[str]:
    """The categories that a product is in, the first one first; of its fields as JSON values."""
    first = fields.get("category")
    return list(dict.fromkeys([*([first] if first else []), *(fields.get("categories") or [])]))


def category_paths(category: str) -> list[str]:
    """A category and all above it, the topmost first: `a/b/c` → `a`, `a/b`, `a/b/c`."""
    steps = _steps(category)
    return ["/".join(steps[: depth + 1]) for depth in range(len(steps))]


def range_bounds(criterion: Range) -> Iterator[tuple[str, float]]:
    """The bounds of a range that are set, each with its comparison sign: (">=", 1.0)."""
    bounds = ((">", criterion.gt), (">=", criterion.gte), ("<", criterion.lt), ("<=", criterion.lte))
    yield from ((sign, float(bound)) for sign, bound in bounds if bound is not None)


def _terms(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in TERM_FIELDS:
        value = fields.get(name) if name != "category" else None
        if value is not None:
            for text in _values(value):
                yield _term(name, text)
    for category in all_categories(fields):
        for path in category_paths(category):
            yield _term("category", path)
    for name, value in attribute_values(fields).items():
        field = ATTRIBUTE_PREFIX + name
        for text in _values(value):
            yield _term(field, text)


def _values(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(value)] if isinstance(value, bool) else list(value)


def _steps(category: str) -> list[str]:
    return [step.strip() for step in category.split("/") if step.strip()]


def _term(field: str, value: str) -> str:
    pair = (field, value)
    return (_short_term if len(value) <= _SHORT and len(field) <= _SHORT else _make_term)(pair)


def _make_any_of_terms(criterion: AnyOf) -> tuple[str, ...]:
    return tuple(_term(criterion.field, value) for value in criterion.values)


def _make_term(pair: tuple[str, str]) -> str:
    field, value = pair
    if field == "category":
        value = "/".join(_steps(value))
    term = f"{_field_name(field)}={_normalised(value)}"
    data = term.encode()
    if len(data) <= TERM_MAX_BYTES:
        return term
    head = data[: TERM_MAX_BYTES - 33].decode(errors="ignore")
    return f"{head}#{hashlib.blake2b(data, digest_size=16).hexdigest()}"


def _make_field_name(field: str) -> str:
    # A name with `=` must not look like a shorter name whose value has it: `＝` cannot come from normalising.
    return _normalised(field).replace("=", "＝")


def _normalised(text: str) -> str:
    if text.isascii():
        folded = _CONTROL.sub(" ", text).lower()
    else:
        bounded = bound_marks(_CONTROL.sub(" ", text))
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", bounded).casefold())
    return " ".join(folded.split()).translate(_QUOTES)


def _passes(row: IndexRow, criterion: Filter) -> bool:
    if isinstance(criterion, Ids | NotIds):
        return (row.product_id in criterion.product_ids) == isinstance(criterion, Ids)
    if isinstance(criterion, IdAfter):
        return row.product_id > criterion.product_id
    if isinstance(criterion, WithoutWords):
        terms = set(row.lexical.split())
        return not any(_holds(terms, text, criterion.spares_denials) for text in criterion.texts)
    if isinstance(criterion, AnyOf):
        return not set(any_of_terms(criterion)).isdisjoint(row.filter_terms)
    number = row.numbers.get(criterion.field)
    return number is not None and all(_COMPARE[sign](number, bound) for sign, bound in range_bounds(criterion))


def _holds(terms: set[str], text: str, spares_denials: bool) -> bool:
    required = required_terms(text)
    if not required or not terms.issuperset(required):
        return False
    return not spares_denials or terms.isdisjoint(lacking_terms(text))


_short_term = Memo(_make_term, lambda pair, term: text_bytes(*pair, term), _TERMS_BYTES)
_field_name = Memo(_make_field_name, text_bytes, _FIELD_NAMES_BYTES)
_any_of_terms = Memo(
    _make_any_of_terms,
    lambda criterion, terms: text_bytes(criterion.field, *criterion.values, *terms),
    _ANY_OF_BYTES,
)
_COMPARE = {">": float.__gt__, ">=": float.__ge__, "<": float.__lt__, "<=": float.__le__}
