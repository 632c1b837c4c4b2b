"""The product pipeline: a batch of product events becomes one durable write to the index."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager

import msgspec

from indexer.errors import InvalidRecord
from indexer.media import MediaStore
from indexer.planning import Plan, plan
from indexer.ports import ProductStore
from indexer.records import IndexRow, ProductChange
from indexer.rows import is_searchable
from streams import metrics
from streams.dead_letters import dead_letter
from streams.decoding import Horizon, decode_message, to_change
from streams.encoding import EncoderThread
from streams.errors import InvalidEvent
from streams.events import INDEX_CHANGES, IndexChange
from streams.messages import Message
from streams.notices import ChangeNotices
from streams.pictures import LoadedPictures, PictureLoader
from streams.publisher import Outgoing, Publisher
from streams.retrying import until_available
from streams.vectors import embed_rows

log = logging.getLogger(__name__)

Accepted = tuple[Message, ProductChange]


class ProductPipeline:
    """Indexes batches of product events. Several batches may be under way; a product is in one of them at a time.

    A batch is done when its effect is durable: rows in the index, dead letters and index changes in Kafka. Only then
    are its messages finished. Each step is idempotent, so a crash between any two repeats them without harm.
    """

    def __init__(
        self,
        store: ProductStore,
        media: MediaStore,
        pictures: PictureLoader,
        encoder: EncoderThread,
        publisher: Publisher,
        notices: ChangeNotices,
        generation: str,
        finish: Callable[[Sequence[Message]], None],
        horizon: Horizon,
    ) -> None:
        self._store = store
        self._media = media
        self._pictures = pictures
        self._encoder = encoder
        self._publisher = publisher
        self._notices = notices
        self._generation = generation
        self._finish = finish
        self._horizon = horizon
        self._encoding = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._owned: dict[str, asyncio.Event] = {}

    async def process(self, batch: list[Message]) -> None:
        """Index a batch: decode, plan, load pictures, encode, write, publish, finish."""
        started = time.monotonic()
        metrics.BATCH_SIZE.observe(len(batch))
        accepted = await self._accept(batch)
        async with self._own({change.product_id for _, change in accepted}):
            await self._index_or_bisect(accepted)
        self._finish(batch)
        log.info("batch_indexed", extra={"events": len(batch), "took_s": round(time.monotonic() - started, 4)})

    async def _accept(self, batch: Sequence[Message]) -> list[Accepted]:
        """Decode, and put inline media away; what cannot be decoded goes to the dead letters."""
        results = await asyncio.gather(*(self._change(message) for message in batch))
        pairs = list(zip(batch, results, strict=True))
        await self._bury([(message, fault) for message, fault in pairs if isinstance(fault, InvalidEvent)])
        return [(message, change) for message, change in pairs if isinstance(change, ProductChange)]

    async def _change(self, message: Message) -> ProductChange | InvalidEvent:
        try:
            event = decode_message(message, self._horizon)
            return await until_available("media", lambda: to_change(event, self._media))
        except InvalidEvent as fault:
            return fault
        except Exception as error:
            # Whatever it is about this event, it must not stop its partition by ending the worker again and again.
            log.exception("event_failed", extra={"offset": message.offset})
            return InvalidEvent("internal", f"{type(error).__name__}: {error}")

    async def _index_or_bisect(self, accepted: Sequence[Accepted]) -> None:
        """Index; when the batch cannot be, find the events at fault and go on without them."""
        if not accepted:
            return
        try:
            await self._index(accepted)
        except Exception as error:
            if len(accepted) > 1:
                middle = len(accepted) // 2
                await self._index_or_bisect(accepted[:middle])
                await self._index_or_bisect(accepted[middle:])
                return
            log.exception("event_failed", extra={"offset": accepted[0][0].offset})
            reason = "too_large" if isinstance(error, InvalidRecord) else "internal"
            await self._bury([(accepted[0][0], InvalidEvent(reason, f"{type(error).__name__}: {error}"))])

    async def _index(self, accepted: Sequence[Accepted]) -> None:
        changes = [change for _, change in accepted]
        product_ids = sorted({change.product_id for change in changes})
        with _timed("read"):
            stored = await until_available("milvus", lambda: self._store.read(product_ids))
        plans = plan(changes, stored)
        needed = [one for one in plans.values() if not one.unchanged]
        with _timed("load"):
            pictures = await self._load(needed)
        async with self._encoding:
            with _timed("encode"):
                rows = await embed_rows(needed, pictures, self._encoder)
        await self._write(rows)
        with _timed("announce"):
            await self._notices.changed([row.product_id for row in rows])
            await self._announce(accepted, plans, {row.product_id: row for row in rows})
        await self._bury(_picture_faults(accepted, pictures))

    async def _write(self, rows: Sequence[IndexRow]) -> None:
        if rows:
            async with self._writing:
                with _timed("write"):
                    await until_available("milvus", lambda: self._store.write(rows))

    async def _load(self, plans: Iterable[Plan]) -> dict[str, LoadedPictures]:
        wanted = [one for one in plans if one.needs_images]
        loaded = await asyncio.gather(*(self._pictures.load(one.wanted_images) for one in wanted))
        return {one.product_id: pictures for one, pictures in zip(wanted, loaded, strict=True)}

    async def _announce(self, accepted: Sequence[Accepted], plans: dict[str, Plan], rows: dict[str, IndexRow]) -> None:
        """Publish what became of each product, the unchanged ones too: their record may have been lost in a crash."""
        now_ms = int(time.time() * 1000)
        events: dict[str, list[str]] = {}
        for message, change in accepted:
            events.setdefault(change.product_id, []).append(change.stamp.event_id)
            kind = _kind(plans[change.product_id], rows.get(change.product_id))
            metrics.FRESHNESS_SECONDS.labels(kind).observe(max(0.0, now_ms - message.timestamp_ms) / 1000)
        outgoing: list[Outgoing] = []
        for product_id, event_ids in events.items():
            row = rows.get(product_id)
            record = _index_change(plans[product_id], row, self._generation, event_ids, now_ms)
            metrics.PRODUCTS.labels(record.change).inc()
            outgoing.append(Outgoing(INDEX_CHANGES, product_id.encode(), msgspec.json.encode(record)))
        await until_available("kafka", lambda: self._publisher.publish(outgoing))

    async def _bury(self, faults: Sequence[tuple[Message, InvalidEvent]]) -> None:
        """Publish dead letters."""
        if not faults:
            return
        for _, fault in faults:
            metrics.DEAD_LETTERS.labels(fault.reason).inc()
        letters = [dead_letter(message, fault) for message, fault in faults]
        await until_available("kafka", lambda: self._publisher.publish(letters))

    @asynccontextmanager
    async def _own(self, product_ids: set[str]) -> AsyncIterator[None]:
        """Wait until no other batch under way has any of these products, then have them alone.

        A plan starts from what is stored; were a product in two batches at once, the later would not see the earlier.
        """
        while busy := [self._owned[one] for one in product_ids if one in self._owned]:
            await busy[0].wait()
        released = asyncio.Event()
        self._owned |= dict.fromkeys(product_ids, released)
        try:
            yield
        finally:
            for product_id in product_ids:
                del self._owned[product_id]
            released.set()


def _timed(stage: str) -> AbstractContextManager[object]:
    """Times a stage of a batch; waiting for the batch before it does not count."""
    return metrics.STAGE_SECONDS.labels(stage).time()


def _kind(plan: Plan, row: IndexRow | None) -> str:
    if row is None:
        return "unchanged"
    if plan.state.deleted and not row.searchable:
        return "deleted"
    return "created" if plan.vector is None else "updated"


def _index_change(plan: Plan, row: IndexRow | None, generation: str, event_ids: list[str], now_ms: int) -> IndexChange:
    stored = row.stored if row else plan.old
    return IndexChange(
        product_id=plan.product_id,
        change=_kind(plan, row),  # pyright: ignore[reportArgumentType]
        searchable=is_searchable(stored),
        version=plan.state.version,
        generation=generation,
        event_ids=event_ids,
        indexed_at_ms=now_ms,
        missing_images=stored.incomplete,
    )


def _picture_faults(
    accepted: Sequence[Accepted], pictures: dict[str, LoadedPictures]
) -> list[tuple[Message, InvalidEvent]]:
    """A product's broken pictures, each buried with the last message that is about the product."""
    last = {change.product_id: message for message, change in accepted}
    return [(last[product_id], fault) for product_id, loaded in pictures.items() for fault in loaded.faults]
