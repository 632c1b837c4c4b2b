"""The event schema: what happens to products and what shoppers do, as typed structs, and the topics they are on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from indexer.media.inline import decode_base64, is_data_uri
from indexer.records import Suggestion

PRODUCT_EVENTS = "catalog.product-events"
USER_EVENTS = "shop.user-events"
INDEX_CHANGES = "vitrine.index-changes"
DEAD_LETTER = "vitrine.dead-letter"
DEAD_LETTER_REPLAYS = "vitrine.dead-letter-replays"
"""How far dead letters have been replayed: the latest state, by reason."""
MAX_MESSAGE_BYTES = 10 * 2**20
"""What one message may take on any topic, its key and headers included."""
MAX_URL = 2_048

# `(?!\n)`: `$` alone would let a trailing newline pass.
ProductId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:\-]+$(?!\n)")]
UserId = Annotated[str, Meta(min_length=1, max_length=256)]
Label = Annotated[str, Meta(max_length=256)]
"""A short value that shoppers filter by: a brand, a tag, an attribute's value."""
MAX_VALUES = 1_024
"""How many values an attribute may have: of no more in all can a product be found by."""
CategoryPath = Annotated[str, Meta(max_length=512)]
Labels = Annotated[list[Label], Meta(max_length=MAX_VALUES)]
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
NonNegative = Annotated[float, Meta(ge=0, le=1e12)]


def inline_file(text: str) -> bytes:
    """The file in a base64 text; of a text that is none, the text itself, as a file that cannot be decoded.

    A product with such a picture is indexed without it, as with any other broken one.
    """
    data = decode_base64(text)
    return text.encode(errors="replace") if data is None else data


class Media(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A picture, clip or sound: by `url`, or inline as base64 `data`; a data: URI is either."""

    url: Annotated[str, Meta(max_length=MAX_MESSAGE_BYTES)] | None = None
    data: bytes | None = None

    def __post_init__(self) -> None:
        if self.url is not None and is_data_uri(self.url):
            self.url, self.data = None, inline_file(self.url)
        if self.url is not None and len(self.url) > MAX_URL:
            raise ValueError(f"`url` has {len(self.url):,} characters, at most {MAX_URL:,}")
        if (self.url is None) == (self.data is None):
            raise ValueError("give either `url` or `data`")


MediaList = Annotated[list[Media], Meta(max_length=32)]


class Product(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A product's fields. Absent: unchanged in an update, empty in a creation. Null: cleared."""

    product_id: ProductId
    version: Version | UnsetType = UNSET
    title: Annotated[str, Meta(max_length=1_000)] | None | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=20_000)] | None | UnsetType = UNSET
    lang: Annotated[str, Meta(max_length=35)] | None | UnsetType = UNSET
    category: CategoryPath | None | UnsetType = UNSET
    categories: Annotated[list[CategoryPath], Meta(max_length=64)] | None | UnsetType = UNSET
    """All categories that it is found under; `category` is the first."""
    brand: Label | None | UnsetType = UNSET
    price: NonNegative | None | UnsetType = UNSET
    currency: Annotated[str, Meta(max_length=8)] | None | UnsetType = UNSET
    in_stock: bool | None | UnsetType = UNSET
    attributes: Annotated[dict[Label, Label | Labels], Meta(max_length=64)] | None | UnsetType = UNSET
    tags: Annotated[list[Label], Meta(max_length=64)] | None | UnsetType = UNSET
    rating: Annotated[float, Meta(ge=0, le=5)] | None | UnsetType = UNSET
    rating_count: Annotated[int, Meta(ge=0, le=2**53)] | None | UnsetType = UNSET
    reviews: Annotated[list[Annotated[str, Meta(max_length=2_000)]], Meta(max_length=50)] | None | UnsetType = UNSET
    created_at: datetime | None | UnsetType = UNSET
    images: MediaList | None | UnsetType = UNSET
    videos: MediaList | None | UnsetType = UNSET
    audios: MediaList | None | UnsetType = UNSET
    group_id: Annotated[str, Meta(max_length=128)] | None | UnsetType = UNSET
    url: Annotated[str, Meta(max_length=2048)] | None | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.category is UNSET and self.categories is not UNSET:
            self.category = self.categories[0] if self.categories else None


class DeletedProduct(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A product that is gone."""

    product_id: ProductId
    version: Version | UnsetType = UNSET


class UserProfiled(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a shopper is like; a null trait clears it."""

    user_id: UserId
    traits: Annotated[dict[Label, Label | None], Meta(max_length=64)]
    learning: bool | None = None
    """Whether what they do from then on may be learnt from; false: they opted out."""


class UserIdentified(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An anonymous shopper who turns out to be a known one: what was done under the second id belongs to the first."""

    user_id: UserId
    anonymous_id: UserId


class UserInteraction(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A shopper did something to a product."""

    user_id: UserId
    product_id: ProductId
    session_id: Annotated[str, Meta(max_length=256)] | None = None
    query_id: Annotated[str, Meta(max_length=256)] | None = None
    position: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None


class UserSearched(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A shopper searched for words."""

    user_id: UserId
    query: Annotated[str, Meta(max_length=1_000)]
    query_id: Annotated[str, Meta(max_length=256)] | None = None


class UserForgotten(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A shopper who is to be forgotten: what they did until then counts no more, whenever it comes again."""

    user_id: UserId


class IndexChange(Struct, omit_defaults=True):
    """What became of a product in the index, on `vitrine.index-changes`: at least once, in order a product."""

    product_id: ProductId
    change: Literal["created", "updated", "deleted", "unchanged"]
    searchable: bool
    version: Version
    """The greatest version seen of the product."""
    generation: str
    """The generation of the index that changed."""
    event_ids: list[str]
    """The events that it is about."""
    indexed_at_ms: int
    missing_images: bool = False
    """A picture was out of reach; the product is searchable without it."""
    suggestions: list[Suggestion] = []
    """Values for fields that the merchant does not state, where labelling is on."""
    duplicates: list[ProductId] = []
    """Other products that look like the same goods listed twice, where they are looked for."""


ProductData = Product | DeletedProduct
UserData = UserProfiled | UserIdentified | UserInteraction | UserSearched | UserForgotten

PRODUCT_TYPES: dict[str, type[ProductData]] = {
    "product.created": Product,
    "product.updated": Product,
    "product.deleted": DeletedProduct,
}
USER_FORGOTTEN = "user.forgotten"
USER_IDENTIFIED = "user.identified"
INTERACTIONS = ("viewed", "clicked", "liked", "carted", "purchased")
USER_TYPES: dict[str, type[UserData]] = {
    "user.profiled": UserProfiled,
    **{f"user.{kind}": UserInteraction for kind in INTERACTIONS},
    "user.searched": UserSearched,
    USER_IDENTIFIED: UserIdentified,
    USER_FORGOTTEN: UserForgotten,
}
TYPES_BY_TOPIC: dict[str, Mapping[str, type[Any]]] = {PRODUCT_EVENTS: PRODUCT_TYPES, USER_EVENTS: USER_TYPES}


class Event(Struct, frozen=True):
    """A decoded event."""

    id: str
    source: str
    type: str
    time_ms: int
    """When it happened, Unix milliseconds: its `time`, else Kafka's timestamp."""
    data: ProductData | UserData
