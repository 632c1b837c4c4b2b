"""What requests may say: their fields, types and bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from indexer.criteria import Filters
from indexer.filter_parsing import MAX_FILTERS
from indexer.filters import FIELD_MAX_CHARS
from indexer.media.inline import decode_base64, is_data_uri
from query_api.contract.text import normalise_text

ProductId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:\-]+$(?!\n)")]
UserId = Annotated[str, Meta(min_length=1, max_length=256)]
Weight = Annotated[float, Meta(ge=0, le=100)]
PartWeight = Annotated[float, Meta(ge=-10, le=10)]
FacetField = Annotated[
    str,
    Meta(
        max_length=FIELD_MAX_CHARS,
        # `(?!\n)`: `$` alone would let a trailing newline pass.
        pattern=r"^(category|brand|price|rating|in_stock|lang|currency|tags|attributes\..+)$(?!\n)",
    ),
]
FilterField = Annotated[str, Meta(min_length=1, max_length=FIELD_MAX_CHARS)]
RangeField = Annotated[str, Meta(pattern=r"^(price|rating)$(?!\n)")]
FacetBounds = Annotated[list[float], Meta(min_length=2, max_length=50)]
Mode = Literal["hybrid", "dense", "lexical"]
Sort = Literal["relevance", "price", "-price", "newest"]
Kind = Literal["for_you", "continue", "again", "together", "similar", "recent", "trending", "new"]

MAX_TEXT = 1_000
MAX_URL = 2_048
MAX_DATA_URI = 32 * 2**20
"""Beyond the longest body that a service takes by default."""
MAX_PARTS = 16
CLIP_FIELDS = ("audio", "video")
MEDIA_FIELDS = ("image", *CLIP_FIELDS)


class MediaReference(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A picture, sound or clip by `url`, or inline as base64 `data`; a data: URI is either."""

    url: Annotated[str, Meta(max_length=MAX_DATA_URI)] | None = None
    data: bytes | None = None

    def __post_init__(self) -> None:
        if self.url is not None and is_data_uri(self.url):
            self.url, self.data = None, decode_base64(self.url)
            if self.data is None:
                raise ValueError("the data: URI is no base64")
        if self.url is not None and len(self.url) > MAX_URL:
            raise ValueError(f"`url` has {len(self.url):,} characters, at most {MAX_URL:,}")


class Weights(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much each part counts; what is absent takes its default."""

    text: Weight | None = None
    image: Weight | None = None
    lexical: Weight | None = None
    personal: Weight | None = None


class Part(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One thing to search with: a text, a picture or a product."""

    text: Annotated[str, Meta(max_length=MAX_TEXT)] | None = None
    image: bytes | MediaReference | None = None
    product_id: ProductId | None = None
    weight: PartWeight = 1.0
    """How much it counts beside the others of its kind; below 0: away from it."""

    def __post_init__(self) -> None:
        count = sum(content is not None for content in (self.text, self.image, self.product_id))
        if count != 1:
            raise ValueError(f"a part is one of `text`, `image` and `product_id`; {count} are given")
        if not self.weight or not math.isfinite(self.weight):
            raise ValueError("a part's weight must not be 0")
        if self.text is not None:
            self.text = normalise_text(self.text)


class SearchRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A search: by words, a picture, a product or several of these; with none of them, a look at what matches."""

    text: Annotated[str, Meta(max_length=MAX_TEXT)] | None = None
    image: bytes | MediaReference | None = None
    audio: bytes | MediaReference | None = None
    """A spoken query: what is understood counts as text."""
    video: bytes | MediaReference | None = None
    """A clip: its frames count as one picture."""
    product_id: ProductId | None = None
    """More like this product, which is itself left out."""
    parts: Annotated[list[Part], Meta(max_length=MAX_PARTS)] = []
    """More to search with, each with its weight; `text`, `image` and `product_id` are parts of weight 1."""
    user_id: UserId | None = None
    """Whose taste orders the results."""
    k: Annotated[int, Meta(ge=1, le=100)] = 10
    offset: Annotated[int, Meta(ge=0, le=10_000)] = 0
    """How many hits to skip. A query ranks the 1,000 best of each kind of search: pages beyond those are empty, and
    `approximate` says that more products match."""
    filters: Annotated[dict[FilterField, Any], Meta(max_length=MAX_FILTERS)] = {}
    facets: Annotated[list[FacetField], Meta(max_length=20)] = []
    facet_ranges: Mapping[RangeField, FacetBounds] = {}
    """Ascending bounds between which to count prices or ratings, each up to but not including the next; without any,
    round ones are chosen that suit the products."""
    multi_select: bool = False
    """Count a facet as if its own field was not filtered, so that its other values can be chosen too."""
    mode: Mode = "hybrid"
    weights: Weights = Weights()
    explain: bool = False
    group: bool = False
    """Show just the best of each group of variants."""
    sort: Sort = "relevance"
    """The order of all products that match; where more than 10,000 match a query, of the 10,000 best, and `approximate`
    says so."""
    floor: Annotated[float, Meta(ge=0, le=10)] | None = None
    """What a product has to reach to match a query, as a multiple of what is learnt from the index; 0: all that comes
    near counts, whatever it is; null: as the service is configured."""
    correct: bool = True
    """Search for the words of the catalogue in the place of misspelt ones; false: just name them."""
    price_phrases: bool = True
    """Take a price in the text, as `under 50`, for a filter."""
    exclusion_phrases: bool = True
    """Rank products down that have what the text says in words that it does not want: `without stripes`, `no sugar`,
    `ohne`, `不含糖`."""

    def __post_init__(self) -> None:
        self.text = normalise_text(self.text or "") or None

    @property
    def fixed_filters(self) -> Filters:
        """What all that is shown or counted has to pass besides `filters`: of the caller's token."""
        return ()

    @property
    def all_parts(self) -> list[Part]:
        """All there is to search with: `text`, `image` and `product_id` as parts, then `parts`."""
        text = [Part(text=self.text)] if self.text is not None else []
        image = [Part(image=self.image)] if self.image is not None else []
        product = [Part(product_id=self.product_id)] if self.product_id is not None else []
        return [*text, *image, *product, *self.parts]


class SimilarRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What `similar` takes beside the product."""

    k: Annotated[int, Meta(ge=1, le=100)] = 10
    offset: Annotated[int, Meta(ge=0, le=10_000)] = 0
    filters: Annotated[dict[FilterField, Any], Meta(max_length=MAX_FILTERS)] = {}
    facets: Annotated[list[FacetField], Meta(max_length=20)] = []
    explain: bool = False
    group: bool = False
    user_id: UserId | None = None


class RecommendationRequest(SimilarRequest):
    """What a shopper might like, with no query."""

    kind: Kind = "for_you"
    """`for_you`: what they might like; `continue`: what goes with a session; `again`: what they bought; `together`:
    what others chose with a product; `similar`: products like one; `recent`: what they looked at; `trending`: what is
    popular in a category; `new`: what is new, what fits them first."""
    product_id: ProductId | None = None
    """`together` and `similar` need it."""
    session_id: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    """`continue` needs it."""
    category: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    """Only what is in it, or below it; `trending` needs it."""
    diversity: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """How much being unlike what stands before counts beside the order; 0: nothing."""
    max_per_brand: Annotated[int, Meta(ge=1, le=100)] | None = None
    """How many hits of one brand there may be, on all pages together."""
    max_per_category: Annotated[int, Meta(ge=1, le=100)] | None = None
    """How many hits of one category there may be, on all pages together."""

    @property
    def missing_anchor(self) -> str | None:
        """The field that the kind needs and that is not given."""
        needed = ANCHORS.get(self.kind)
        return needed if needed is not None and getattr(self, needed) is None else None


ANCHORS: Mapping[str, str] = {
    "together": "product_id",
    "similar": "product_id",
    "trending": "category",
}
"""What each kind that starts from something starts from."""
