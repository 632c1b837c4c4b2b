"""Suggests values for the fields that a merchant leaves open, by what similar products state there. Pure.

Each kind of evidence (near by text, near by picture, shared words) is a ranked list of neighbours. They vote for the
values that their merchants state; values that were only suggested have no vote. A vote is weighted by the distance-
weighted rule: it depends only on the span of scores within the list, so that it means the same for every encoder and
score. A calibration, fitted to products of the same index, turns the shares of votes of a field into a confidence.

Source: Dudani, 1976, "The Distance-Weighted k-Nearest-Neighbor Rule".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from indexer.filters import ATTRIBUTE_PREFIX
from indexer.labels.calibration import Calibration
from indexer.records import Suggestion
from indexer.stated_labels import CATEGORY, SINGLE_FIELDS, Labels, label_paths, normalised_label, stated_labels
from indexer.text_analysis.analyzer import required_terms

ALL_ATTRIBUTES: Final = "attributes"
"""Stands for every attribute that the neighbours state."""
EVIDENCE_KINDS: Final = ("text", "image", "words")
MIN_VOTE_SHARE = 0.1
"""The least share of the votes, by any one kind of evidence, that makes a value a candidate."""


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


def is_open_field(field: str, own: Labels, wanted: Iterable[str]) -> bool:
    """Whether a field may be suggested: it is wanted and not stated."""
    return field not in own and (field in wanted or is_wanted_attribute(field, wanted))


def is_wanted_attribute(field: str, wanted: Iterable[str]) -> bool:
    """Whether a field is wanted as one of all attributes."""
    return field.startswith(ATTRIBUTE_PREFIX) and ALL_ATTRIBUTES in wanted


def open_suggestions(suggestions: Iterable[Suggestion], fields: Mapping[str, Any]) -> tuple[Suggestion, ...]:
    """Suggestions without those for fields that the merchant states by now."""
    stated = stated_labels(fields)
    return tuple(suggestion for suggestion in suggestions if suggestion.field not in stated)


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
    product_terms = set(terms.split())
    return [
        LabelCandidate(
            field,
            spelt[field, value],
            (*(by_kind.get(kind, 0.0) for kind in EVIDENCE_KINDS), float(_is_mentioned(value, product_terms))),
        )
        for (field, value), by_kind in shares.items()
        if max(by_kind.values()) >= MIN_VOTE_SHARE
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
    for candidate in open_candidates:
        field = candidate.field
        curve = calibrations.get(field) or calibrations.get(field.partition(".")[0])
        # Rounded down: nothing that is measured is certain.
        confidence = math.floor(1000 * float(curve(np.array([candidate.features]))[0])) / 1000 if curve else 0.0
        if curve and confidence >= above:
            by_field[field].append(Suggestion(field, candidate.value, confidence, confidence >= accept_above))
    return tuple(best for field, suggestions in by_field.items() for best in _best_suggestions(field, suggestions))


def is_correct(candidate: LabelCandidate, labels: Labels) -> bool:
    """Whether a value is one of those stated, or a path above a stated category."""
    field = candidate.field
    stated = {normalised_label(field, path) for value in labels.get(field, ()) for path in label_paths(field, value)}
    return normalised_label(field, candidate.value) in stated


def _best_suggestions(field: str, suggestions: Sequence[Suggestion]) -> Iterable[Suggestion]:
    likeliest = sorted(suggestions, key=lambda suggestion: -suggestion.confidence)
    if field != CATEGORY:
        return likeliest[:1] if field in SINGLE_FIELDS else likeliest
    # Sorting is stable: of equally long paths, the likeliest is first.
    longest = sorted(likeliest, key=lambda suggestion: -suggestion.value.count("/"))
    accepted = [suggestion for suggestion in longest if suggestion.accepted][:1]
    return [longest[0], *(suggestion for suggestion in accepted if suggestion is not longest[0])]


def _vote_weights(neighbours: Sequence[Neighbour]) -> list[float]:
    """1 for the nearest, 0 for what is as far as the last; all 1 where none is nearer than another."""
    if not neighbours:
        return []
    best, least = neighbours[0].score, neighbours[-1].score
    return [(neighbour.score - least) / (best - least) if best > least else 1.0 for neighbour in neighbours]


def _vote_shares(neighbours: Sequence[Neighbour], spelt: dict[tuple[str, str], str]) -> dict[tuple[str, str], float]:
    """By field and value, the value's share in the votes of one kind of evidence; notes in `spelt` how it is written.

    A neighbour that states no category or no brand abstains from that field: each product has one. An attribute need
    not apply to a product, so that a neighbour without it votes for no value.
    """
    votes: dict[tuple[str, str], float] = defaultdict(float)
    cast: dict[str, float] = defaultdict(float)
    weights = _vote_weights(neighbours)
    for neighbour, weight in zip(neighbours, weights, strict=True):
        for field, values in neighbour.labels.items():
            cast[field] += weight
            paths = [path for value in values for path in label_paths(field, value)]
            for label, path in {(field, normalised_label(field, path)): path for path in paths}.items():
                votes[label] += weight
                spelt.setdefault(label, path)
    total = sum(weights)
    return {
        label: weight / (cast[label[0]] if label[0] in SINGLE_FIELDS else total)
        for label, weight in votes.items()
        if weight
    }


def _is_mentioned(value: str, product_terms: set[str]) -> bool:
    """Whether a product's terms have all words of a value; of a path, those of its last step."""
    required = required_terms(value.rpartition("/")[2])
    return bool(required) and product_terms.issuperset(required)
