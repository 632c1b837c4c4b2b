"""The product pipeline: a batch of product events becomes one durable write to the index.

The way of an event, from its topic in Kafka to its acknowledgement:

    agent        hands each message of its topic to the batcher               streams/agents.py
    batcher      starts a batch when it is large enough, or the one before    streams/delivery/batching.py
                 it has released it
    ingest       decodes events, hashes the media that they carry             streams/products/ingest.py
    store        writes these media durably, beside all that follows          streams/media/incoming.py
    read, plan   merges events into what the index holds of their products    streams/products/planning.py
    load         transcribes sounds, fetches and decodes pictures and clips   streams/products/media_loading.py
    release      lets the next batch start, beside the rest of this one       `release_next_batch`
    encode       embeds what is new and fuses it with what is stored          streams/products/embedding.py
    label        compares products whose content changed with others          streams/products/labelling.py
    route        retries or dead letters for media that failed                streams/products/error_routing.py
    write        once their media are stored, writes rows within the lease    streams/products/index_writer.py
    announce     tells the query workers and Kafka what changed               streams/products/change_events.py
    acknowledge  commits messages, a contiguous prefix a partition            streams/delivery/messages.py
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from encoders.liveness.progress import progress
from indexer.planning import plan
from indexer.records import ProductChange
from streams import metrics
from streams.delivery.batching import ReleaseNextBatch
from streams.delivery.bisecting import bisect
from streams.delivery.messages import Message, RejectedMessage
from streams.delivery.product_locks import ProductLocks
from streams.delivery.publisher import publish_durably
from streams.errors import PartitionsLost
from streams.failures.sealed_letters import LetterSealer
from streams.media.incoming import FilesBeingWritten
from streams.products.change_events import ChangeAnnouncer
from streams.products.collaborators import PipelineDelivery, PipelineModels, PipelineStores
from streams.products.embedding import embed_rows
from streams.products.error_routing import reject_failed_event, route_media_faults
from streams.products.generation_role import GenerationRole
from streams.products.index_writer import IndexWriter
from streams.products.ingest import IngestedEvent, ingest
from streams.products.labelling import label_rows
from streams.products.media_in_use import MediaInUse, stored_digests
from streams.products.media_loading import load_media
from streams.products.planning import PlannedBatch, plan_events, read_stored
from streams.products.write_reconciler import WriteReconciler

log = logging.getLogger(__name__)


def _observe_start(batch: Sequence[Message]) -> None:
    """Measure how large a batch is, and how long its messages have waited for it."""
    metrics.BATCH_SIZE.observe(len(batch))
    now_ms = time.time() * 1000
    waited_ms = [now_ms - message.timestamp_ms for message in batch if message.timestamp_ms > 0]
    metrics.BATCH_WAIT_SECONDS.observe((), np.maximum(waited_ms, 0) / 1000)


def _release_nothing() -> None:
    """For a batch, or a part of one, that the next batch does not wait for."""


class ProductPipeline:
    """Indexes batches of product events. Several batches may be under way; a product is in one of them at a time.

    A batch is done when its effect is durable: rows in the index; dead letters, retries and index changes in Kafka.
    Only then are its messages acknowledged. Each stage is idempotent, so a crash between any two repeats them without
    harm. Messages whose partitions go to another worker meanwhile are left to it.
    """

    def __init__(
        self, stores: PipelineStores, models: PipelineModels, delivery: PipelineDelivery, role: GenerationRole
    ) -> None:
        self._stores = stores
        self._models = models
        self._delivery = delivery
        self._role = role
        self.generation = role.generation
        """The name of the generation that it writes."""
        self._locks = ProductLocks()
        self._sealer = LetterSealer(stores.person_keys)
        self.media_in_use = MediaInUse(stores.media)
        self.reconciler = WriteReconciler(stores.products, self._repair, stores.late_write_s)
        self._writer = IndexWriter(stores.products, delivery.lease, self.reconciler)
        self._announcer = ChangeAnnouncer(stores.change_log, delivery.publisher, role)

    async def process(self, batch: Sequence[Message], release_next_batch: ReleaseNextBatch = _release_nothing) -> None:
        """Index a batch and acknowledge it; where partitions are lost on the way, start again without them.

        Args:
            batch: messages that the acknowledger has received.
            release_next_batch: called once the batch's media are loaded: the messages that the batcher has collected
                meanwhile are the next batch, whose media are loaded while this one is encoded.
        """
        started = time.monotonic()
        _observe_start(batch)
        while owned := self._delivery.acknowledger.owned(batch):
            try:
                await self._process_owned(owned, release_next_batch)
                break
            except PartitionsLost:
                log.info("partitions_lost", extra={"events": len(owned)})
        log.info("batch_indexed", extra={"events": len(owned), "took_s": round(time.monotonic() - started, 4)})

    async def _process_owned(self, batch: Sequence[Message], release_next_batch: ReleaseNextBatch) -> None:
        """Ingest, index and acknowledge; messages that cannot be indexed become dead letters."""
        with metrics.stage("ingest"):
            ingested = await ingest(batch, self._delivery.horizon, self._delivery.tombstones_delete)
        if ingested.rejected:
            await self._reject(ingested.rejected)
        with self.media_in_use.hold(ingested.events):
            async with (
                self._stores.media.storing(ingested.files) as files,
                self._locks.hold({event.product_id for event in ingested.events}),
            ):
                index = partial(self._index, files=files, release_next_batch=release_next_batch)
                failed = await bisect(ingested.events, index)
                if failed:
                    await self._reject([reject_failed_event(event, error) for event, error in failed])
        self._delivery.acknowledger.mark_done(batch)

    async def _reject(self, rejected: Sequence[RejectedMessage]) -> None:
        reported = [letter for letter in rejected if self._role.reports_on(letter.message)]
        await publish_durably(self._delivery.publisher, await self._sealer.letters(reported))

    async def _index(
        self, events: Sequence[IngestedEvent], files: FilesBeingWritten, release_next_batch: ReleaseNextBatch
    ) -> None:
        stored = await read_stored(self._stores.products, (event.product_id for event in events))
        for part in await plan_events(events, stored):
            # What needs no encoder is quick: the next batch need not start beside it.
            await self._index_part(part, files, release_next_batch if part.needs_encoder else _release_nothing)

    async def _index_part(
        self, part: PlannedBatch, files: FilesBeingWritten, release_next_batch: ReleaseNextBatch
    ) -> None:
        """The stages of products, each with what the last one gave."""
        models = self._models
        progress("load")
        loaded = await load_media(part.plans.values(), models)
        release_next_batch()
        progress("encode")
        with metrics.stage("encode"):
            embedded = await embed_rows(loaded.plans, loaded.pictures, models.encoder)
        await models.pictures.cache_embeddings(embedded.new_embeddings)
        progress("label")
        rows = await label_rows(embedded.rows, part.plans, models.labeller)
        progress("store")
        await files.until_durable(stored_digests(part.events))
        # Before the write: after it, a crash in between would leave media missing that nobody tries again.
        await publish_durably(self._delivery.publisher, route_media_faults(part.events, loaded.faults, self._role))
        progress("write")
        await self._writer.write(rows, partial(self._delivery.acknowledger.check_owned, part.messages))
        self.reconciler.record_written(rows, part.partitions)
        progress("announce")
        await self._announcer.announce(part, rows)

    async def _repair(self, changes: Sequence[ProductChange], check_owned: Callable[[], None]) -> None:
        """For the reconciler: merge what this worker wrote before into what the index holds now."""
        product_ids = {change.product_id for change in changes}
        async with self._locks.hold(product_ids):
            stored = await read_stored(self._stores.products, product_ids)
            loaded = await load_media(plan(changes, stored).values(), self._models)
            with metrics.stage("encode"):
                embedded = await embed_rows(loaded.plans, loaded.pictures, self._models.encoder)
            await self._models.pictures.cache_embeddings(embedded.new_embeddings)
            await self._writer.write(embedded.rows, check_owned)
            await self._stores.change_log.append([row.product_id for row in embedded.rows])
