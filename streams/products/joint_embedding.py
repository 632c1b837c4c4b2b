"""Vectors of products whose text and pictures are encoded together: anything new in either re-encodes the whole."""

from __future__ import annotations

from collections.abc import Sequence

from encoders.port import AsyncEncoder, Pixels
from encoders.spec import FloatArray, fuse_parts
from indexer.planning import ProductPlan
from streams import metrics
from streams.delivery.availability import until_process_answers
from streams.media.picture_batch import PictureBatch


async def joint_vectors(
    plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder
) -> list[FloatArray]:
    """Fused vectors (2·dim,) of the plans, each half the product's one vector.

    Both halves are the same, so that weights, explanations and approximate indexes of the parts hold as they are.

    Args:
        plans: distinct products that changed.
        pictures: of those products that have a new text or new pictures, as pixels.
        encoder: a joint one.
    """
    to_encode = [plan for plan in plans if _is_new(plan, pictures) and (plan.text or _pixels(plan, pictures))]
    rows = await _encode(to_encode, pictures, encoder)
    encoded = {plan.product_id: fuse_parts(encoder.spec, row, row) for plan, row in zip(to_encode, rows, strict=True)}
    nothing = fuse_parts(encoder.spec, None, None)

    def vector(plan: ProductPlan) -> FloatArray:
        kept = None if _is_new(plan, pictures) else plan.vector
        return encoded.get(plan.product_id, nothing if kept is None else kept)

    return [vector(plan) for plan in plans]


def _is_new(plan: ProductPlan, pictures: PictureBatch) -> bool:
    return plan.needs_text_embedding or plan.product_id in pictures.products


async def _encode(plans: Sequence[ProductPlan], pictures: PictureBatch, encoder: AsyncEncoder) -> Sequence[FloatArray]:
    if not plans:
        # Not even asked: the encoder may have other batches before it.
        return []
    texts, images = [plan.text for plan in plans], [_pixels(plan, pictures) for plan in plans]
    rows = await until_process_answers("encoder", lambda: encoder.encode_products(texts, images))
    metrics.ENCODED.labels("text").inc(sum(map(bool, texts)))
    metrics.ENCODED.labels("image").inc(sum(map(len, images)))
    return list(rows)


def _pixels(plan: ProductPlan, pictures: PictureBatch) -> list[Pixels]:
    loaded = pictures.products.get(plan.product_id)
    return [frame for file in loaded.files for frame in pictures.pixels[file]] if loaded else []
