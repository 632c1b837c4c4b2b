"""From plans to rows: encode just the parts that changed, in one batch, and fuse them with those that did not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import structs

from encoders.port import AsyncEncoder
from encoders.spec import FloatArray, fuse_parts, pool_vectors, split_parts
from indexer.labels.suggestions import open_suggestions
from indexer.planning import ProductPlan
from indexer.records import IndexRow, StoredProduct
from indexer.rows import build_row
from streams import metrics
from streams.delivery.worker_processes import until_process_answers
from streams.media.pictures import PictureBatch, ProductPictures
from streams.products.joint_embedding import joint_vectors


async def embed_rows(
    plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder
) -> tuple[list[IndexRow], dict[str, FloatArray]]:
    """Rows for plans, with one pass through the encoder for all new texts and pictures of the batch.

    Args:
        plans: distinct products that changed.
        pictures: those of the products that `needs_pictures`.
        encoder: of the rows' vector space.

    Returns:
        The rows, and the unit rows (dim,) of newly encoded pictures by the hash of their files.
    """
    if encoder.spec.joint:
        vectors, images = await joint_vectors(plans, pictures, encoder), {}
    else:
        vectors, images = await _vectors_of_parts(plans, pictures, encoder)
    stored = [_stored_product(one, pictures.products.get(one.product_id)) for one in plans]
    rows = [build_row(one.product_id, *of) for one, of in zip(plans, zip(stored, vectors, strict=True), strict=True)]
    _count_reused(plans, pictures)
    return rows, images


async def _vectors_of_parts(
    plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder
) -> tuple[list[FloatArray], dict[str, FloatArray]]:
    """Fused vectors (2·dim,) of the plans, and the rows of newly encoded pictures by the hash of their files."""
    texts, images = await _encode(plans, pictures, encoder)
    embeddings = {**pictures.embeddings, **images}
    vectors: list[FloatArray] = []
    for one in plans:
        loaded = pictures.products.get(one.product_id)
        old_text, old_image = _stored_parts(one, encoder)
        text = texts.get(one.text_hash) if one.needs_text_embedding else old_text
        image = old_image if loaded is None else _pooled([embeddings[digest] for digest in loaded.digests])
        vectors.append(fuse_parts(encoder.spec, text, image))
    return vectors, images


async def _encode(
    plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Embeddings of new texts by their hash, and of new pictures by the hash of their files; equal ones just once."""
    texts = {one.text_hash: one.text for one in plans if one.needs_text_embedding and one.text}
    if not texts and not pictures.pixels:
        # Not even asked: the encoder may have other batches before it.
        return {}, {}
    inputs = list(texts.values()), list(pictures.pixels.values())
    text_rows, image_rows = await until_process_answers("encoder", lambda: encoder.encode(*inputs))
    metrics.ENCODED.labels("text").inc(len(texts))
    metrics.ENCODED.labels("image").inc(len(pictures.pixels))
    return dict(zip(texts, text_rows, strict=True)), pictures.pool_frames(
        dict(zip(pictures.pixels, image_rows, strict=True))
    )


def _pooled(rows: Sequence[FloatArray]) -> FloatArray | None:
    return pool_vectors(np.stack(rows)) if rows else None


def _stored_parts(plan: ProductPlan, encoder: AsyncEncoder) -> tuple[FloatArray | None, FloatArray | None]:
    return (None, None) if plan.vector is None else split_parts(encoder.spec, plan.vector)


def _stored_product(plan: ProductPlan, loaded: ProductPictures | None) -> StoredProduct:
    if loaded is None:
        keys, broken, missing = plan.stored.image_keys, plan.stored.broken_images, plan.stored.missing_images
        missing = tuple(key for key in missing if key in plan.image_keys)
    else:
        known = {*plan.stored.broken_images, *loaded.broken} - {*loaded.keys}
        keys, missing = loaded.keys, loaded.unreachable
        broken = tuple(key for key in plan.image_keys if key in known)
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


def _count_reused(plans: Sequence[ProductPlan], pictures: PictureBatch) -> None:
    new_texts = [one.text_hash for one in plans if one.needs_text_embedding and one.text]
    metrics.REUSED_EMBEDDINGS.labels("text", "batch").inc(len(new_texts) - len(set(new_texts)))
    metrics.REUSED_EMBEDDINGS.labels("text", "unchanged").inc(
        sum(bool(one.text) and not one.needs_text_embedding for one in plans)
    )
    metrics.REUSED_EMBEDDINGS.labels("image", "memory").inc(len(pictures.embeddings))
    kept = (len(one.stored.image_keys) for one in plans if one.product_id not in pictures.products)
    metrics.REUSED_EMBEDDINGS.labels("image", "unchanged").inc(sum(kept))
