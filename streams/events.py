"""The event schema: CloudEvents 1.0 around product and shopper events, as typed structs.

`decode_event` takes a Kafka message in structured mode (the whole envelope as the value) or in binary mode
(the bare data as the value, `ce_*` headers) and returns an `Event`; everything else is an `InvalidEvent`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from indexer.records import Suggestion
from streams.errors import InvalidEvent

PRODUCT_EVENTS = "catalog.product-events"
USER_EVENTS = "shop.user-events"
INDEX_CHANGES = "vitrine.index-changes"
DEAD_LETTER = "vitrine.dead-letter"
MAX_MESSAGE_BYTES = 10 * 2**20
"""What one message may take on any topic, its key and headers included."""

# `(?!\n)`: `$` alone would let a trailing newline pass.
ProductId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:\-]+$(?!\n)")]
UserId = Annotated[str, Meta(min_length=1, max_length=256)]
Label = Annotated[str, Meta(max_length=256)]
"""A short value that shoppers filter by: a brand, a tag, an attribute's value."""
Version = Annotated[int, Meta(ge=0, le=2**63 - 1)]
NonNegative = Annotated[float, Meta(ge=0, le=1e12)]


class Media(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A picture, clip or sound: by `url`, or inline as base64 `data`."""

    url: Annotated[str, Meta(max_length=2048)] | None = None
    data: bytes | None = None

    def __post_init__(self) -> None:
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
    category: Annotated[str, Meta(max_length=512)] | None | UnsetType = UNSET
    brand: Label | None | UnsetType = UNSET
    price: NonNegative | None | UnsetType = UNSET
    currency: Annotated[str, Meta(max_length=8)] | None | UnsetType = UNSET
    in_stock: bool | None | UnsetType = UNSET
    attributes: Annotated[dict[Label, Label | list[Label]], Meta(max_length=64)] | None | UnsetType = UNSET
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


class DeletedProduct(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A product that is gone."""

    product_id: ProductId
    version: Version | UnsetType = UNSET


class UserProfiled(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a shopper is like; a null trait clears it."""

    user_id: UserId
    traits: Annotated[dict[Label, Label | None], Meta(max_length=64)]


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
UserData = UserProfiled | UserInteraction | UserSearched | UserForgotten

PRODUCT_TYPES: dict[str, type[ProductData]] = {
    "product.created": Product,
    "product.updated": Product,
    "product.deleted": DeletedProduct,
}
USER_FORGOTTEN = "user.forgotten"
INTERACTIONS = ("viewed", "clicked", "liked", "carted", "purchased")
USER_TYPES: dict[str, type[UserData]] = {
    "user.profiled": UserProfiled,
    **{f"user.{kind}": UserInteraction for kind in INTERACTIONS},
    "user.searched": UserSearched,
    USER_FORGOTTEN: UserForgotten,
}
TYPES_BY_TOPIC: dict[str, Mapping[str, type[Any]]] = {PRODUCT_EVENTS: PRODUCT_TYPES, USER_EVENTS: USER_TYPES}


class Envelope(Struct):
    """A CloudEvents 1.0 envelope in structured JSON mode; extension attributes are allowed and ignored."""

    specversion: str
    id: Annotated[str, Meta(min_length=1, max_length=256)]
    source: Annotated[str, Meta(min_length=1, max_length=256)]
    type: str
    data: msgspec.Raw
    subject: str | None = None
    time: datetime | None = None


class Event(Struct, frozen=True):
    """A decoded event."""

    id: str
    source: str
    type: str
    time_ms: int
    """When it happened, Unix milliseconds: its `time`, else Kafka's timestamp."""
    data: ProductData | UserData


_envelopes = msgspec.json.Decoder(Envelope)
_data = {name: msgspec.json.Decoder(cls) for types in TYPES_BY_TOPIC.values() for name, cls in types.items()}
_times = msgspec.json.Decoder(datetime)
_BARE_PATTERN = re.compile(r" matching regex '.*'")


def decode_event(topic: str, value: bytes | None, headers: Mapping[str, bytes], timestamp_ms: int) -> Event:
    """Decode one Kafka message in structured or binary CloudEvents mode.

    Args:
        topic: where it came from; a type that does not belong there is refused.
        value: the message's value; a null value is no event.
        headers: the message's headers by lower-case name.
        timestamp_ms: Kafka's timestamp, the event's time when it has none of its own.

    Raises:
        InvalidEvent: with reason `undecodable`, `invalid` or `wrong_topic`, naming the field at fault.
    """
    if value is None:
        raise InvalidEvent("undecodable", "the message has no value; a deletion is a product.deleted event")
    envelope = _binary(value, headers) if "ce_type" in headers else _structured(value)
    if envelope.specversion != "1.0":
        raise InvalidEvent("invalid", f"specversion is {envelope.specversion[:20]!r}, expected '1.0'")
    if envelope.type not in TYPES_BY_TOPIC[topic]:
        known = ", ".join(TYPES_BY_TOPIC[topic])
        raise InvalidEvent("wrong_topic", f"type {envelope.type[:80]!r} does not belong on {topic}; it takes {known}")
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time_ms=_to_ms(envelope.time) if envelope.time else timestamp_ms,
        data=_decode(_data[envelope.type], envelope.data, "data"),
    )


def encode_event(event: Event) -> bytes:
    """The structured-mode JSON of an event, as `decode_event` reads it back."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "time": datetime.fromtimestamp(event.time_ms / 1000, UTC),
            "datacontenttype": "application/json",
            "data": event.data,
        }
    )


def event_key(data: ProductData | UserData) -> bytes:
    """The Kafka key: whose order the event belongs to."""
    return (data.product_id if isinstance(data, Product | DeletedProduct) else data.user_id).encode()


def _structured(value: bytes) -> Envelope:
    return _decode(_envelopes, value, "envelope")


def _binary(value: bytes, headers: Mapping[str, bytes]) -> Envelope:
    try:
        text = {name: raw.decode() for name, raw in headers.items() if name.startswith("ce_")}
    except UnicodeDecodeError as error:
        raise InvalidEvent("undecodable", f"a ce_ header is not UTF-8: {error.reason}") from None
    time = text.get("ce_time")
    return Envelope(
        specversion=text.get("ce_specversion", "1.0"),
        # Without an id, the content is the identity: a redelivery has the same bytes.
        id=text.get("ce_id") or hashlib.sha256(value).hexdigest(),
        source=text.get("ce_source", "unknown"),
        type=text["ce_type"],
        data=msgspec.Raw(value),
        time=_decode(_times, msgspec.json.encode(time), "ce_time") if time else None,
    )


def _decode(decoder: msgspec.json.Decoder[Any], value: bytes | msgspec.Raw, what: str) -> Any:
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise InvalidEvent(
            "invalid", f"{what}: {_BARE_PATTERN.sub(' of the allowed characters', str(error))}"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("undecodable", f"{what} is not JSON: {error}") from None


def _to_ms(time: datetime) -> int:
    # In whole numbers: by way of a float, a time that is encoded and decoded could lose its last millisecond.
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - _UNIX_EPOCH) // _MILLISECOND


_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
