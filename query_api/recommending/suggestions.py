"""What a source of recommendations suggests, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from indexer.ports.profiles import Interaction

Did = Literal["viewed", "clicked", "liked", "carted", "purchased", "asked"]
"""What a shopper did to a product; `asked`: it is the one that they ask about just now."""
STRENGTH: Mapping[str, int] = {"asked": 0, "viewed": 1, "clicked": 2, "liked": 3, "carted": 4, "purchased": 5}
_LOOKED = dict.fromkeys(("viewed", "clicked"), "looked at")
VERBS: Mapping[str, str] = {**_LOOKED, "liked": "liked", "carted": "put in your basket", "purchased": "bought"}


class Cause(NamedTuple):
    """Something that a shopper did, by which a product is suggested."""

    did: Did
    product_id: str


class Suggestion(NamedTuple):
    """A product, and why: by what they did, else in words, of which `{}` is the title of the cause."""

    product_id: str
    score: float
    cause: Cause | None = None
    wording: str = "because you {did} {title}"


@dataclass(frozen=True, slots=True)
class Shopper:
    """What a shopper did, as far as it may be learnt from."""

    user_id: str = ""
    interactions: Sequence[Interaction] = ()
    """The latest, newest first."""
    degraded: tuple[str, ...] = ()
    """`personalisation` where that is not known just now."""
    did: Mapping[str, Did] = field(default_factory=dict[str, Did])
    """The strongest thing that they did to each product, the latest product first."""

    @classmethod
    def of(cls, user_id: str, interactions: Sequence[Interaction]) -> Shopper:
        """A shopper with this history."""
        did: dict[str, Did] = {}
        for one in interactions:
            if one.kind in VERBS and STRENGTH[one.kind] > STRENGTH[did.get(one.product_id, "asked")]:
                did[one.product_id] = one.kind  # pyright: ignore[reportArgumentType]
        return cls(user_id, interactions, did=did)

    def cause(self, product_id: str) -> Cause:
        """What they did to a product; if nothing, that they ask about it."""
        return Cause(self.did.get(product_id, "asked"), product_id)


def reason_text(suggestion: Suggestion, titles: Mapping[str, str]) -> str:
    """Why a product is suggested, in a sentence; empty where nothing true can be said.

    Args:
        titles: of the products that may be named to the shopper.
    """
    cause = suggestion.cause
    if cause is None:
        return suggestion.wording if "{" not in suggestion.wording else ""
    if "{title}" in suggestion.wording and cause.product_id not in titles:
        return ""
    title = titles.get(cause.product_id, "")
    if cause.did == "asked" and "{did}" in suggestion.wording:
        return f"like {title}"
    return suggestion.wording.format(did=VERBS.get(cause.did, ""), title=title)
