"""Announcing changes: what became searchable is told to the query workers' caches and to Kafka, and timed."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from indexer.errors import StoreUnavailable
from indexer.planning import ProductPlan
from indexer.ports.changes import ChangeLog
from indexer.records import IndexRow
from indexer.redis.change_log import CHANGES_KEPT
from indexer.rows import is_searchable
from indexer.slices import map_in_slices
from streams import metrics
from streams.delivery.messages import Message
from streams.delivery.publisher import OutgoingMessage, Publisher, publish_durably
from streams.delivery.traces import trace_headers
from streams.events.schema import INDEX_CHANGES, IndexChange
from streams.products.generation_role import GenerationRole
from streams.products.ingest import IngestedEvent
from streams.products.planning import PlannedBatch

log = logging.getLogger(__name__)

PATIENCE_S = 1.0
"""How long changes that Redis does not take wait to be announced: mostly it is there, and it or this worker is busy."""
FLUSH_S = 0.1
"""How long after Redis is back a change that it missed may wait for its entry in the change log."""
OWED_AT_MOST = CHANGES_KEPT + 1
"""Changes that wait for Redis. So many at once push all that was in the log out of it, which makes every cached result
stale: those before them need not be told."""


class ChangeLogWriter:
    """Appends products to the change log, by which query workers drop cached results; what fails is appended later.

    Redis holds caches, not truth: that it is away must not hold the index back, but for `PATIENCE_S` as it goes. While
    it is away, no cached result is served either; what is owed is appended by `run` within `FLUSH_S` of its return, or
    with the next write.
    """

    def __init__(self, changes: ChangeLog, flush_s: float = FLUSH_S, patience_s: float = PATIENCE_S) -> None:
        """Args: flush_s: how long after a failure `run` tries again; patience_s: how long `append` does."""
        self._changes = changes
        self._flush_s = flush_s
        self._patience_s = patience_s
        self._owed: dict[str, int] = {}
        self._noted = itertools.count()
        self._failed = asyncio.Event()
        """Set while something is owed that Redis did not take."""
        self._is_away = False
        """Redis was not to be had for so long that nobody waits for it."""

    async def append(self, product_ids: Sequence[str]) -> None:
        """Note products whose rows have just become durable; never raises `StoreUnavailable`.

        They are in the log then, so that whoever is told of the change finds it in every answer; or Redis is away.
        """
        for product_id in product_ids:
            # At the end, as the log has it.
            self._owed.pop(product_id, None)
            self._owed[product_id] = next(self._noted)
        for oldest in list(self._owed)[: max(0, len(self._owed) - OWED_AT_MOST)]:
            del self._owed[oldest]
        until_s = time.monotonic() + self._patience_s
        while (failure := await self._send()) is not None and not self._is_away:
            if time.monotonic() < until_s:
                await asyncio.sleep(self._flush_s)
            else:
                self._is_away = True
                log.warning("change_log_unavailable", extra={"owed": len(self._owed), "error": str(failure)[:300]})

    async def run(self) -> None:
        """Append what is owed, however quiet the shop is, until cancelled."""
        while True:
            await self._failed.wait()
            await asyncio.sleep(self._flush_s)
            await self._send()

    async def _send(self) -> StoreUnavailable | None:
        """Append what is owed; None: Redis took it."""
        owed = dict(self._owed)
        try:
            if owed:
                await self._changes.append(list(owed))
        except StoreUnavailable as error:
            self._failed.set()
            return error
        self._is_away = False
        for product_id, noted in owed.items():
            # One that changed again meanwhile is owed still.
            if self._owed.get(product_id) == noted:
                del self._owed[product_id]
        if not self._owed:
            self._failed.clear()
        return None


class ChangeAnnouncer:
    """Tells what became of each product of a batch, however long Kafka is away."""

    def __init__(self, change_log: ChangeLogWriter, publisher: Publisher, role: GenerationRole) -> None:
        self._change_log = change_log
        self._publisher = publisher
        self._role = role

    async def announce(self, batch: PlannedBatch, rows: Sequence[IndexRow]) -> None:
        """Tell of a batch whose rows are durable, the unchanged products too: their record may be lost in a crash."""
        with metrics.stage("announce"):
            # The unchanged ones too: who wrote their rows may have ended before it came here.
            await self._change_log.append(list(batch.plans))
            written = {row.product_id: row for row in rows}
            now_ms = int(time.time() * 1000)
            _observe_freshness(batch, written, now_ms)
            reported = [event for event in batch.events if self._role.reports_on(event.message)]
            records = await _change_records(reported, batch.plans, written, self._role.generation, now_ms)
            await publish_durably(self._publisher, records)


def _observe_freshness(batch: PlannedBatch, written: Mapping[str, IndexRow], now_ms: int) -> None:
    """Measure each event's way to the index, by what it changed: since it happened, and since Kafka took it."""
    since_event_ms: dict[str, list[int]] = {}
    since_kafka_ms: dict[str, list[int]] = {}
    for event in batch.events:
        label = _freshness_label(event, batch.plans[event.product_id], written.get(event.product_id))
        since_event_ms.setdefault(label, []).append(now_ms - event.time_ms)
        since_kafka_ms.setdefault(label, []).append(now_ms - event.message.timestamp_ms)
    for since, waits in (("event", since_event_ms), ("kafka", since_kafka_ms)):
        for label, waits_ms in waits.items():
            metrics.FRESHNESS_SECONDS.observe((label, since), np.maximum(waits_ms, 0) / 1000)


def _freshness_label(event: IngestedEvent, plan: ProductPlan, row: IndexRow | None) -> str:
    change = _change(plan, row)
    if change != "updated":
        return change
    if event.attempt is not None:
        return "completed"
    return "content" if plan.needs_text_embedding or plan.needs_image_embedding else "scalar"


async def _change_records(
    events: Sequence[IngestedEvent],
    plans: Mapping[str, ProductPlan],
    written: Mapping[str, IndexRow],
    generation: str,
    now_ms: int,
) -> list[OutgoingMessage]:
    """One `index-changes` record a product, with the events that it answers, in the trace of the latest."""
    event_ids: dict[str, list[str]] = {}
    latest: dict[str, Message] = {}
    for event in events:
        event_ids.setdefault(event.product_id, []).append(event.change.stamp.event_id)
        latest[event.product_id] = event.message

    def describe(product_id: str) -> IndexChange:
        row = written.get(product_id)
        return _index_change(plans[product_id], row, generation, event_ids[product_id], now_ms)

    changes = await map_in_slices(describe, event_ids)
    for change, products in Counter(change.change for change in changes).items():
        metrics.PRODUCTS.labels(change).inc(products)
    return [
        OutgoingMessage(
            INDEX_CHANGES, change.product_id.encode(), _json.encode(change), trace_headers(latest[change.product_id])
        )
        for change in changes
    ]


def _index_change(
    plan: ProductPlan, row: IndexRow | None, generation: str, event_ids: list[str], now_ms: int
) -> IndexChange:
    stored = row.stored if row else plan.stored
    return IndexChange(
        product_id=plan.product_id,
        change=_change(plan, row),
        searchable=row.searchable if row else is_searchable(stored),
        version=plan.state.version,
        generation=generation,
        event_ids=event_ids,
        indexed_at_ms=now_ms,
        missing_images=stored.incomplete,
        suggestions=list(stored.suggestions),
        duplicates=list(stored.duplicates),
    )


_json = msgspec.json.Encoder()


def _change(plan: ProductPlan, row: IndexRow | None) -> Literal["created", "updated", "deleted", "unchanged"]:
    if row is None:
        return "unchanged"
    if plan.state.deleted and not row.searchable:
        return "deleted"
    return "created" if plan.vector is None else "updated"
