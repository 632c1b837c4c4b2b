"""Requests, as they are read from JSON, query parameters or form fields, and validated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from indexer.criteria import Filters
from indexer.filter_parsing import MAX_FILTERS
from indexer.filters import FIELD_MAX_CHARS
from indexer.text_analysis.folding import fold
from query_api.contract.text import normalise_text
from query_api.errors import MAX_FIELD, InvalidRequest

Read = TypeVar("Read")

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

MAX_TEXT = 1_000
MAX_TEXTS = 4_000
"""How many characters all texts of a request may have together, with their ligatures written out: words are compared
so, and one character may become 18."""
MAX_JSON_VALUES = 20_000
"""How many commas, brackets and braces a body may have: a few megabytes of them are some hundred of memory."""
MAX_PARTS = 16
CLIP_FIELDS = ("audio", "video")


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
    """With a query, the order of its candidates; without one, of all products that match."""
    correct: bool = True
    """Search for the words of the catalogue in the place of misspelt ones; false: just name them."""
    price_phrases: bool = True
    """Take a price in the text, as `under 50`, for a filter."""

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


class RecommendationRequest(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a shopper might like, with no query; also what `similar` takes beside the product."""

    k: Annotated[int, Meta(ge=1, le=100)] = 10
    offset: Annotated[int, Meta(ge=0, le=10_000)] = 0
    filters: Annotated[dict[FilterField, Any], Meta(max_length=MAX_FILTERS)] = {}
    facets: Annotated[list[FacetField], Meta(max_length=20)] = []
    explain: bool = False
    group: bool = False
    user_id: UserId | None = None


_request_decoder = msgspec.json.Decoder(SearchRequest)
_JSON_FIELDS = ("filters", "weights", "parts", "facet_ranges")
_LIST_FIELDS = ("facets",)


def read_json(body: bytes, media: Sequence[tuple[str, bytes]] = ()) -> SearchRequest:
    """The request in a JSON body, with uploaded files by field names where they came beside it.

    Raises:
        InvalidRequest: 400 when it is no JSON, 422 naming the field that is refused.
    """
    return _validated(_with_files(decode_json(_request_decoder, body), media))


def decode_json(decoder: msgspec.json.Decoder[Read], body: bytes) -> Read:
    """What a body in JSON holds.

    Raises:
        InvalidRequest: 400 when it is no JSON, 422 naming the field that is refused.
    """
    values = sum(map(body.count, (b",", b"[", b"{"))) if len(body) > MAX_JSON_VALUES else 0
    if values > MAX_JSON_VALUES:
        raise InvalidRequest("", f"the body has {values:,} values, at most {MAX_JSON_VALUES:,}", 400)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise invalid_request(error) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest("", f"the body is no JSON: {error}", 400) from None


def read_fields(fields: Mapping[str, str], media: Sequence[tuple[str, bytes]] = ()) -> SearchRequest:
    """The request in query parameters or form fields; `q` is `text`, `filters`, `weights` and `parts` are JSON.

    Args:
        fields: values by name; `facets` separated by commas.
        media: uploaded files with their field names; several `image`s are so many parts.
    """
    named = {("text" if name == "q" else name): value for name, value in fields.items() if value != ""}
    return _validated(_with_files(convert_fields(named, SearchRequest), media))


def _with_files(request: SearchRequest, media: Sequence[tuple[str, bytes]]) -> SearchRequest:
    for name, data in media:
        if name not in ("image", *CLIP_FIELDS):
            raise InvalidRequest(name[:100], f"{name[:100]}: files are named `image`, `audio` or `video`")
        if not data:
            raise InvalidRequest(name, f"{name} is empty: 0 bytes")
        if getattr(request, name) is None:
            setattr(request, name, data)
        elif name == "image":
            request.parts = [*request.parts, Part(image=data)]
        else:
            raise InvalidRequest(name, f"{name} is given more than once; send one file")
    return request


def convert_fields(fields: Mapping[str, Any], kind: type[Any]) -> Any:
    """A request struct from strings by name. Raises `InvalidRequest` naming the field that is refused."""
    values = {name: _field_value(name, value) for name, value in fields.items()}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_request(error) from None


def invalid_request(error: msgspec.ValidationError) -> InvalidRequest:
    """A validation error with its field apart: `Expected int <= 100 - at $.k` is of field `k`."""
    reason, mark, place = str(error).rpartition(" - at `")
    if not mark:
        reason, place = place, ""
    path = place.removeprefix("key` in `").removeprefix("$").removesuffix("`").lstrip(".")
    _, _, unknown = reason.partition("unknown field `")
    field = ".".join(part for part in (path[:MAX_FIELD], unknown[:MAX_FIELD].removesuffix("`")) if part)[:MAX_FIELD]
    return InvalidRequest(field, f"{field or 'the request'}: {_readable(reason)}")


def _readable(reason: str) -> str:
    before, mark, _ = reason.partition(" matching regex '")
    return (f"{before} of the allowed form" if mark else reason)[:300]


def _field_value(name: str, value: Any) -> Any:
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
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(name, f"{name} is no JSON: {error}") from None


def _validated(request: SearchRequest) -> SearchRequest:
    for field, media in (*((name, getattr(request, name)) for name in CLIP_FIELDS), *_named_pictures(request)):
        _check_media(field, media)
    if len(request.parts) > MAX_PARTS:
        raise InvalidRequest("parts", f"parts: {len(request.parts)} of them, at most {MAX_PARTS}")
    _check_texts(request)
    if request.mode == "lexical":
        _check_lexical_mode(request)
    weights = [value for value in msgspec.structs.astuple(request.weights) if value is not None]
    if not all(map(math.isfinite, weights)):
        raise InvalidRequest("weights", "weights must be finite numbers")
    for field, bounds in request.facet_ranges.items():
        if not all(low < high for low, high in pairwise(bounds)) or not all(map(math.isfinite, bounds)):
            raise InvalidRequest(f"facet_ranges.{field}", f"facet_ranges.{field}: give finite numbers that ascend")
    return request


def _check_texts(request: SearchRequest) -> None:
    texts = [text for text in (request.text, *(part.text for part in request.parts)) if text]
    length = sum(len(fold(text)) for text in texts)
    if length > MAX_TEXTS:
        field = "parts" if len(texts) > 1 else "text"
        raise InvalidRequest(
            field,
            f"{field}: {length:,} characters of text, ligatures written out; at most {MAX_TEXTS:,} together",
        )


def _named_pictures(request: SearchRequest) -> Iterator[tuple[str, bytes | MediaReference | None]]:
    parts = request.all_parts
    own = len(parts) - len(request.parts)
    for at, part in enumerate(parts):
        yield ("image" if at < own else f"parts[{at - own}].image"), part.image


def _check_media(field: str, media: bytes | MediaReference | None) -> None:
    if isinstance(media, MediaReference) and (media.url is None) == (media.data is None):
        raise InvalidRequest(field, f"{field}: give either `url` or `data`")
    if media == b"" or (isinstance(media, MediaReference) and media.data == b""):
        raise InvalidRequest(field, f"{field} is empty: 0 bytes")


def _check_lexical_mode(request: SearchRequest) -> None:
    parts = request.all_parts
    if any(part.weight < 0 for part in parts):
        refused = (
            "mode lexical compares words: parts away from which to search need hybrid or dense; `-word` leaves out"
        )
        raise InvalidRequest("mode", refused)
    is_silent = request.audio is None and all(part.text is None for part in parts)
    if is_silent and (parts or request.video is not None):
        raise InvalidRequest("mode", "mode lexical compares words: give `text` or `audio`, or use hybrid or dense")
