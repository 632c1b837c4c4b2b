"""Announcing changes: what became searchable is told to the query workers' caches and to Kafka, and timed."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

import msgspec

from indexer.errors import StoreUnavailable
from indexer.planning import ProductPlan
from indexer.ports import ChangeLog
from indexer.records import IndexRow
from indexer.rows import is_searchable
from streams import metrics
from streams.delivery.publisher import OutgoingMessage, Publisher, publish_durably
from streams.events.schema import INDEX_CHANGES, IndexChange
from streams.products.generation_role import GenerationRole
from streams.products.ingest import IngestedEvent
from streams.products.planning import PlannedBatch

log = logging.getLogger(__name__)


class CacheInvalidator:
    """Appends products to the change log, by which query workers drop cached results; what fails is appended later.

    Redis holds caches, not truth: that it is away must not hold the index back. While it is, no cached result is
    served either; those that outlive the outage do so for their time to live at most.
    """

    def __init__(self, changes: ChangeLog) -> None:
        self._changes = changes
        self._unsent: dict[str, None] = {}

    async def invalidate(self, product_ids: Sequence[str]) -> None:
        """Note products whose rows have just become durable."""
        self._unsent |= dict.fromkeys(product_ids)
        if not self._unsent:
            return
        owed = list(self._unsent)
        try:
            await self._changes.append(owed)
        except StoreUnavailable as error:
            log.warning("change_log_unavailable", extra={"owed": len(owed), "error": str(error)[:300]})
            return
        for product_id in owed:
            self._unsent.pop(product_id, None)


class ChangeAnnouncer:
    """Tells what became of each product of a batch, however long Kafka is away."""

    def __init__(self, caches: CacheInvalidator, publisher: Publisher, role: GenerationRole) -> None:
        self._caches = caches
        self._publisher = publisher
        self._role = role

    async def announce(self, batch: PlannedBatch, rows: Sequence[IndexRow]) -> None:
        """Tell of a batch whose rows are durable, the unchanged products too: their record may be lost in a crash."""
        with metrics.STAGE_SECONDS.labels("announce").time():
            await self._caches.invalidate([row.product_id for row in rows])
            written = {row.product_id: row for row in rows}
            now_ms = int(time.time() * 1000)
            _observe_freshness(batch, written, now_ms)
            reported = [event for event in batch.events if self._role.reports_on(event.message)]
            records = _change_records(reported, batch.plans, written, self._role.generation, now_ms)
            await publish_durably(self._publisher, records)


def _observe_freshness(batch: PlannedBatch, written: Mapping[str, IndexRow], now_ms: int) -> None:
    """Measure each event's way to the index, by what it changed: since it happened, and since Kafka took it."""
    for event in batch.events:
        label = _freshness_label(event, batch.plans[event.product_id], written.get(event.product_id))
        _freshness(label, "event").observe(max(0, now_ms - event.time_ms) / 1000)
        _freshness(label, "kafka").observe(max(0, now_ms - event.message.timestamp_ms) / 1000)


def _freshness_label(event: IngestedEvent, plan: ProductPlan, row: IndexRow | None) -> str:
    change = _change(plan, row)
    if change != "updated":
        return change
    if event.attempt is not None:
        return "completed"
    return "content" if plan.needs_text_embedding or plan.needs_image_embedding else "scalar"


def _change_records(
    events: Sequence[IngestedEvent],
    plans: Mapping[str, ProductPlan],
    written: Mapping[str, IndexRow],
    generation: str,
    now_ms: int,
) -> list[OutgoingMessage]:
    """One `index-changes` record a product, with the events that it answers."""
    event_ids: dict[str, list[str]] = {}
    for event in events:
        event_ids.setdefault(event.product_id, []).append(event.change.stamp.event_id)
    return [
        _change_record(plans[product_id], written.get(product_id), generation, product_event_ids, now_ms)
        for product_id, product_event_ids in event_ids.items()
    ]


def _change_record(
    plan: ProductPlan, row: IndexRow | None, generation: str, event_ids: list[str], now_ms: int
) -> OutgoingMessage:
    stored = row.stored if row else plan.stored
    change = _change(plan, row)
    _products(change).inc()
    record = IndexChange(
        product_id=plan.product_id,
        change=change,
        searchable=is_searchable(stored),
        version=plan.state.version,
        generation=generation,
        event_ids=event_ids,
        indexed_at_ms=now_ms,
        missing_images=stored.incomplete,
        suggestions=list(stored.suggestions),
        duplicates=list(stored.duplicates),
    )
    return OutgoingMessage(INDEX_CHANGES, plan.product_id.encode(), msgspec.json.encode(record))


# Looking labels up is dear, and there are few.
_freshness = cache(metrics.FRESHNESS_SECONDS.labels)
_products = cache(metrics.PRODUCTS.labels)


def _change(plan: ProductPlan, row: IndexRow | None) -> Literal["created", "updated", "deleted", "unchanged"]:
    if row is None:
        return "unchanged"
    if plan.state.deleted and not row.searchable:
        return "deleted"
    return "created" if plan.vector is None else "updated"
