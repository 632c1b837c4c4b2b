"""Filling a generation of the index from another: every product as it is there, with new vectors if need be."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from encoders.spec import FloatArray
from indexer.plain_text import with_plain_texts
from indexer.planning import ProductPlan, plan
from indexer.ports.products import ProductStore
from indexer.records import EventStamp, IndexRow, ProductChange, StoredProduct, StoredRow
from indexer.rows import with_labels
from streams.delivery.availability import until_available
from streams.delivery.publisher import OutgoingMessage, Publisher, publish_durably
from streams.delivery.retry_headers import ATTEMPT_HEADER, GENERATION_HEADER
from streams.events.schema import PRODUCT_EVENTS
from streams.media.picture_batch import PictureBatch
from streams.products.collaborators import PipelineModels
from streams.products.embedding import embed_rows

PAGE_PRODUCTS = 64
"""Products at a time: enough to fill the encoder, few enough to lose little in a crash."""

Page = Mapping[str, tuple[StoredProduct, FloatArray]]


@dataclass(frozen=True, slots=True)
class CopyProgress:
    """How far the copy is."""

    through_id: str
    """All products up to this id are durably in the new generation."""
    products_copied: int
    """How many were copied since the call."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A page whose pictures are at hand."""

    page: Page
    plans: Sequence[ProductPlan]
    pictures: PictureBatch


class GenerationCopier:
    """Copies products in the order of their ids, tombstones too; what came of each event stays in its stamps.

    Guarantees: at least once; what is copied again after a crash comes out the same. There must be no other writer of
    the new generation meanwhile. Waits as long as it takes while a server is away.
    """

    def __init__(
        self,
        source: ProductStore,
        target: ProductStore,
        target_name: str,
        models: PipelineModels,
        publisher: Publisher,
        keeps_vectors: bool = False,
    ) -> None:
        """Prepare a copy.

        Args:
            source: the old generation.
            target: the new one, and its name.
            target_name: as its workers know it.
            models: of the new generation; sounds and labels are copied as they are.
            publisher: takes requests to try missing pictures again.
            keeps_vectors: the stored vectors are those of the encoder: just texts that read differently are embedded.
        """
        self._source = source
        self._target = target
        self._target_name = target_name
        self._models = models
        self._publisher = publisher
        self._keeps_vectors = keeps_vectors

    async def copy(self, after: str = "") -> AsyncIterator[CopyProgress]:
        """Copy all products whose ids are greater than `after`; tells of each page that is durable.

        The pictures of a page are loaded while the one before it is encoded.
        """
        copied, loading = 0, asyncio.create_task(self._load(after))
        try:
            while (loaded := await loading).page:
                through = max(loaded.page)
                loading = asyncio.create_task(self._load(through))
                await self._write(loaded)
                copied += len(loaded.page)
                yield CopyProgress(through, copied)
        finally:
            loading.cancel()

    async def _load(self, after: str) -> _Loaded:
        page = await until_available("milvus", lambda: self._source.scan(after, PAGE_PRODUCTS))
        page = {product_id: (with_plain_texts(stored), vector) for product_id, (stored, vector) in page.items()}
        plans = _text_plans(page) if self._keeps_vectors else await self._whole_plans(page)
        joint = self._models.encoder.spec.joint
        wanted = {
            product_plan.product_id: product_plan.images_to_embed
            for product_plan in plans
            if product_plan.needs_decoded_images(joint)
        }
        return _Loaded(page, plans, await self._models.pictures.load(wanted))

    async def _whole_plans(self, page: Page) -> list[ProductPlan]:
        """Plans that have all of the products embedded."""
        changes = [change for product_id, (stored, _) in page.items() for change in stored.state.changes(product_id)]
        return [
            await self._without_collected(product_plan, page[product_id][0])
            for product_id, product_plan in plan(changes, {}).items()
        ]

    async def _without_collected(self, product_plan: ProductPlan, source: StoredProduct) -> ProductPlan:
        """The plan, told of what could not be decoded and is kept no more: it stays broken, instead of missing."""
        # What sounds say does not depend on the vector space.
        product_plan = product_plan.with_transcripts(source.transcripts)
        broken = [key for key in product_plan.images if key.is_stored and key.stored_form in source.broken_images]
        if not broken:
            return product_plan
        collected = await self._models.pictures.absent(broken)
        return replace(product_plan, stored=msgspec.structs.replace(product_plan.stored, broken_images=(*collected,)))

    async def _write(self, loaded: _Loaded) -> None:
        rows = await self._rows(loaded)
        await until_available("milvus", lambda: self._target.write(rows))
        # After the write: who tries them again must find that they are missing.
        retries = [self._retry_request(row.product_id) for row in rows if row.stored.incomplete]
        await publish_durably(self._publisher, retries)

    async def _rows(self, loaded: _Loaded) -> list[IndexRow]:
        embedded = await embed_rows(loaded.plans, loaded.pictures, self._models.encoder)
        await self._models.pictures.cache_embeddings(embedded.new_embeddings)
        # Labels are looked for again when the content changes, and stay until then.
        labels = {product_id: stored for product_id, (stored, _) in loaded.page.items()}
        return [
            with_labels(row, labels[row.product_id].suggestions, labels[row.product_id].duplicates)
            for row in embedded.rows
        ]

    def _retry_request(self, product_id: str) -> OutgoingMessage:
        """An event that changes nothing and has a product's missing pictures tried again."""
        event = {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "vitrine/reindex",
            "type": "product.updated",
            "subject": product_id,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "data": {"product_id": product_id},
        }
        headers = {ATTEMPT_HEADER: b"0", GENERATION_HEADER: self._target_name.encode()}
        return OutgoingMessage(PRODUCT_EVENTS, product_id.encode(), msgspec.json.encode(event), headers)


def _text_plans(page: Page) -> list[ProductPlan]:
    """Plans that have embedded just what reads differently than what was: words that a later version understands."""
    rows = {product_id: StoredRow(stored, vector, lexical="") for product_id, (stored, vector) in page.items()}
    return [*plan((_nothing_new(product_id) for product_id in page), rows).values()]


def _nothing_new(product_id: str) -> ProductChange:
    return ProductChange(product_id, EventStamp(0, "", ""), {})
