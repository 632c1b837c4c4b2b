"""What a source of recommendations suggests, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from indexer.ports.profiles import Interaction

Did = Literal["viewed", "clicked", "liked", "carted", "purchased", "asked"]
"""What a shopper did to a product; `asked`: it is the one that they ask about just now."""
STRENGTH: Mapping[str, int] = {"asked": 0, "viewed": 1, "clicked": 2, "liked": 3, "carted": 4, "purchased": 5}
_LOOKED = dict.fromkeys(("viewed", "clicked"), "looked at {}")
DEEDS: Mapping[str, str] = {**_LOOKED, "liked": "liked {}", "carted": "put {} in your basket", "purchased": "bought {}"}
NO_REASON = ""


class Cause(NamedTuple):
    """Something that a shopper did, by which a product is suggested."""

    did: Did
    product_id: str


class Suggestion(NamedTuple):
    """A product, and why: in words, with `{did}` for what they did to the cause, `{did_it}` without its title."""

    product_id: str
    score: float
    cause: Cause | None = None
    wording: str = "because you {did}"


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
            if one.kind in DEEDS and STRENGTH[one.kind] > STRENGTH[did.get(one.product_id, "asked")]:
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
    cause, wording = suggestion.cause, suggestion.wording
    if cause is None:
        return "" if "{" in wording else wording
    title = titles.get(cause.product_id, "")
    if not title and "{did_it}" not in wording:
        return ""
    if cause.did == "asked" and "{did}" in wording:
        return f"like {title}"
    deed = DEEDS.get(cause.did, "")
    return wording.format(did=deed.format(title), did_it=deed.format("it"), title=title)
