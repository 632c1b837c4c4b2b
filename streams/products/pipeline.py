"""The product pipeline: a batch of product events becomes one durable write to the index."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager

from encoders.port import AsyncEncoder
from encoders.spec import FloatArray
from indexer.errors import InvalidRecord, StoreUnavailable
from indexer.media_store import MediaStore
from indexer.planning import ProductPlan, plan
from indexer.ports import ProductStore
from indexer.records import IndexRow, ProductChange, StoredProduct
from streams import metrics
from streams.delivery.availability import until_available
from streams.delivery.batching import ReleaseNextBatch
from streams.delivery.decoding import Horizon
from streams.delivery.lease import WriteLease
from streams.delivery.messages import Message, PrefixAcknowledger
from streams.delivery.publisher import OutgoingMessage, Publisher
from streams.delivery.retry_headers import RELABEL_HEADER, attempt_number
from streams.errors import InvalidEvent, PartitionsLost
from streams.labels.labelling import Labeller
from streams.media.pictures import PictureLoader
from streams.media.transcription import AudioTranscriber
from streams.products.cache_invalidation import CacheInvalidator
from streams.products.change_events import change_event_messages, observe_freshness
from streams.products.embedding import embed_rows
from streams.products.error_routing import route_media_faults, route_rejected
from streams.products.generation_role import GenerationRole
from streams.products.ingest import IngestedEvent, RejectedMessage, ingest
from streams.products.write_reconciler import WriteReconciler

log = logging.getLogger(__name__)


def _no_op() -> None:
    """No one waits."""


class ProductPipeline:
    """Indexes batches of product events. Several batches may be under way; a product is in one of them at a time.

    A batch is done when its effect is durable: rows in the index, dead letters, retries and index changes in Kafka.
    Only then are its messages acknowledged. Each step is idempotent, so a crash between any two repeats them without
    harm. Messages whose partitions go to another worker meanwhile are left to it.
    """

    def __init__(
        self,
        store: ProductStore,
        media: MediaStore,
        pictures: PictureLoader,
        encoder: AsyncEncoder,
        publisher: Publisher,
        notices: CacheInvalidator,
        acknowledger: PrefixAcknowledger,
        lease: WriteLease,
        voice: GenerationRole,
        horizon: Horizon,
        late_write_s: float,
        labeller: Labeller | None = None,
        notes: AudioTranscriber | None = None,
    ) -> None:
        """Args: notes: listens to products' sounds; None: nobody does."""
        self._transcriber = notes
        self._store = store
        self._media = media
        self._pictures = pictures
        self._encoder = encoder
        self._publisher = publisher
        self._cache_invalidator = notices
        self._acknowledger = acknowledger
        self._lease = lease
        self._role = voice
        self._horizon = horizon
        self._labeller = labeller
        self.reconciler = WriteReconciler(store, self._repair, late_write_s)
        self._write_lock = asyncio.Lock()
        self._products_in_flight: dict[str, asyncio.Event] = {}

    async def process(self, batch: list[Message], give_way: ReleaseNextBatch = _no_op) -> None:
        """Index a batch: decode, plan, load pictures, give way to the next, encode, write, announce, acknowledge."""
        started = time.monotonic()
        metrics.BATCH_SIZE.observe(len(batch))
        while owned := self._acknowledger.owned(batch):
            try:
                await self._process(owned, give_way)
                break
            except PartitionsLost:
                log.info("partitions_lost", extra={"events": len(owned)})
        log.info("batch_indexed", extra={"events": len(owned), "took_s": round(time.monotonic() - started, 4)})

    async def _process(self, batch: list[Message], give_way: ReleaseNextBatch) -> None:
        accepted, refused = await ingest(batch, self._media, self._horizon)
        await self._publish_dead_letters(refused)
        async with self._exclusive_products({one.product_id for one in accepted}):
            await self._index_or_bisect(accepted, give_way)
        self._acknowledger.mark_done(batch)

    async def _index_or_bisect(self, accepted: Sequence[IngestedEvent], give_way: ReleaseNextBatch) -> None:
        """Index; when the batch cannot be, find the events at fault and go on without them."""
        if not accepted:
            return
        try:
            await self._index(accepted, give_way)
        except PartitionsLost:
            raise
        except Exception as error:
            if len(accepted) > 1:
                middle = len(accepted) // 2
                await self._index_or_bisect(accepted[:middle], give_way)
                await self._index_or_bisect(accepted[middle:], give_way)
                return
            log.exception("event_failed", extra={"offset": accepted[0].message.offset})
            reason = "too_large" if isinstance(error, InvalidRecord) else "internal"
            fault = InvalidEvent(reason, f"{type(error).__name__}: {error}")
            await self._publish_dead_letters([(accepted[0].message, fault)])

    async def _index(self, accepted: Sequence[IngestedEvent], give_way: ReleaseNextBatch) -> None:
        def still_owned() -> None:
            if len(self._acknowledger.owned(one.message for one in accepted)) < len(accepted):
                raise PartitionsLost("another worker has some of the batch's partitions now")

        plans = await self._plan(accepted)
        # What needs no encoder does not wait for it, and is worth no batch beside it.
        for part, when_loaded in (
            ([one for one in accepted if not plans[one.product_id].needs_encoder], _no_op),
            ([one for one in accepted if plans[one.product_id].needs_encoder], give_way),
        ):
            if part:
                chosen = {one.product_id: plans[one.product_id] for one in part}
                await self._execute(part, chosen, still_owned, when_loaded)

    async def _execute(
        self,
        accepted: Sequence[IngestedEvent],
        plans: dict[str, ProductPlan],
        still_owned: Callable[[], None],
        when_loaded: Callable[[], None],
    ) -> None:
        rows, faults = await self._rows(plans, when_loaded)
        rows = await self._with_labels(rows, plans)
        # Before the write: were it the other way round, a crash in between would forget what is missing.
        await self._publish(route_media_faults(accepted, faults, self._role))
        await self._write(rows, still_owned)
        self.reconciler.record_written(rows, {one.product_id: one.message.partition for one in accepted})
        with _timed("announce"):
            await self._publish_changes(accepted, plans, rows)

    async def _repair(self, changes: Sequence[ProductChange], still_owned: Callable[[], None]) -> None:
        """Merge what this worker has written before into what is there now."""
        async with self._exclusive_products({one.product_id for one in changes}):
            stored = await self._read({one.product_id for one in changes})
            rows, _ = await self._rows(plan(changes, stored))
            await self._write(rows, still_owned)
            await self._cache_invalidator.invalidate([row.product_id for row in rows])

    async def _plan(self, accepted: Sequence[IngestedEvent]) -> dict[str, ProductPlan]:
        return plan(
            [one.change for one in accepted],
            await self._read({one.product_id for one in accepted}),
            retry_missing=frozenset(one.product_id for one in accepted if attempt_number(one.message) is not None),
            retry_broken=frozenset(one.product_id for one in accepted if attempt_number(one.message) == 0),
            relabel=frozenset(one.product_id for one in accepted if RELABEL_HEADER in one.message.headers),
        )

    async def _read(self, product_ids: set[str]) -> dict[str, tuple[StoredProduct, FloatArray]]:
        with _timed("read"):
            return await until_available("milvus", lambda: self._store.read(sorted(product_ids)))

    async def _rows(
        self, plans: Mapping[str, ProductPlan], when_loaded: Callable[[], None] = _no_op
    ) -> tuple[list[IndexRow], Mapping[str, Sequence[InvalidEvent]]]:
        """Rows of what changed, and what went wrong with products' media."""
        joint = self._encoder.spec.joint
        with _timed("load"):
            # First: what is heard is new text, and a joint encoder needs the pictures of whatever has new text.
            needed, faults = await self._with_transcripts([one for one in plans.values() if not one.unchanged])
            pictures = await self._pictures.load(
                {one.product_id: one.images_to_embed for one in needed if one.needs_decoded_images(joint)}
            )
        when_loaded()
        with _timed("encode"):
            rows, embeddings = await embed_rows(needed, pictures, self._encoder)
        await self._pictures.cache_embeddings(embeddings)
        for product_id, loaded in pictures.products.items():
            faults[product_id] = [*loaded.faults, *faults.get(product_id, ())]
        return rows, faults

    async def _with_transcripts(
        self, plans: Sequence[ProductPlan]
    ) -> tuple[list[ProductPlan], dict[str, list[InvalidEvent]]]:
        """The plans with what is heard now, and what could not be."""
        wanted = {one.product_id: one.audios_to_transcribe for one in plans if one.audios_to_transcribe}
        if self._transcriber is None or not wanted:
            return list(plans), {}
        heard = await self._transcriber.transcribe(wanted)
        return (
            [
                one.with_transcripts(heard[one.product_id].transcripts) if one.product_id in heard else one
                for one in plans
            ],
            {product_id: list(one.faults) for product_id, one in heard.items() if one.faults},
        )

    async def _with_labels(self, rows: list[IndexRow], plans: Mapping[str, ProductPlan]) -> list[IndexRow]:
        """The rows with suggestions and duplicates, of those whose content may be another than before."""
        new = {row.product_id for row in rows if plans[row.product_id].labels_are_stale(row.stored)}
        if self._labeller is None or not new:
            return rows
        with _timed("label"):
            found = await self._labeller.label([row for row in rows if row.product_id in new])
        return [*found, *(row for row in rows if row.product_id not in new)]

    async def _write(self, rows: Sequence[IndexRow], still_owned: Callable[[], None]) -> None:
        """Write within the lease, while the products' partitions are this worker's."""

        async def write() -> None:
            try:
                await self._store.write(rows, await self._lease.deadline(still_owned))
            except StoreUnavailable:
                self.reconciler.open_window()
                raise

        if rows:
            async with self._write_lock:
                with _timed("write"):
                    await until_available("milvus", write)

    async def _publish_changes(
        self, accepted: Sequence[IngestedEvent], plans: dict[str, ProductPlan], rows: Sequence[IndexRow]
    ) -> None:
        """Tell what became of each product, the unchanged ones too: their record may have been lost in a crash."""
        await self._cache_invalidator.invalidate([row.product_id for row in rows])
        written = {row.product_id: row for row in rows}
        now_ms = int(time.time() * 1000)
        observe_freshness(accepted, plans, written, now_ms)
        told = [one for one in accepted if self._role.reports_on(one.message)]
        await self._publish(change_event_messages(told, plans, written, self._role.generation, now_ms))

    async def _publish_dead_letters(self, refused: Sequence[RejectedMessage]) -> None:
        await self._publish(route_rejected([one for one in refused if self._role.reports_on(one[0])]))

    async def _publish(self, outgoing: Sequence[OutgoingMessage]) -> None:
        if outgoing:
            await until_available("kafka", lambda: self._publisher.publish(outgoing))

    @asynccontextmanager
    async def _exclusive_products(self, product_ids: set[str]) -> AsyncIterator[None]:
        """Wait until no other batch under way has any of these products, then keep them from others.

        A plan starts from what is stored; were a product in two batches at once, the later would not see the earlier.
        """
        while busy := [self._products_in_flight[one] for one in product_ids if one in self._products_in_flight]:
            await busy[0].wait()
        released = asyncio.Event()
        self._products_in_flight |= dict.fromkeys(product_ids, released)
        try:
            yield
        finally:
            for product_id in product_ids:
                del self._products_in_flight[product_id]
            released.set()


def _timed(stage: str) -> AbstractContextManager[object]:
    """Times a stage of a batch; waiting for the batch before it does not count."""
    return metrics.STAGE_SECONDS.labels(stage).time()
