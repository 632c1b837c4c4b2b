"""From plans to rows: encode just the parts that changed, in one batch, and fuse them with those that did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from encoders.port import AsyncEncoder
from encoders.spec import FloatArray, fuse_parts, pool_vectors, split_parts
from indexer.labels.suggestions import open_suggestions
from indexer.media.keys import MediaKey
from indexer.planning import ProductPlan
from indexer.records import IndexRow, StoredProduct
from indexer.rows import build_row
from indexer.slices import map_in_slices
from indexer.text_analysis.chinese import load_dictionary_for
from streams import metrics
from streams.delivery.availability import until_process_answers
from streams.media.picture_batch import PictureBatch, ProductPictures
from streams.products.joint_embedding import joint_vectors


@dataclass(frozen=True, slots=True)
class EmbeddedRows:
    """Rows as they can be written, and what was encoded for them."""

    rows: Sequence[IndexRow]
    new_embeddings: Mapping[MediaKey, FloatArray]
    """Unit rows (dim,) of newly encoded pictures and clips, by file."""


async def embed_rows(plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder) -> EmbeddedRows:
    """Rows for plans, with one pass through the encoder for all new texts and pictures of the batch.

    Args:
        plans: distinct products that changed.
        pictures: of those products whose pictures are to be encoded.
        encoder: of the rows' vector space.

    Raises:
        WorkerProcessFailed: two encoder processes in a row died of the batch.
    """
    if encoder.spec.joint:
        vectors, new_embeddings = await joint_vectors(plans, pictures, encoder), {}
    else:
        vectors, new_embeddings = await _vectors_of_parts(plans, pictures, encoder)
    await load_dictionary_for(plan.text for plan in plans)

    def build(planned: tuple[ProductPlan, FloatArray]) -> IndexRow:
        plan, vector = planned
        stored = _stored_product(plan, pictures.products.get(plan.product_id))
        return build_row(plan.product_id, stored, vector, plan.lexical)

    rows = await map_in_slices(build, zip(plans, vectors, strict=True))
    _count_reused(plans, pictures)
    return EmbeddedRows(rows, new_embeddings)


async def _vectors_of_parts(
    plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder
) -> tuple[list[FloatArray], dict[MediaKey, FloatArray]]:
    """Fused vectors (2·dim,) of the plans, and unit rows (dim,) of newly encoded pictures by file."""
    texts, images = await _encode(plans, pictures, encoder)
    embeddings = {**pictures.embeddings, **images}

    def fuse(plan: ProductPlan) -> FloatArray:
        loaded = pictures.products.get(plan.product_id)
        if loaded is None and not plan.needs_text_embedding and plan.vector is not None:
            return plan.vector
        old_text, old_image = _stored_parts(plan, encoder)
        text = texts.get(plan.text_hash) if plan.needs_text_embedding else old_text
        image = old_image if loaded is None else _pooled([embeddings[file] for file in loaded.files])
        return fuse_parts(encoder.spec, text, image)

    return await map_in_slices(fuse, plans), images


async def _encode(
    plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder
) -> tuple[dict[str, FloatArray], dict[MediaKey, FloatArray]]:
    """Unit rows (dim,) of new texts by their hash, and of new pictures by their file; equal ones are encoded once."""
    texts = {plan.text_hash: plan.text for plan in plans if plan.needs_text_embedding and plan.text}
    if not texts and not pictures.pixels:
        # Not even asked: the encoder may have other batches before it.
        return {}, {}
    inputs = encoder.prompts.for_documents(texts.values()), pictures.frames
    text_rows, image_rows = await until_process_answers("encoder", lambda: encoder.encode(*inputs))
    metrics.ENCODED.labels("text").inc(len(texts))
    metrics.ENCODED.labels("image").inc(len(image_rows))
    return dict(zip(texts, text_rows, strict=True)), pictures.pool_frames(image_rows)


def _pooled(rows: Sequence[FloatArray]) -> FloatArray | None:
    return pool_vectors(np.stack(rows)) if rows else None


def _stored_parts(plan: ProductPlan, encoder: AsyncEncoder) -> tuple[FloatArray | None, FloatArray | None]:
    return (None, None) if plan.vector is None else split_parts(encoder.spec, plan.vector)


def _stored_product(plan: ProductPlan, loaded: ProductPictures | None) -> StoredProduct:
    if loaded is None:
        keys, broken, missing = plan.stored.image_keys, plan.stored.broken_images, plan.stored.missing_images
        missing = tuple(key for key in missing if key in plan.image_keys)
    else:
        keys, missing = _stored_forms(loaded.keys), _stored_forms(loaded.unreachable)
        known_broken = {*plan.stored.broken_images, *_stored_forms(loaded.broken)} - {*keys}
        broken = tuple(key for key in plan.image_keys if key in known_broken)
    stored = StoredProduct(
        plan.state,
        plan.text_hash,
        keys,
        broken,
        missing,
        suggestions=open_suggestions(plan.stored.suggestions, plan.state.fields),
        duplicates=plan.stored.duplicates,
        transcripts=dict(plan.transcripts),
        missing_audios=plan.untranscribed_audios,
    )
    # What other content suggested, or was a duplicate of, says nothing of this one.
    return structs.replace(stored, suggestions=(), duplicates=()) if plan.labels_are_stale(stored) else stored


def _stored_forms(keys: Sequence[MediaKey]) -> tuple[str, ...]:
    return tuple(key.stored_form for key in keys)


def _count_reused(plans: Sequence[ProductPlan], pictures: PictureBatch) -> None:
    new_texts = [plan.text_hash for plan in plans if plan.needs_text_embedding and plan.text]
    metrics.REUSED_EMBEDDINGS.labels("text", "batch").inc(len(new_texts) - len(set(new_texts)))
    metrics.REUSED_EMBEDDINGS.labels("text", "unchanged").inc(
        sum(bool(plan.text) and not plan.needs_text_embedding for plan in plans)
    )
    metrics.REUSED_EMBEDDINGS.labels("image", "memory").inc(len(pictures.embeddings))
    kept = (len(plan.stored.image_keys) for plan in plans if plan.product_id not in pictures.products)
    metrics.REUSED_EMBEDDINGS.labels("image", "unchanged").inc(sum(kept))
