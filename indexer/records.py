"""What the index stores of a product: its state as a last-writer-wins map, and the row made from it.

Events of a product are totally ordered by `EventStamp`. A whole write (a creation, or a deletion, which is a creation
of nothing) sets every field; a patch sets the fields it names; a field keeps the value with the greatest stamp.
Merging is commutative, associative and idempotent, so any order, duplication or split of the events ends in the
same state (Shapiro et al., 2011, "Conflict-free replicated data types", the LWW element map).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from encoders.spec import FloatArray
from indexer.errors import InvalidRecord

STATE_MAX_BYTES = 65_535
"""The longest VARCHAR that Milvus takes."""


class EventStamp(Struct, frozen=True, order=True, array_like=True):
    """An event's place in its product's total order."""

    version: int
    source: str
    event_id: str


@dataclass(frozen=True, slots=True)
class ProductChange:
    """One product event, ready to be merged.

    `fields` are JSON values; media are `{"hash": …}` when stored, or `{"url": …}` when still to be fetched.
    """

    product_id: str
    stamp: EventStamp
    fields: Mapping[str, Any]
    replaces_all_fields: bool = False
    """Sets every field, the absent ones to null: a creation or a deletion."""
    deletes: bool = False


class FieldWrite(Struct, frozen=True, array_like=True):
    """A field's value and the event that set it."""

    stamp: EventStamp
    value: Any


class ProductState(Struct, frozen=True, omit_defaults=True):
    """A product as the events so far define it. Lattice join: `merge`; bottom: `ProductState()`."""

    base: EventStamp | None = None
    """The greatest whole write seen; nothing older than it counts."""
    deleted: bool = False
    """Whether that whole write was a deletion: the row is a tombstone until text or a picture comes later."""
    written: dict[str, FieldWrite] = msgspec.field(default_factory=dict[str, FieldWrite])
    """Fields by name: those of the base, and those patched after it (null ones too: they are news)."""

    def merge(self, change: ProductChange) -> ProductState:
        """The state after one more event, wherever it stands in the order."""
        base, deleted = self.base, self.deleted
        if change.replaces_all_fields and (base is None or (change.stamp, change.deletes) > (base, deleted)):
            base, deleted = change.stamp, change.deletes
        written = dict(self.written)
        for name, value in change.fields.items():
            if value is None and change.replaces_all_fields:
                continue
            old = written.get(name)
            if old is None or change.stamp > old.stamp or (change.stamp == old.stamp and _wins(value, old.value)):
                written[name] = FieldWrite(change.stamp, value)
        counting = {name: write for name, write in written.items() if base is None or write.stamp >= base}
        return ProductState(base, deleted, counting)

    def changes(self, product_id: str) -> list[ProductChange]:
        """Changes that, merged into any state, add all that this one says."""
        patches = [ProductChange(product_id, write.stamp, {name: write.value}) for name, write in self.written.items()]
        if self.base is None:
            return patches
        whole = ProductChange(product_id, self.base, {}, replaces_all_fields=True, deletes=self.deleted)
        return [whole, *patches]

    @property
    def fields(self) -> dict[str, Any]:
        """The product's fields that are not null."""
        return {name: write.value for name, write in self.written.items() if write.value is not None}

    @property
    def version(self) -> int:
        """The greatest version among the events that still count."""
        versions = [write.stamp.version for write in self.written.values()]
        if self.base is not None:
            versions.append(self.base.version)
        return max(versions, default=0)


def merge_all(state: ProductState, changes: Iterable[ProductChange]) -> ProductState:
    """Fold events into a state; their order does not matter."""
    for change in changes:
        state = state.merge(change)
    return state


def _wins(value: Any, other: Any) -> bool:
    # Equal stamps mean the same event; should two differ all the same, the greater JSON wins on every replica.
    encoder = msgspec.json.Encoder(order="deterministic")
    return value != other and encoder.encode(value) > encoder.encode(other)


class Suggestion(Struct, frozen=True, omit_defaults=True):
    """A value that the merchant does not state, as like products have it."""

    field: str
    """`category`, `brand` or `attributes.NAME`."""
    value: str
    confidence: float
    """How often such a suggestion is right, measured on products of this index that state the field; 0 to 1."""
    accepted: bool = False
    """Sure enough to filter and count facets by, as the configuration says."""


class StoredProduct(Struct, frozen=True):
    """What planning needs of a product that is in the index: its state, and what its vector was made from.

    What is found out about it beside that, by comparing it with others when it was indexed, is no part of its state:
    in another order of events it may come out differently.
    """

    state: ProductState
    text_hash: str = ""
    """Hash of the text that was embedded; empty: no text part."""
    image_keys: tuple[str, ...] = ()
    """The pictures that the image part was pooled from, in order; empty: no image part."""
    broken_images: tuple[str, ...] = ()
    """Pictures that cannot be part of it as they are; tried again when the merchant states them again."""
    missing_images: tuple[str, ...] = ()
    """Pictures that were out of reach when the vector was made; a delay line tries them again."""
    suggestions: tuple[Suggestion, ...] = ()
    """Values for fields that the merchant does not state."""
    duplicates: tuple[str, ...] = ()
    """Other products that look like the same goods listed twice, those most alike first."""
    transcripts: dict[str, str] = {}
    """What its sounds were heard to say, by their keys; empty: nothing that is understood, or no sound."""
    missing_audios: tuple[str, ...] = ()
    """Sounds that were not listened to yet; a delay line tries them again."""

    @property
    def incomplete(self) -> bool:
        """A picture or a sound is missing and may still come."""
        return bool(self.missing_images or self.missing_audios)

    @property
    def text_fields(self) -> dict[str, Any]:
        """All that words are taken from: the fields that are not null, and what its sounds say as `voice`."""
        fields = self.state.fields
        if spoken := [text for text in self.transcripts.values() if text]:
            fields["voice"] = spoken
        return fields


@dataclass(frozen=True, slots=True)
class StoredRow:
    """What planning starts from: what is stored of a product, with what has been made of it."""

    stored: StoredProduct
    vector: FloatArray
    """As `IndexRow.vector`."""
    lexical: str
    """As `IndexRow.lexical`."""


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One product as it is written to the index, in a single upsert."""

    product_id: str
    stored: StoredProduct
    vector: FloatArray
    """Fused vector (2·dim,) float32; zero where a part is absent."""
    searchable: bool
    """Whether it appears in results: it has a text or a picture in its vector or its lexical text."""
    lexical: str = ""
    """Analysed terms separated by blanks, for BM25."""
    filter_terms: tuple[str, ...] = ()
    """`field=value` terms that equality filters and categories match."""
    numbers: Mapping[str, float] = field(default_factory=dict[str, float])
    """Numeric fields that range filters compare: price, rating, rating_count, created_at (Unix ms)."""
    hit_payload: bytes = b""
    """JSON of the fields that results show, rank and count facets by."""


def pack_product(stored: StoredProduct) -> str:
    """Encode a stored product for a VARCHAR field.

    Raises:
        InvalidRecord: it is over `STATE_MAX_BYTES` even when compressed.
    """
    packed = base64.b64encode(zlib.compress(msgspec.json.encode(stored, order="deterministic"), 1)).decode()
    if len(packed) > STATE_MAX_BYTES:
        raise InvalidRecord(f"the product takes {len(packed)} bytes compressed, at most {STATE_MAX_BYTES} can be kept")
    return packed


def unpack_product(packed: str) -> StoredProduct:
    """Decode what `pack_product` made."""
    return _stored_products.decode(zlib.decompress(base64.b64decode(packed)))


_stored_products = msgspec.json.Decoder(StoredProduct)
