"""Why a product cannot be a hit, and what bears on its score, from what is stored of it. Pure."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast

import msgspec
import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray
from encoders.speech.port import Transcript
from indexer.criteria import AnyOf, Filter, Filters, WithoutWords
from indexer.filters import ATTRIBUTE_PREFIX, any_of_terms, matches
from indexer.records import IndexRow, StoredProduct
from indexer.rows import build_row, is_searchable, with_accepted_suggestions
from indexer.text_analysis.analyzer import (
    document_surface_forms,
    document_terms,
    query_terms,
    required_terms,
    surface_forms,
)
from query_api.contract.requests import SearchRequest
from query_api.contract.responses import Indexed, Reason
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.search.score_parts import fields_containing
from query_api.understanding.parser import ParsedQuery

MAX_LISTED = 10
"""The most pictures or words that a sentence names."""
MAX_COMPARED_TERMS = 1_000
"""How many of a product's terms are compared with the query's words: those of its title and labels come first."""
_MIN_WORD_SIMILARITY = 0.7
"""The least similarity of a product's word that is named as near to one of the query; `difflib`'s ratio, 0 to 1."""
_EVENT_TIME_RANGE_MS = (978_307_200_000, 4_102_444_800_000)
"""Versions from the year 2001 to 2100 as Unix milliseconds are shown as times: an event without a version has its time
as its version."""


def absence_reason(product_id: str, stored: StoredProduct | None) -> Reason | None:
    """Why a product can be in no results at all; None when it can. Without `stored`, no event of it was indexed."""
    if stored is None:
        return Reason("not_indexed", f"no event of a product {product_id} has been indexed")
    if is_searchable(stored):
        return None
    return _deleted(stored) if stored.state.deleted else _incomplete(stored)


def indexed_state(stored: StoredProduct) -> Indexed:
    """The version of a product, and the event that wrote it last."""
    state = stored.state
    last = max([field.stamp for field in state.written.values()] + ([state.base] if state.base else []))
    return Indexed(state.version, f"{last.source}/{last.event_id}", is_searchable(stored), stored.incomplete)


def filter_rejections(product_id: str, stored: StoredProduct, vector: FloatArray, filters: Filters) -> list[Reason]:
    """A reason for each filter that a searchable product does not pass, with the product's own value.

    Args:
        product_id: of the product.
        stored: what is stored of it.
        vector: its vector (2·dim,) float32.
        filters: of the search.
    """
    if not filters:
        return []
    row = build_row(product_id, stored, vector)
    fields = with_accepted_suggestions(stored.state.fields, stored.suggestions)
    rejecting = [criterion for criterion in filters if not matches(row, (criterion,))]
    return [
        _excluded_term_reason(row, criterion, fields)
        if isinstance(criterion, WithoutWords)
        else _filter_reason(criterion, fields)
        for criterion in rejecting
    ]


def product_notes(
    spec: EmbeddingSpec, retrieval: RetrievalQuery, stored: StoredProduct, vector: FloatArray
) -> Iterator[Reason]:
    """What a searchable product lacks of what a search looks at, and what is known of its pictures and likes.

    Args:
        spec: of the vectors.
        retrieval: what the search looks for.
        stored: what is stored of the product.
        vector: its vector (2·dim,) float32; the half of a part that it lacks is 0.
    """
    yield from _picture_problems(stored)
    yield from _comparison_notes(stored)
    if not (stored.text_hash or spec.joint) and np.any(vector[: spec.dim]):
        yield Reason(
            "borrowed_text", "it has no text: its text part is that of products whose pictures are like its own"
        )
    if retrieval.vector is not None:
        for name, half in (("text", slice(0, spec.dim)), ("image", slice(spec.dim, None))):
            if np.any(retrieval.vector[half]) and not np.any(vector[half]):
                lacks = "text" if name == "text" else "picture"
                yield Reason(f"no_{name}_part", f"its vector has no {lacks}, so the {name} part adds nothing")
    if retrieval.unwanted is not None and not matches(row := build_row("", stored, vector), (retrieval.unwanted,)):
        reason = _excluded_term_reason(row, retrieval.unwanted, stored.text_fields)
        yield Reason("ranked_down", reason.detail.replace("leaves out", "ranks down", 1), reason.evidence)
    if retrieval.text is not None and not _shares_words(retrieval.text, stored.text_fields):
        yield no_shared_words_reason(retrieval.text, stored.text_fields)


def no_shared_words_reason(text: str, fields: Mapping[str, Any]) -> Reason:
    """Says that a product has none of a query's words, and which of its own words are nearest to them."""
    forms = surface_forms(text)
    # Terms with other letters than ASCII are hexadecimal codes, which mean nothing to a reader.
    own = {term: form for term, form in document_surface_forms(fields).items() if not term.startswith("0x")}
    own_terms = sorted(islice(own, MAX_COMPARED_TERMS))
    close = {
        form: difflib.get_close_matches(term, own_terms, 1, _MIN_WORD_SIMILARITY)
        for term, form in list(forms.items())[:MAX_LISTED]
    }
    nearest = {form: own[terms[0]] for form, terms in close.items() if terms}
    named = ", ".join(list(forms.values())[:MAX_LISTED])
    detail = f"it has none of the query's words ({named})" if forms else "the query has no letter or digit to match"
    detail += f"; nearest are {', '.join(nearest.values())}" if nearest else ""
    return Reason("no_shared_words", detail, {"words": list(forms.values()), "nearest": nearest})


def not_understood_reason(transcript: Transcript | None) -> Reason:
    """Says that nothing was searched for: the query was only spoken, and was not understood."""
    problem = transcript.problem if transcript else ""
    detail = "nothing was searched for: the spoken query was not understood" + (f" ({problem})" if problem else "")
    return Reason("not_understood", detail, {"problem": problem})


def transcript_note(transcript: Transcript) -> Reason:
    """What a spoken query was transcribed as."""
    text, problem = transcript.text, transcript.problem
    detail = f"the spoken query was heard as “{text}”" if text else "the spoken query was not understood"
    alternatives = ", ".join(f"“{alternative}”" for alternative in transcript.alternatives)
    detail += f", or {alternatives}, which were searched for too" if alternatives else ""
    detail += f" ({problem})" if problem else ""
    evidence = {"text": text, "alternatives": list(transcript.alternatives), "problem": problem}
    return Reason("heard", detail, evidence)


def parsed_query_notes(parsed: ParsedQuery, request: SearchRequest) -> Iterator[Reason]:
    """Says how the search differs from the query's words: corrected, or with a price taken out."""
    if parsed.did_you_mean is not None:
        how = "was searched for as" if request.correct else "has words that no product has; perhaps it means"
        yield Reason("did_you_mean", f"the query {how} “{parsed.did_you_mean}”", {"text": parsed.did_you_mean})
    if parsed.price and "price" not in request.filters:
        detail = f"“{parsed.price.phrase}” in the query is taken for a filter on price"
        yield Reason("price_phrase", detail, {"filter": dict(parsed.price.bounds)})


def staleness_note(age_ms: int | None) -> Reason | None:
    """Says that the index may not be up to date, or that its age is not known just now (`age_ms` is None)."""
    if age_ms is None:
        return Reason("stale", "Kafka cannot be asked just now whether events are waiting to be indexed")
    if not age_ms:
        return None
    detail = f"events have been waiting for {age_ms:,} ms to be indexed: the product may have changed since"
    return Reason("stale", detail, {"index_age_ms": age_ms})


def _deleted(stored: StoredProduct) -> Reason:
    base = stored.state.base
    assert base is not None
    since = _format_time(base.version)
    detail = f"it was deleted by version {base.version}" + (f" ({since})" if since else "")
    evidence: dict[str, Any] = {"version": base.version, "source": base.source, "event_id": base.event_id}
    return Reason("deleted", detail, evidence | ({"time": since} if since else {}))


def _incomplete(stored: StoredProduct) -> Reason:
    known = sorted(name for name in stored.state.fields if name != "images")
    detail = "it is stored, but has neither a title nor a description nor a picture that could be embedded"
    waiting = ", ".join(problem.detail for problem in _picture_problems(stored))
    pictures = {"missing_images": list(stored.missing_images), "broken_images": list(stored.broken_images)}
    return Reason("incomplete", detail + (f"; {waiting}" if waiting else ""), {"fields": known, **pictures})


def _picture_problems(stored: StoredProduct) -> Iterator[Reason]:
    kinds = (
        ("pictures_missing", "could not be fetched yet, and will be tried again", stored.missing_images),
        ("pictures_broken", "cannot be decoded", stored.broken_images),
    )
    for kind, what, keys in kinds:
        if keys:
            shown = ", ".join(keys[:MAX_LISTED]) + (", …" if len(keys) > MAX_LISTED else "")
            yield Reason(kind, f"{len(keys)} of its pictures {what}: {shown}", {"images": list(keys)})


def _comparison_notes(stored: StoredProduct) -> Iterator[Reason]:
    """What comparing the product with others gave: labels that they suggest, and near duplicates."""
    if suggestions := stored.suggestions:
        worded = ", ".join(
            f"{label.field} {label.value} ({label.confidence:.2f}{', accepted' if label.accepted else ''})"
            for label in suggestions[:MAX_LISTED]
        )
        detail = f"its merchant leaves fields open; like products suggest {worded}; filters see what is accepted"
        yield Reason("suggestions", detail, {"suggestions": msgspec.to_builtins(suggestions)})
    if stored.duplicates:
        named = ", ".join(stored.duplicates[:MAX_LISTED])
        detail = f"it looks like the same goods as {named}"
        yield Reason("duplicates", detail, {"product_ids": list(stored.duplicates)})


def _excluded_term_reason(row: IndexRow, criterion: WithoutWords, fields: Mapping[str, Any]) -> Reason:
    """The terms that a query excludes and a product has, and the fields that have them."""
    held = [text for text in criterion.texts if not matches(row, (dataclasses.replace(criterion, texts=(text,)),))]
    where = {text: fields_containing(fields, " ".join(required_terms(text))) for text in held}
    said = " and ".join(f"“{text}” (in {', '.join(names)})" for text, names in where.items())
    return Reason(
        "filtered", f"the query leaves out products with {said}", {"filter": {"without": held}, "value": where}
    )


def _filter_reason(criterion: Filter, fields: Mapping[str, Any]) -> Reason:
    wanted = {name: value for name, value in dataclasses.asdict(criterion).items() if value is not None}
    name = wanted.get("field")
    if name is None:
        return Reason("filtered", "a filter by product ids leaves it out")
    own = _own_value(name, fields)
    has = "the product has none" if own is None else f"the product's is {_format_value(own)}"
    bounds = {key: value for key, value in wanted.items() if key != "field"}
    detail = f"the filter on {name} wants {_format_bounds(bounds)}; {has}"
    return Reason("filtered", detail, {"filter": wanted, "value": own})


def _format_bounds(bounds: Mapping[str, Any]) -> str:
    if "values" in bounds:
        return " or ".join(map(str, bounds["values"][:MAX_LISTED])) + (
            " or …" if len(bounds["values"]) > MAX_LISTED else ""
        )
    signs = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤"}
    return " and ".join(f"{signs.get(name, name)} {_format_number(value)}" for name, value in bounds.items())


def _own_value(field: str, fields: Mapping[str, Any]) -> Any:
    """A product's value of a field of filters; None: it has none. Names of attributes are compared as filters do."""
    if not field.startswith(ATTRIBUTE_PREFIX):
        return fields.get(field)
    attributes: Mapping[str, Any] = fields.get("attributes") or {}
    same = any_of_terms(AnyOf(field, ("",)))
    names = (name for name in attributes if any_of_terms(AnyOf(ATTRIBUTE_PREFIX + name, ("",))) == same)
    return next((attributes[name] for name in names), None)


def _shares_words(text: str, fields: Mapping[str, Any]) -> bool:
    return not set(query_terms(text).split()).isdisjoint(document_terms(fields).split())


def _format_value(value: Any) -> str:
    values = cast("Sequence[Any]", value) if isinstance(value, list) else (value,)
    return ", ".join(_format_number(item) for item in values[:MAX_LISTED])


def _format_number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def _format_time(version: int) -> str | None:
    if not _EVENT_TIME_RANGE_MS[0] <= version <= _EVENT_TIME_RANGE_MS[1]:
        return None
    return datetime.fromtimestamp(version / 1000, UTC).isoformat(timespec="seconds")
