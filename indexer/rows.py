"""Makes a row of a stored product: its embedded text, BM25 terms, filter terms and hit payload. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from encoders.spec import FloatArray
from indexer.filters import ATTRIBUTE_PREFIX, attribute_values, created_at_ms, filter_numbers, filter_terms
from indexer.hit_payload import HitPayload, encode_hit_payload, image_url
from indexer.records import IndexRow, StoredProduct, Suggestion
from indexer.stated_labels import accepted_values, stated_labels
from indexer.text_analysis.analyzer import document_terms

HIT_PAYLOAD_MAX_BYTES = 65_535
"""The longest VARCHAR that Milvus takes."""
DESCRIPTION_MAX_CHARS = 400
"""Characters of the description that are embedded; text encoders read some 60 words."""


def embedding_text(fields: Mapping[str, Any]) -> str:
    """The text that is embedded of a product, its most telling parts first; may be empty.

    Args:
        fields: the product's fields that are not null, as JSON values; `voice`: what its sounds say.
    """
    parts = (" ".join(part.split()) for part in _embedded_parts(fields))
    return ". ".join(part.rstrip(".") for part in parts if part)


def text_hash(text: str) -> str:
    """Hash of an embedded text; an empty text has the empty hash: no text part."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest() if text else ""


def is_searchable(stored: StoredProduct) -> bool:
    """Whether a product appears in results: it has a title, a description, an embedded picture or a voice."""
    return _is_searchable(stored, stored.text_fields)


def build_row(product_id: str, stored: StoredProduct, vector: FloatArray, lexical: str = "") -> IndexRow:
    """The row of a product; one that is not searchable has no terms and no numbers.

    Args:
        product_id: whose row it is.
        stored: its merged state and what its vector was made from.
        vector: fused vector (2·dim,) float32.
        lexical: its terms, where they are known; empty: they are made here.

    Raises:
        InvalidRecord: the product has more filter values than a row can hold.
    """
    fields = stored.text_fields
    hit_payload = _encoded_payload(_hit_payload(stored, fields))
    if not _is_searchable(stored, fields):
        return IndexRow(product_id, stored, vector, searchable=False, hit_payload=hit_payload)
    return IndexRow(
        product_id,
        stored,
        vector,
        searchable=True,
        lexical=lexical or document_terms(fields),
        filter_terms=filter_terms(with_accepted_suggestions(fields, stored.suggestions)),
        numbers=filter_numbers(fields),
        hit_payload=hit_payload,
    )


def with_labels(row: IndexRow, suggestions: tuple[Suggestion, ...], duplicates: tuple[str, ...]) -> IndexRow:
    """A row with what was found out about its product. Raises what `build_row` raises."""
    stored = structs.replace(row.stored, suggestions=suggestions, duplicates=duplicates)
    return row if stored == row.stored else build_row(row.product_id, stored, row.vector, row.lexical)


def with_accepted_suggestions(fields: Mapping[str, Any], suggestions: Iterable[Suggestion]) -> dict[str, Any]:
    """A product's fields with the accepted suggestions for those that the merchant does not state."""
    added = _open_values(fields, suggestions)
    if not added:
        return dict(fields)
    attributes = {name.removeprefix(ATTRIBUTE_PREFIX): values for name, values in added.items() if "." in name}
    plain = {name: values[0] for name, values in added.items() if "." not in name}
    return {**fields, **plain, "attributes": {**(fields.get("attributes") or {}), **attributes}}


def _is_searchable(stored: StoredProduct, fields: Mapping[str, Any]) -> bool:
    """As `is_searchable`, with the product's `text_fields`."""
    if stored.image_keys or "voice" in fields:
        return True
    return any((fields.get(name) or "").strip() for name in ("title", "description"))


def _open_values(fields: Mapping[str, Any], suggestions: Iterable[Suggestion]) -> dict[str, list[str]]:
    """The accepted suggestions for fields that the merchant does not state, by field."""
    accepted = accepted_values(suggestions)
    stated = stated_labels(fields) if accepted else {}
    return {name: values for name, values in accepted.items() if name not in stated}


def _embedded_parts(fields: Mapping[str, Any]) -> Iterator[str]:
    yield fields.get("title") or ""
    yield fields.get("brand") or ""
    yield (fields.get("category") or "").replace("/", " ")
    # In the order of their names: a map that was stored has no other.
    for _, value in sorted(attribute_values(fields).items()):
        yield value if isinstance(value, str) else ", ".join(value)
    yield (fields.get("description") or "")[:DESCRIPTION_MAX_CHARS]
    yield " ".join(fields.get("voice") or ())[:DESCRIPTION_MAX_CHARS]


def _hit_payload(stored: StoredProduct, fields: Mapping[str, Any]) -> HitPayload:
    images: Sequence[dict[str, Any]] = fields.get("images") or ()
    shown = [image for image in images if (image.get("hash") or image["url"]) not in stored.broken_images]
    stated = fields.get
    return HitPayload(
        title=stated("title") or "",
        price=stated("price"),
        currency=stated("currency"),
        brand=stated("brand"),
        category=stated("category"),
        categories=stated("categories") or [],
        image_url=image_url(shown[0]) if shown else None,
        url=stated("url"),
        lang=stated("lang"),
        group_id=stated("group_id"),
        in_stock=stated("in_stock"),
        rating=stated("rating"),
        rating_count=stated("rating_count"),
        created_at_ms=created_at_ms(fields["created_at"]) if stated("created_at") else None,
        tags=stated("tags") or [],
        attributes=stated("attributes") or {},
        suggested=_open_values(fields, stored.suggestions),
        incomplete=stored.incomplete,
        version=stored.state.version,
    )


def _encoded_payload(payload: HitPayload) -> bytes:
    """JSON of a payload, of at most `HIT_PAYLOAD_MAX_BYTES`.

    The longest attributes of a huge product are left out, then all attributes and tags: facets miss them, filters do
    not.
    """
    data = encode_hit_payload(payload)
    if len(data) <= HIT_PAYLOAD_MAX_BYTES:
        return data
    kept = dict(payload.attributes)
    for name in sorted(kept, key=lambda name: len(msgspec.json.encode(kept[name])), reverse=True):
        del kept[name]
        data = encode_hit_payload(structs.replace(payload, attributes=kept))
        if len(data) <= HIT_PAYLOAD_MAX_BYTES:
            return data
    return encode_hit_payload(structs.replace(payload, attributes={}, tags=[]))
