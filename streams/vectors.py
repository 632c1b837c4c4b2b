"""From plans to rows: encode just the parts that changed, in one batch, and fuse them with those that did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from encoders.port import BatchEncoder
from encoders.spec import FloatArray, fuse, pool, split
from indexer.planning import Plan
from indexer.records import IndexRow, StoredProduct
from indexer.rows import build_row
from streams import metrics
from streams.pictures import LoadedPictures


async def embed_rows(
    plans: Sequence[Plan], pictures: Mapping[str, LoadedPictures], encoder: BatchEncoder
) -> list[IndexRow]:
    """Rows for plans, with one pass through the encoder for all new texts and pictures of the batch.

    Args:
        plans: distinct products that changed.
        pictures: the loaded pictures of those that `needs_images`, by product id.
    """
    new_texts = [one for one in plans if one.needs_text and one.text]
    new_pixels = [pixels for one in plans if one.product_id in pictures for pixels in pictures[one.product_id].pixels]
    text_rows, image_rows = await encoder.encode([one.text for one in new_texts], new_pixels)
    texts = {one.product_id: row for one, row in zip(new_texts, text_rows, strict=True)}
    rows: list[IndexRow] = []
    taken = 0
    for one in plans:
        loaded = pictures.get(one.product_id)
        count = len(loaded.pixels) if loaded else 0
        old_text, old_image = _stored_parts(one, encoder)
        text = texts.get(one.product_id) if one.needs_text else old_text
        image = old_image if loaded is None else pool(image_rows[taken : taken + count]) if count else None
        taken += count
        _count_reused(one, loaded)
        rows.append(build_row(one.product_id, _stored(one, loaded), fuse(encoder.spec, text, image)))
    return rows


def _stored_parts(plan: Plan, encoder: BatchEncoder) -> tuple[FloatArray | None, FloatArray | None]:
    return (None, None) if plan.vector is None else split(encoder.spec, plan.vector)


def _stored(plan: Plan, loaded: LoadedPictures | None) -> StoredProduct:
    if loaded is None:
        keys, broken, missing = plan.old.image_keys, plan.old.broken_images, plan.old.missing_images
        missing = tuple(key for key in missing if key in plan.image_keys)
    else:
        known = {*plan.old.broken_images, *loaded.broken} - {*loaded.keys}
        keys, missing = loaded.keys, loaded.unreachable
        broken = tuple(key for key in plan.image_keys if key in known)
    return StoredProduct(plan.state, plan.text_hash, keys, broken, missing)


def _count_reused(plan: Plan, loaded: LoadedPictures | None) -> None:
    if plan.text and not plan.needs_text:
        metrics.REUSED.labels("text").inc()
    if plan.images and loaded is None:
        metrics.REUSED.labels("image").inc(len(plan.old.image_keys))
