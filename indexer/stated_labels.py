"""The labels that a product's merchant states: its category, its brand and its attributes, by field. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from indexer.filters import ATTRIBUTE_PREFIX, attribute_values, category_paths
from indexer.hit_payload import HitPayload
from indexer.records import Suggestion

CATEGORY: Final = "category"
SINGLE_FIELDS: Final = (CATEGORY, "brand")
"""Fields of which a product has one value at most."""

Labels = Mapping[str, Sequence[str]]
"""The values of a product by field: `category`, `brand`, `attributes.NAME`."""


def stated_labels(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """The labels that a merchant states, from a product's fields as JSON values."""
    labels = {name: [fields[name]] for name in SINGLE_FIELDS if (fields.get(name) or "").strip()}
    for name, value in attribute_values(fields).items():
        texts = [value] if isinstance(value, str) else value
        if values := [text for text in texts if text.strip()]:
            labels[ATTRIBUTE_PREFIX + name] = values
    return labels


def payload_labels(payload: HitPayload) -> dict[str, list[str]]:
    """The labels that a merchant states, from what a search shows of a product."""
    return stated_labels({"category": payload.category, "brand": payload.brand, "attributes": payload.attributes})


def without_label(fields: Mapping[str, Any], label: str) -> dict[str, Any]:
    """A product's fields as if the merchant did not state a label."""
    name = label.removeprefix(ATTRIBUTE_PREFIX)
    if name == label:
        return {key: value for key, value in fields.items() if key != label}
    attributes = {key: value for key, value in attribute_values(fields).items() if key != name}
    return {**fields, "attributes": attributes}


def accepted_values(suggestions: Iterable[Suggestion]) -> dict[str, list[str]]:
    """By field, the suggested values that were accepted; the first alone where a field has one value at most."""
    accepted: dict[str, list[str]] = {}
    for suggestion in suggestions:
        field = suggestion.field
        if suggestion.accepted and not (field in SINGLE_FIELDS and field in accepted):
            accepted.setdefault(field, []).append(suggestion.value)
    return accepted


def normalised_label(field: str, value: str) -> str:
    """A value in the form in which values are compared: without case and surplus blanks."""
    steps = value.split("/") if field == CATEGORY else [value]
    return "/".join(folded for step in steps if (folded := " ".join(step.casefold().split())))


def label_paths(field: str, value: str) -> list[str]:
    """A value by itself; of a category each path to it from the top: `a/b` gives `a` and `a/b`."""
    return category_paths(value) if field == CATEGORY else [value]
