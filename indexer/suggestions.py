"""Labels from neighbours: what products that are alike say of a field which this one leaves open. Pure.

Each kind of evidence (nearness of vectors, shared words) is a ranked list of neighbours, which vote for the values
they state. A vote counts by the distance-weighted rule, which looks at a list's own span of scores alone, so that it
means the same for any encoder and any score. What the merchants state votes, and never what was suggested.

Source: Dudani, 1976, "The Distance-Weighted k-Nearest-Neighbor Rule".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indexer.calibration import Calibration
from indexer.cards import Card
from indexer.filters import ATTRIBUTE_PREFIX
from indexer.lexical import required_terms
from indexer.records import Suggestion

CATEGORY = "category"
SINGLE_FIELDS = (CATEGORY, "brand")
ALL_ATTRIBUTES = "attributes"
"""Stands for every attribute that the neighbours state."""
LEAST_SHARE = 0.15
"""Of the votes; a value with fewer is no candidate."""
MOST_VALUES = 6
"""Values of a field that are looked at, those with the most votes."""

Labels = Mapping[str, Sequence[str]]
"""The values of a product by field: `category`, `brand`, `attributes.NAME`."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A product that is like another."""

    score: float
    labels: Labels


@dataclass(frozen=True, slots=True)
class Ballot:
    """What became of the vote for a value."""

    field: str
    value: str
    share: float
    """Of the votes, 0 to 1."""


def stated(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """The labels that a merchant states, from a product's fields as JSON values."""
    found = {name: [fields[name]] for name in SINGLE_FIELDS if (fields.get(name) or "").strip()}
    for name, value in (fields.get("attributes") or {}).items():
        if values := [one for one in ([value] if isinstance(value, str) else value) if one.strip()]:
            found[ATTRIBUTE_PREFIX + name] = values
    return found


def card_labels(card: Card) -> dict[str, list[str]]:
    """The labels that a merchant states, from a product's card."""
    return stated({"category": card.category, "brand": card.brand, "attributes": card.attributes})


def accepted_values(suggestions: Iterable[Suggestion]) -> dict[str, list[str]]:
    """By field, the values that were accepted; of categories and brands the first alone."""
    found: dict[str, list[str]] = {}
    for one in suggestions:
        if one.accepted and not (one.field in SINGLE_FIELDS and one.field in found):
            found.setdefault(one.field, []).append(one.value)
    return found


def still_open(suggestions: Iterable[Suggestion], fields: Mapping[str, Any]) -> tuple[Suggestion, ...]:
    """Suggestions without those for fields that the merchant states by now."""
    known = stated(fields)
    return tuple(one for one in suggestions if one.field not in known)


def is_open(field: str, own: Labels, wanted: Iterable[str]) -> bool:
    """Whether a field may be suggested: it is wanted and not stated."""
    named = set(wanted)
    return field not in own and (field in named or (field.startswith(ATTRIBUTE_PREFIX) and ALL_ATTRIBUTES in named))


def count_votes(evidence: Sequence[Sequence[Neighbour]], text: str) -> list[Ballot]:
    """The vote over all fields; of several kinds of evidence, the mean of those that have any neighbour.

    Args:
        evidence: a list of neighbours for each kind, best first.
        text: the product's own words: a value that stands there has the vote of one kind of evidence more.

    Returns:
        The candidates of each field, those with most votes first; for a category, the paths above the winner too.
    """
    shares = [_shares(some) for some in evidence if some]
    ballots: list[Ballot] = []
    for field in dict.fromkeys(name for one in shares for name in one):
        mean = _mean([one.get(field, {}) for one in shares])
        if mean:
            ballots += _candidates(field, _with_mention(mean, text))
    return ballots


def suggest(
    ballots: Iterable[Ballot], calibrations: Mapping[str, Calibration], above: float, accept_above: float
) -> tuple[Suggestion, ...]:
    """Suggestions from the votes for open fields.

    Args:
        ballots: of fields that may be suggested.
        calibrations: by field, or `attributes` for those without their own; a field without any gets no suggestion.
        above: the least confidence.
        accept_above: the confidence from which on a suggestion is accepted.

    Returns:
        Of a category, the longest path that is sure enough to be told and the longest that is accepted; the likeliest
        brand; every value of an attribute.
    """
    by_field: dict[str, list[Suggestion]] = defaultdict(list)
    for one in ballots:
        curve = calibrations.get(one.field) or calibrations.get(one.field.partition(".")[0])
        confidence = round(curve(one.share), 3) if curve else 0.0
        if confidence >= above and confidence > 0:
            told = Suggestion(one.field, one.value, confidence, accepted=confidence >= accept_above)
            by_field[one.field].append(told)
    return tuple(one for field, some in by_field.items() for one in _told(field, some))


def normal(field: str, value: str) -> str:
    """A value as values are compared."""
    steps = [step.strip() for step in value.split("/")] if field == CATEGORY else [value]
    return "/".join(" ".join(step.casefold().split()) for step in steps if step)


def is_right(ballot: Ballot, labels: Labels) -> bool:
    """Whether a value is one of those stated, or a path above a stated category."""
    wanted = normal(ballot.field, ballot.value)
    held = [normal(ballot.field, one) for one in labels.get(ballot.field, ())]
    if ballot.field == CATEGORY:
        return any(one == wanted or one.startswith(wanted + "/") for one in held)
    return wanted in held


def _told(field: str, candidates: Sequence[Suggestion]) -> Iterable[Suggestion]:
    if field != CATEGORY:
        return candidates[:1] if field in SINGLE_FIELDS else candidates
    longest = candidates[-1]
    accepted = [one for one in candidates if one.accepted][-1:]
    return [longest, *(one for one in accepted if one is not longest)]


def _weights(neighbours: Sequence[Neighbour]) -> list[float]:
    """1 for the nearest, 0 for what is as far as the last; all 1 where none is nearer than another."""
    best, least = neighbours[0].score, neighbours[-1].score
    return [(one.score - least) / (best - least) if best > least else 1.0 for one in neighbours]


def _shares(neighbours: Sequence[Neighbour]) -> dict[str, dict[str, float]]:
    """By field, the share of each value in the votes of one kind of evidence; keys are the values as most write them.

    Those that state no category or no brand abstain: each product has one. An attribute need not apply to a product,
    so those that do not state it vote for none.
    """
    votes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    spelt: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    cast: dict[str, float] = defaultdict(float)
    weights = _weights(neighbours)
    for one, weight in zip(neighbours, weights, strict=True):
        for field, values in one.labels.items():
            cast[field] += weight
            for value in _distinct(field, values):
                votes[field][normal(field, value)] += weight
                spelt[field][normal(field, value)][value] += 1
    everyone = sum(weights)
    return {
        field: {
            spelt[field][value].most_common(1)[0][0]: weight / (cast[field] if field in SINGLE_FIELDS else everyone)
            for value, weight in some.items()
            if weight
        }
        for field, some in votes.items()
    }


def _distinct(field: str, values: Sequence[str]) -> Iterable[str]:
    """A product's values, each once; a category with the paths above it."""
    every = [path for value in values for path in _paths(value)] if field == CATEGORY else values
    return {normal(field, one): one for one in every}.values()


def _paths(category: str) -> Iterator[str]:
    steps = [step.strip() for step in category.split("/") if step.strip()]
    yield from ("/".join(steps[: depth + 1]) for depth in range(len(steps)))


def _mean(shares: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean over the kinds of evidence that have votes for the field."""
    voted = [one for one in shares if one]
    return {value: sum(one.get(value, 0.0) for one in voted) / len(voted) for one in voted for value in one}


def _with_mention(shares: Mapping[str, float], text: str) -> dict[str, float]:
    return dict(shares)


def _candidates(field: str, shares: Mapping[str, float]) -> list[Ballot]:
    ranked = sorted(((share, value) for value, share in shares.items() if share >= LEAST_SHARE), reverse=True)
    if field == CATEGORY:
        ranked = list(_descent(ranked))
    return [Ballot(field, value, share) for share, value in ranked[:MOST_VALUES]]


def _descent(ranked: Sequence[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    """From the top of the tree down, the path with most votes at each level below the one before."""
    above, depth = "", 0
    while True:
        below = [one for one in ranked if one[1].count("/") == depth and one[1].casefold().startswith(above)]
        if not below:
            return
        yield below[0]
        above, depth = below[0][1].casefold() + "/", depth + 1
