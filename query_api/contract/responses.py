"""Responses, as they are encoded to JSON."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class MatchedTerm(Struct, frozen=True):
    """A term of the query that a product has."""

    term: str
    """As the query writes it."""
    score: float
    """Its share of the lexical part."""
    fields: list[str]
    """Where the product has it: title, brand, attributes.colour, …"""


class Explanation(Struct, frozen=True):
    """What each part adds to a score, weights included; they sum to it."""

    text: float
    image: float
    lexical: float
    personal: float
    terms: list[MatchedTerm] = []
    """The matched terms, those that count most first; their scores sum to `lexical`. None where a product has none
    of the words: `lexical` is what its nearness implies then."""
    ranker: float = 0.0
    """What the ranker adds, where one is configured."""

    @property
    def score(self) -> float:
        """The sum of the parts."""
        return self.text + self.image + self.lexical + self.personal + self.ranker


class Cause(Struct, frozen=True):
    """Something that the shopper did, by which a product is recommended."""

    did: Literal["viewed", "clicked", "liked", "carted", "purchased", "asked"]
    """`asked`: it is the product that the request names."""
    product_id: str


class Hit(Struct, frozen=True):
    """A product found."""

    product_id: str
    score: float
    title: str
    price: float | None
    currency: str | None
    brand: str | None
    category: str | None
    image_url: str | None
    in_stock: bool | None
    rating: float | None
    suggested: dict[str, list[str]] | UnsetType = UNSET
    """Values by field (`category`, `brand`, `attributes.NAME`) that the merchant does not state: they were predicted,
    and accepted for filters and facets."""
    explanation: Explanation | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    """Why a product is recommended, in a sentence: `because you bought Red mug`."""
    because: Cause | UnsetType = UNSET
    """What the shopper did that the reason speaks of."""


class Understood(Struct, frozen=True, omit_defaults=True):
    """What the words of a query were taken for, the misspelt ones apart."""

    price: dict[Literal["gt", "gte", "lt", "lte"], float] = {}
    """A price filter that a phrase says."""
    phrase: str | None = None
    """That phrase."""
    currency: str | None = None
    """The currency that it names, which filters nothing: prices are compared as numbers."""
    price_applied: bool = True
    """False: the request has a price filter of its own, which wins."""
    excluded: list[str] = []
    """Terms whose products are left out (`-word`), or come last where it is said in words (`without word`)."""
    synonyms: dict[str, list[str]] = {}
    """What lexical search looked for too, by what stands in the query."""
    speech: str | None = None
    """What a spoken query was heard to say; empty: nothing that is understood."""
    speech_alternatives: list[str] = []
    """What else it may have said, the likelier first."""
    speech_problem: str | None = None
    """Why it was not understood, and what helps."""
    recogniser: str | None = None
    """The model that listened: `whisper-base`, `pocketsphinx`, or a checkpoint's name."""


class FacetCount(Struct, frozen=True):
    """How many candidates have a `value`, or a number from `gte` up to, but not including, `lt`."""

    count: int
    value: str | bool | UnsetType = UNSET
    gte: float | UnsetType = UNSET
    lt: float | UnsetType = UNSET


Facet = list[FacetCount]


class SearchResponse(Struct, frozen=True):
    """What a search found, the best first."""

    query_id: str
    hits: list[Hit]
    total: int
    """Products that match: with a query, of those that were looked at; without one, all there are."""
    took_ms: float
    cache: Literal["hit", "miss", "bypass"]
    degraded: list[Literal["cache", "personalisation", "image", "lexical", "ranker", "audio"]]
    """What was left out because a server did not answer; `audio`: because speech was not understood."""
    generation: str
    index_age_ms: int | None
    """How long the oldest event not yet searchable has waited, 0 when none waits; null when that is not known."""
    did_you_mean: str | UnsetType = UNSET
    """The text with words of the catalogue in the place of those that no product has."""
    corrected: bool | UnsetType = UNSET
    """Whether that is what was searched for."""
    understood: Understood | UnsetType = UNSET
    facets: dict[str, Facet] | UnsetType = UNSET
    approximate: bool | UnsetType = UNSET
    """True where more products match than are looked at, so that `total`, `facets` and `groups` are lower bounds."""
    nearest: list[Hit] | UnsetType = UNSET
    """Where no product matches: the few that come nearest."""
    groups: int | UnsetType = UNSET
    """With `group`: how many hits there are on all pages, each group of variants being one; `total` counts products."""


class FieldProblem(Struct, frozen=True):
    """A field at fault."""

    field: str
    detail: str


class PartProblem(Struct, frozen=True):
    """A part of a worker, or a server behind it, that is not as it should be."""

    part: str
    reason: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """An RFC 9457 problem document."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: list[FieldProblem] = []
    reasons: list[PartProblem] = []
    """Why a worker is not alive, or not ready."""


class Reason(Struct, frozen=True):
    """Something that bears on where a product stands."""

    kind: str
    detail: str
    """One sentence."""
    evidence: dict[str, Any] = {}
    """The values that it rests on."""


class Place(Struct, frozen=True):
    """Where a product stands among what a search found; one that was not found, where it would."""

    product_id: str
    rank: int | None
    """From 1, in the order of the results; null: hidden behind another variant."""
    score: float
    explanation: Explanation


class Indexed(Struct, frozen=True):
    """What the index holds of a product."""

    version: int
    last_event: str
    """`source/id` of the latest event that still counts."""
    searchable: bool
    incomplete: bool


class ProductExplanation(Struct, frozen=True):
    """Where a product stands in a search, or why it is not in it."""

    product_id: str
    verdict: Literal[
        "shown",
        "on_another_page",
        "behind_a_variant",
        "beyond_the_candidates",
        "below_the_floor",
        "no_shared_words",
        "not_understood",
        "filtered",
        "asked_with",
        "incomplete",
        "deleted",
        "not_indexed",
    ]
    reasons: list[Reason]
    """Why it is not among the hits of the page that was asked for; none when it is."""
    notes: list[Reason]
    """What else bears on its score, or may make this out of date."""
    place: Place | None
    hit: Place | None
    """The last hit of the page that was asked for."""
    last: Place | None
    """The last of the candidates."""
    total: int
    """Candidates that match, before variants are collapsed."""
    indexed: Indexed | None
    generation: str
    index_age_ms: int | None
    """How long the oldest event not yet searchable has waited, 0 when none waits; null when that is not known."""
