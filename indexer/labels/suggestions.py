"""Labels from neighbours: what products that are alike say of a field which this one leaves open. Pure.

Each kind of evidence (text and pictures that are near, words that are shared) is a ranked list of neighbours, which
vote for the values that their merchants state. A vote counts by the distance-weighted rule, which looks at a list's own
span of scores alone, so that it means the same for any encoder and any score. How much each kind of evidence tells of a
field, a calibration says that was fitted to products of the same index. What was suggested never votes.

Source: Dudani, 1976, "The Distance-Weighted k-Nearest-Neighbor Rule".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from indexer.filters import ATTRIBUTE_PREFIX
from indexer.hit_payload import HitPayload
from indexer.labels.calibration import Calibration
from indexer.records import Suggestion
from indexer.text_analysis.analyzer import required_terms

CATEGORY: Final = "category"
SINGLE_FIELDS: Final = (CATEGORY, "brand")
ALL_ATTRIBUTES: Final = "attributes"
"""Stands for every attribute that the neighbours state."""
EVIDENCE_KINDS: Final = ("text", "image", "words")
MIN_VOTE_SHARE = 0.1
"""Of the votes of some evidence; a value with fewer is no candidate."""

Labels = Mapping[str, Sequence[str]]
"""The values of a product by field: `category`, `brand`, `attributes.NAME`."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A product that is like another."""

    score: float
    labels: Labels


@dataclass(frozen=True, slots=True)
class LabelCandidate:
    """A value that may be suggested."""

    field: str
    value: str
    """As the nearest neighbour writes it."""
    features: tuple[float, ...]
    """Its share in the votes of each of `EVIDENCE_KINDS`; then 1 where the product's own words have it, else 0."""


def stated_labels(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """The labels that a merchant states, from a product's fields as JSON values."""
    found = {name: [fields[name]] for name in SINGLE_FIELDS if (fields.get(name) or "").strip()}
    for name, value in (fields.get("attributes") or {}).items():
        if values := [one for one in ([value] if isinstance(value, str) else value) if one.strip()]:
            found[ATTRIBUTE_PREFIX + name] = values
    return found


def payload_labels(card: HitPayload) -> dict[str, list[str]]:
    """The labels that a merchant states, from a product's card."""
    return stated_labels({"category": card.category, "brand": card.brand, "attributes": card.attributes})


def without_label(fields: Mapping[str, Any], label: str) -> dict[str, Any]:
    """A product's fields as if the merchant did not state a label."""
    name = label.removeprefix(ATTRIBUTE_PREFIX)
    if name == label:
        return {key: value for key, value in fields.items() if key != label}
    others = {key: value for key, value in (fields.get("attributes") or {}).items() if key != name}
    return {**fields, "attributes": others}


def is_open_field(field: str, own: Labels, wanted: Iterable[str]) -> bool:
    """Whether a field may be suggested: it is wanted and not stated."""
    return field not in own and (field in wanted or is_wanted_attribute(field, wanted))


def is_wanted_attribute(field: str, wanted: Iterable[str]) -> bool:
    """Whether a field is wanted as one of all attributes."""
    return field.startswith(ATTRIBUTE_PREFIX) and ALL_ATTRIBUTES in wanted


def accepted_values(suggestions: Iterable[Suggestion]) -> dict[str, list[str]]:
    """By field, the values that were accepted; of categories and brands the first alone."""
    found: dict[str, list[str]] = {}
    for one in suggestions:
        if one.accepted and not (one.field in SINGLE_FIELDS and one.field in found):
            found.setdefault(one.field, []).append(one.value)
    return found


def open_suggestions(suggestions: Iterable[Suggestion], fields: Mapping[str, Any]) -> tuple[Suggestion, ...]:
    """Suggestions without those for fields that the merchant states by now."""
    known = stated_labels(fields)
    return tuple(one for one in suggestions if one.field not in known)


def label_candidates(evidence: Mapping[str, Sequence[Neighbour]], terms: str) -> list[LabelCandidate]:
    """The values that neighbours vote for; of categories, the paths above them too.

    Args:
        evidence: neighbours by kind of `EVIDENCE_KINDS`, best first; a kind that does not apply is absent or empty.
        terms: the product's own words, as `document_text` gives them.
    """
    shares: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    spelt: dict[tuple[str, str], str] = {}
    for kind, neighbours in evidence.items():
        for label, share in _vote_shares(neighbours, spelt).items():
            shares[label][kind] = share
    own = set(terms.split())
    return [
        LabelCandidate(
            field,
            spelt[field, value],
            (*(some.get(kind, 0.0) for kind in EVIDENCE_KINDS), float(_is_mentioned(value, own))),
        )
        for (field, value), some in shares.items()
        if max(some.values()) >= MIN_VOTE_SHARE
    ]


def suggest(
    open_candidates: Sequence[LabelCandidate],
    calibrations: Mapping[str, Calibration],
    above: float,
    accept_above: float,
) -> tuple[Suggestion, ...]:
    """Suggestions out of candidates for open fields.

    Args:
        open_candidates: of fields that may be suggested.
        calibrations: by field, or `attributes` for those without their own; a field without any gets no suggestion.
        above: the least confidence.
        accept_above: the confidence from which on a suggestion is accepted.

    Returns:
        Of a category, the longest path that is sure enough to be told, and the longest that is accepted; the likeliest
        brand; every value of an attribute.
    """
    by_field: dict[str, list[Suggestion]] = defaultdict(list)
    for one in open_candidates:
        curve = calibrations.get(one.field) or calibrations.get(one.field.partition(".")[0])
        # Rounded down: nothing that is measured is certain.
        confidence = math.floor(1000 * float(curve(np.array([one.features]))[0])) / 1000 if curve else 0.0
        if curve and confidence >= above:
            by_field[one.field].append(Suggestion(one.field, one.value, confidence, confidence >= accept_above))
    return tuple(one for field, some in by_field.items() for one in _best_suggestions(field, some))


def normalised_label(field: str, value: str) -> str:
    """A value as values are compared."""
    steps = value.split("/") if field == CATEGORY else [value]
    return "/".join(folded for step in steps if (folded := " ".join(step.casefold().split())))


def is_correct(candidate: LabelCandidate, labels: Labels) -> bool:
    """Whether a value is one of those stated, or a path above a stated category."""
    wanted, held = normalised_label(candidate.field, candidate.value), labels.get(candidate.field, ())
    return wanted in {
        normalised_label(candidate.field, one) for value in held for one in _paths(candidate.field, value)
    }


def _best_suggestions(field: str, some: Sequence[Suggestion]) -> Iterable[Suggestion]:
    likeliest = sorted(some, key=lambda one: -one.confidence)
    if field != CATEGORY:
        return likeliest[:1] if field in SINGLE_FIELDS else likeliest
    # Sorting is stable: of equally long paths, the likeliest is first.
    longest = sorted(likeliest, key=lambda one: -one.value.count("/"))
    accepted = [one for one in longest if one.accepted][:1]
    return [longest[0], *(one for one in accepted if one is not longest[0])]


def _vote_weights(neighbours: Sequence[Neighbour]) -> list[float]:
    """1 for the nearest, 0 for what is as far as the last; all 1 where none is nearer than another."""
    if not neighbours:
        return []
    best, least = neighbours[0].score, neighbours[-1].score
    return [(one.score - least) / (best - least) if best > least else 1.0 for one in neighbours]


def _vote_shares(neighbours: Sequence[Neighbour], spelt: dict[tuple[str, str], str]) -> dict[tuple[str, str], float]:
    """By field and value, the value's share in the votes of one kind of evidence; notes how values are spelt.

    Those that state no category or no brand abstain: each product has one. An attribute need not apply to a product,
    so those that do not state it vote for none.
    """
    votes: dict[tuple[str, str], float] = defaultdict(float)
    cast: dict[str, float] = defaultdict(float)
    weights = _vote_weights(neighbours)
    for one, weight in zip(neighbours, weights, strict=True):
        for field, values in one.labels.items():
            cast[field] += weight
            every = {(field, normalised_label(field, path)): path for value in values for path in _paths(field, value)}
            for label, path in every.items():
                votes[label] += weight
                spelt.setdefault(label, path)
    everyone = sum(weights)
    return {
        label: weight / (cast[label[0]] if label[0] in SINGLE_FIELDS else everyone)
        for label, weight in votes.items()
        if weight
    }


def _paths(field: str, value: str) -> Iterator[str]:
    """A value; of a category each path to it from the top."""
    if field != CATEGORY:
        yield value
        return
    steps = [step.strip() for step in value.split("/") if step.strip()]
    yield from ("/".join(steps[: depth + 1]) for depth in range(len(steps)))


def _is_mentioned(value: str, own: set[str]) -> bool:
    """Whether a product's terms have all words of a value, of a path those of its last step."""
    needed = required_terms(value.rpartition("/")[2])
    return bool(needed) and own.issuperset(needed)
