"""What has to be done so that the index reflects new events: nothing, new scalars, or new embeddings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from encoders.spec import FloatArray
from indexer.media.keys import MediaKey, MediaKind
from indexer.records import ProductChange, ProductState, StoredProduct, StoredRow, merge_all
from indexer.rows import embedding_text, text_hash
from indexer.text_analysis.analyzer import FIELD_WEIGHTS

MAX_POOLED_IMAGES = 8
"""How many of a product's pictures its image part is made of."""
MAX_POOLED_CLIPS = 2
"""How many of its clips, which count as further pictures."""
MAX_TRANSCRIBED_AUDIOS = 4
"""How many of its sounds are listened to."""


@dataclass(frozen=True, slots=True)
class ProductPlan:
    """What one product needs after new events."""

    product_id: str
    stored: StoredProduct
    vector: FloatArray | None
    """The fused vector that is stored now; None for a product that is new."""
    state: ProductState
    text: str
    text_hash: str
    images: tuple[MediaKey, ...]
    """The pictures, then the clips, that its image part should be made of."""
    audios: tuple[MediaKey, ...] = ()
    """The sounds that should be transcribed."""
    retry_missing: bool = False
    """Pictures that were out of reach are to be tried again."""
    retry_broken: bool = False
    """So are those that could not be decoded."""
    transcripts: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its sounds say, as far as it is known, by the stored form of their keys."""
    relabel: bool = False
    """It is to be compared with other products again, whatever has changed."""
    stored_lexical: str = ""
    """Its terms as they are stored."""

    @property
    def lexical(self) -> str:
        """Its terms, where they are still those that are stored; else empty, as they have to be made anew."""
        old, new = self.stored.state.written, self.state.written
        same = all(old.get(name) == new.get(name) for name in FIELD_WEIGHTS)
        same_voice = [*self.transcripts.items()] == [*self.stored.transcripts.items()]
        return self.stored_lexical if same and same_voice else ""

    @property
    def unchanged(self) -> bool:
        """The events told nothing new: a redelivery, or older than what is known."""
        is_known = self.vector is not None and self.state == self.stored.state
        return is_known and not (self.needs_image_embedding or self.audios_to_transcribe or self.relabel)

    def labels_are_stale(self, now: StoredProduct) -> bool:
        """Whether what comparing it with others told before says nothing of the product as it is stored now."""
        was = self.stored.text_hash, self.stored.image_keys
        return self.relabel or self.vector is None or (now.text_hash, now.image_keys) != was

    @property
    def needs_encoder(self) -> bool:
        """A text or a picture may have to be embedded."""
        return (
            (self.needs_text_embedding and bool(self.text))
            or self.needs_image_embedding
            or bool(self.audios_to_transcribe)
        )

    @property
    def needs_text_embedding(self) -> bool:
        """Its text is not the one that was embedded."""
        return self.text_hash != self.stored.text_hash

    @property
    def needs_image_embedding(self) -> bool:
        """Its pictures are not those that were embedded, or some are to be looked at again.

        Stating an address again asks whether what is there has changed; the fetch is conditional.
        """
        images = self.images_to_embed
        wanted = [key.stored_form for key in images]
        known = tuple(name for name in wanted if name not in self.stored.missing_images)
        if known != self.stored.image_keys or (self.images_restated and not all(key.is_stored for key in images)):
            return True
        return len(known) < len(wanted) and (self.retry_missing or self.images_restated)

    def needs_decoded_images(self, joint: bool) -> bool:
        """Whether its pictures have to be at hand: where text and pictures make one vector, for a new text too."""
        return self.needs_image_embedding or (joint and self.needs_text_embedding)

    @property
    def images_restated(self) -> bool:
        """An event that is new here states the pictures, be they the same as before."""
        return self._restated("images") or self._restated("videos")

    @property
    def audios_to_transcribe(self) -> tuple[MediaKey, ...]:
        """Its sounds that were not transcribed, or are to be transcribed again."""
        restated = self._restated("audios")
        return tuple(key for key in self.audios if self._is_to_transcribe(key, restated))

    @property
    def untranscribed_audios(self) -> tuple[str, ...]:
        """Stored forms of the keys of its sounds of which it is not known what they say."""
        return tuple(name for key in self.audios if (name := key.stored_form) not in self.transcripts)

    def with_transcripts(self, transcripts: Mapping[str, str]) -> ProductPlan:
        """The plan once more is known of what its sounds say, by the stored form of their keys."""
        known = {**self.transcripts, **transcripts}
        kept = {name: known[name] for key in self.audios if (name := key.stored_form) in known}
        text = embedding_text(StoredProduct(self.state, transcripts=kept).text_fields)
        return replace(self, transcripts=kept, text=text, text_hash=text_hash(text))

    def _is_to_transcribe(self, key: MediaKey, restated: bool) -> bool:
        name = key.stored_form
        if name in self.stored.missing_audios and not (self.retry_missing or restated):
            return False
        if name not in self.transcripts:
            return True
        may_have_changed = restated and not key.is_stored
        return may_have_changed or (self.retry_broken and not self.transcripts[name])

    def _restated(self, name: str) -> bool:
        old, new = self.stored.state.written.get(name), self.state.written.get(name)
        return new is not None and (old is None or old.stamp != new.stamp)

    @property
    def image_keys(self) -> tuple[str, ...]:
        """Stored forms of the keys of `images`."""
        return tuple(key.stored_form for key in self.images)

    @property
    def images_to_embed(self) -> tuple[MediaKey, ...]:
        """Its pictures without those that are known to be broken and cannot have been mended since."""
        if self.retry_broken:
            return self.images
        broken = self.stored.broken_images
        return tuple(
            key for key in self.images if key.stored_form not in broken or (self.images_restated and not key.is_stored)
        )


def plan(
    changes: Iterable[ProductChange],
    stored: Mapping[str, StoredRow],
    retry_missing: frozenset[str] = frozenset(),
    retry_broken: frozenset[str] = frozenset(),
    relabel: frozenset[str] = frozenset(),
) -> dict[str, ProductPlan]:
    """Merge changes into what is stored, one plan a product; several changes of a product become one.

    Args:
        changes: of any products, in any order.
        stored: what the index holds of them.
        retry_missing: products whose unreachable pictures are to be tried again, whatever the changes say.
        retry_broken: products whose undecodable pictures are.
        relabel: products that are to be compared with others again.
    """
    by_product: dict[str, list[ProductChange]] = {}
    for change in changes:
        by_product.setdefault(change.product_id, []).append(change)
    return {
        product_id: _plan(
            product_id,
            product_changes,
            stored.get(product_id),
            retry_missing=product_id in retry_missing,
            retry_broken=product_id in retry_broken,
            relabel=product_id in relabel,
        )
        for product_id, product_changes in by_product.items()
    }


def _plan(
    product_id: str,
    changes: list[ProductChange],
    row: StoredRow | None,
    *,
    retry_missing: bool,
    retry_broken: bool,
    relabel: bool,
) -> ProductPlan:
    old = row.stored if row else StoredProduct(ProductState())
    state = merge_all(old.state, changes)
    fields = state.fields
    images = _media_keys("image", fields.get("images"), MAX_POOLED_IMAGES)
    clips = _media_keys("video", fields.get("videos"), MAX_POOLED_CLIPS)
    audios = _media_keys("audio", fields.get("audios"), MAX_TRANSCRIBED_AUDIOS)
    planned = ProductPlan(
        product_id,
        old,
        row.vector if row else None,
        state,
        text="",
        text_hash="",
        images=(*images, *clips),
        audios=audios,
        retry_missing=retry_missing,
        retry_broken=retry_broken,
        relabel=relabel,
        stored_lexical=row.lexical if row else "",
    )
    return planned.with_transcripts(old.transcripts)


def _media_keys(kind: MediaKind, references: Sequence[Mapping[str, str]] | None, limit: int) -> tuple[MediaKey, ...]:
    return tuple(MediaKey.from_reference(kind, reference) for reference in (references or ())[:limit])
