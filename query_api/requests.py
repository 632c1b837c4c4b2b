"""What callers may ask: `SearchRequest`, read from JSON, from query parameters or from form fields."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from query_api.errors import InvalidRequest

ProductId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:\-]+$(?!\n)")]
UserId = Annotated[str, Meta(min_length=1, max_length=256)]
Weight = Annotated[float, Meta(ge=0, le=100)]
FacetField = Annotated[
    str, Meta(max_length=300, pattern=r"^(category|brand|price|rating|in_stock|lang|currency|tags|attributes\..+)$")
]
Mode = Literal["hybrid", "dense", "lexical"]
Sort = Literal["relevance", "price", "-price", "newest"]

MAX_TEXT = 1_000
UNAVAILABLE_MEDIA = ("audio", "video")


class MediaReference(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A picture, sound or clip by `url`, or inline as base64 `data`."""

    url: Annotated[str, Meta(max_length=2048)] | None = None
    data: bytes | None = None


class Weights(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much each part counts; what is absent takes its default."""

    text: Weight | None = None
    image: Weight | None = None
    lexical: Weight | None = None
    personal: Weight | None = None


class SearchRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A search: by words, a picture, a product or several of these; with none of them, a look at what matches."""

    text: Annotated[str, Meta(max_length=MAX_TEXT)] | None = None
    image: bytes | MediaReference | None = None
    audio: bytes | MediaReference | None = None
    video: bytes | MediaReference | None = None
    product_id: ProductId | None = None
    """More like this product, which is itself left out."""
    user_id: UserId | None = None
    """Whose taste orders the results."""
    k: Annotated[int, Meta(ge=1, le=100)] = 10
    offset: Annotated[int, Meta(ge=0, le=10_000)] = 0
    """How many hits to skip. A query ranks the 1,000 best of each kind of search: pages beyond those are empty, and
    `approximate` says that more products match."""
    filters: Annotated[dict[str, Any], Meta(max_length=32)] = {}
    facets: Annotated[list[FacetField], Meta(max_length=20)] = []
    mode: Mode = "hybrid"
    weights: Weights = Weights()
    explain: bool = False
    group: bool = False
    """Show just the best of each group of variants."""
    sort: Sort = "relevance"
    """With a query, the order of its candidates; without one, of all products that match."""

    def __post_init__(self) -> None:
        self.text = normalise_text(self.text or "") or None

    @property
    def picture(self) -> bytes | None:
        """The picture's bytes, when it came inline."""
        return self.image.data if isinstance(self.image, MediaReference) else self.image


class RecommendationRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a shopper might like, with no query; also what `similar` takes beside the product."""

    k: Annotated[int, Meta(ge=1, le=100)] = 10
    offset: Annotated[int, Meta(ge=0, le=10_000)] = 0
    filters: Annotated[dict[str, Any], Meta(max_length=32)] = {}
    facets: Annotated[list[FacetField], Meta(max_length=20)] = []
    explain: bool = False
    group: bool = False
    user_id: UserId | None = None


_requests = msgspec.json.Decoder(SearchRequest)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]+")
_PATH = re.compile(r"^(?P<reason>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_JSON_FIELDS = ("filters", "weights")
_LIST_FIELDS = ("facets",)


def normalise_text(text: str) -> str:
    """Composed Unicode (NFC) without control characters, blanks collapsed; what the encoder sees and the cache keys."""
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", text)).split())


def read_json(body: bytes) -> SearchRequest:
    """The request in a JSON body.

    Raises:
        InvalidRequest: 400 when it is no JSON, 422 naming the field that is refused.
    """
    try:
        return _checked(_requests.decode(body))
    except msgspec.ValidationError as error:
        raise refused(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest("", f"the body is no JSON: {error}", 400) from None


def read_fields(fields: Mapping[str, str], media: Mapping[str, bytes] | None = None) -> SearchRequest:
    """The request in query parameters or form fields; `q` is `text`, `filters` and `weights` are JSON.

    Args:
        fields: values by name; `facets` separated by commas.
        media: uploaded files by field name.
    """
    given: dict[str, Any] = {("text" if name == "q" else name): value for name, value in fields.items() if value != ""}
    return _checked(convert(given | dict(media or {}), SearchRequest))


def convert(given: Mapping[str, Any], kind: type[Any]) -> Any:
    """A request struct from strings by name. Raises `InvalidRequest` naming the field that is refused."""
    values = {name: _parsed(name, value) for name, value in given.items()}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise refused(error) from None


def refused(error: msgspec.ValidationError) -> InvalidRequest:
    """A validation error with its field apart: `Expected int <= 100 - at $.k` is of field `k`."""
    found = _PATH.match(str(error))
    reason, path = (found["reason"], found["path"]) if found else (str(error), "")
    unknown = re.search(r"unknown field `(.*)`", reason, re.DOTALL)
    field = ".".join(part for part in ((path or "").lstrip("."), unknown[1] if unknown else "") if part)
    return InvalidRequest(field[:100], f"{field[:100] or 'the request'}: {_readable(reason)}")


def _readable(reason: str) -> str:
    return re.sub(r" matching regex '.*'", " of the allowed form", reason, flags=re.DOTALL)[:300]


def _parsed(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name in _JSON_FIELDS:
        return _json_value(name, value)
    if name in _LIST_FIELDS:
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _json_value(name: str, value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(name, f"{name} is no JSON: {error}") from None


def _checked(request: SearchRequest) -> SearchRequest:
    for name in UNAVAILABLE_MEDIA:
        if getattr(request, name) is not None:
            raise InvalidRequest(name, f"{name}: voice and video search are not available in this version")
    if isinstance(request.image, MediaReference) and (request.image.url is None) == (request.image.data is None):
        raise InvalidRequest("image", "image: give either `url` or `data`")
    if request.picture == b"":
        raise InvalidRequest("image", "image is empty: 0 bytes")
    if request.mode == "lexical" and request.text is None and (request.image or request.product_id):
        raise InvalidRequest("mode", "mode lexical compares words: give `text`, or use hybrid or dense")
    weights = [value for value in msgspec.structs.astuple(request.weights) if value is not None]
    if not all(map(math.isfinite, weights)):
        raise InvalidRequest("weights", "weights must be finite numbers")
    return request
