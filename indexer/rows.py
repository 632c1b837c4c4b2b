"""From a stored product to its row: what is embedded, what BM25 sees, what filters match, what results show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import structs

from encoders.spec import FloatArray
from indexer.filters import ATTRIBUTE_PREFIX, created_at_ms, filter_numbers, filter_terms
from indexer.hit_payload import HitPayload, encode_hit_payload, image_url
from indexer.records import IndexRow, StoredProduct, Suggestion
from indexer.stated_labels import accepted_values, stated_labels
from indexer.text_analysis.analyzer import document_terms

HIT_PAYLOAD_MAX_BYTES = 65_535
"""The longest VARCHAR that Milvus takes."""
DESCRIPTION_MAX_CHARS = 400
"""Characters of the description that are embedded; text encoders read some 60 words."""


def embedding_text(fields: Mapping[str, Any]) -> str:
    """What the text encoder sees of a product, the telling parts first; may be empty.

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
    fields = stored.text_fields
    has_text = any((fields.get(name) or "").strip() for name in ("title", "description"))
    return bool(stored.image_keys) or has_text or "voice" in fields


def build_row(product_id: str, stored: StoredProduct, vector: FloatArray) -> IndexRow:
    """The row of a product; one that is not searchable has no terms and no numbers.

    Args:
        product_id: whose row it is.
        stored: its merged state and what its vector was made from.
        vector: fused vector (2·dim,) float32.

    Raises:
        InvalidRecord: the product has more filter values than a row can hold.
    """
    fields = stored.text_fields
    if not is_searchable(stored):
        return IndexRow(
            product_id, stored, vector, searchable=False, hit_payload=_encoded_payload(_hit_payload(stored))
        )
    return IndexRow(
        product_id,
        stored,
        vector,
        searchable=True,
        lexical=document_terms(fields),
        filter_terms=filter_terms(with_accepted_suggestions(fields, stored.suggestions)),
        numbers=filter_numbers(fields),
        hit_payload=_encoded_payload(_hit_payload(stored)),
    )


def with_labels(row: IndexRow, suggestions: tuple[Suggestion, ...], duplicates: tuple[str, ...]) -> IndexRow:
    """A row with what was found out about its product. Raises what `build_row` raises."""
    stored = structs.replace(row.stored, suggestions=suggestions, duplicates=duplicates)
    return row if stored == row.stored else build_row(row.product_id, stored, row.vector)


def with_accepted_suggestions(fields: Mapping[str, Any], suggestions: Iterable[Suggestion]) -> dict[str, Any]:
    """A product's fields with the accepted suggestions for those that the merchant does not state."""
    known, accepted = stated_labels(fields), accepted_values(suggestions)
    added = {name: values for name, values in accepted.items() if name not in known}
    attributes = {name.removeprefix(ATTRIBUTE_PREFIX): some for name, some in added.items() if "." in name}
    plain = {name: some[0] for name, some in added.items() if "." not in name}
    if not added:
        return dict(fields)
    return {**fields, **plain, "attributes": {**(fields.get("attributes") or {}), **attributes}}


def _embedded_parts(fields: Mapping[str, Any]) -> Iterator[str]:
    yield fields.get("title") or ""
    yield fields.get("brand") or ""
    yield (fields.get("category") or "").replace("/", " ")
    # In the order of their names: a map that was stored has no other.
    for _, value in sorted((fields.get("attributes") or {}).items()):
        yield value if isinstance(value, str) else ", ".join(value)
    yield (fields.get("description") or "")[:DESCRIPTION_MAX_CHARS]
    yield " ".join(fields.get("voice") or ())[:DESCRIPTION_MAX_CHARS]


def _hit_payload(stored: StoredProduct) -> HitPayload:
    fields = stored.state.fields
    shown = [one for one in fields.get("images") or () if (one.get("hash") or one["url"]) not in stored.broken_images]
    plain = ("price", "currency", "brand", "category", "url", "lang", "group_id", "in_stock", "rating", "rating_count")
    return HitPayload(
        title=fields.get("title") or "",
        image_url=image_url(shown[0]) if shown else None,
        created_at_ms=created_at_ms(fields["created_at"]) if fields.get("created_at") else None,
        tags=fields.get("tags") or [],
        attributes=fields.get("attributes") or {},
        incomplete=stored.incomplete,
        version=stored.state.version,
        suggested={
            name: some
            for name, some in accepted_values(stored.suggestions).items()
            if name not in stated_labels(fields)
        },
        **{name: fields.get(name) for name in plain},
    )


def _encoded_payload(card: HitPayload) -> bytes:
    """JSON of a card within its bound: facets may miss some of a huge product's values, filters have them all."""
    data = encode_hit_payload(card)
    kept = dict(card.attributes)
    for name in sorted(kept, key=lambda name: len(msgspec.json.encode(kept[name])), reverse=True):
        if len(data) <= HIT_PAYLOAD_MAX_BYTES:
            return data
        del kept[name]
        data = encode_hit_payload(msgspec.structs.replace(card, attributes=kept))
    return (
        data
        if len(data) <= HIT_PAYLOAD_MAX_BYTES
        else encode_hit_payload(msgspec.structs.replace(card, attributes={}, tags=[]))
    )
