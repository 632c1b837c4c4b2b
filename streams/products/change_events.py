"""Telling the world what became searchable, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from indexer.planning import ProductPlan
from indexer.records import IndexRow
from indexer.rows import is_searchable
from streams import metrics
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import attempt_number
from streams.events.schema import INDEX_CHANGES, IndexChange
from streams.products.ingest import IngestedEvent


def change_event_messages(
    accepted: Sequence[IngestedEvent],
    plans: Mapping[str, ProductPlan],
    written: Mapping[str, IndexRow],
    generation: str,
    now_ms: int,
) -> list[OutgoingMessage]:
    """One `index-changes` record a product, with the events that it answers."""
    events: dict[str, list[str]] = {}
    for one in accepted:
        events.setdefault(one.product_id, []).append(one.change.stamp.event_id)
    return [
        _record(plans[product_id], written.get(product_id), generation, event_ids, now_ms)
        for product_id, event_ids in events.items()
    ]


def observe_freshness(
    accepted: Sequence[IngestedEvent], plans: Mapping[str, ProductPlan], written: Mapping[str, IndexRow], now_ms: int
) -> None:
    """Measure each event's way to the index, by what it changed: since it happened, and since Kafka took it."""
    for one in accepted:
        kind = _freshness_label(one, plans[one.product_id], written.get(one.product_id))
        _freshness(kind, "event").observe(max(0, now_ms - one.time_ms) / 1000)
        _freshness(kind, "kafka").observe(max(0, now_ms - one.message.timestamp_ms) / 1000)


def _freshness_label(one: IngestedEvent, plan: ProductPlan, row: IndexRow | None) -> str:
    change = _change(plan, row)
    if change == "updated":
        if attempt_number(one.message) is not None:
            return "completed"
        return "content" if plan.needs_text_embedding or plan.needs_image_embedding else "scalar"
    return change


def _record(
    plan: ProductPlan, row: IndexRow | None, generation: str, event_ids: list[str], now_ms: int
) -> OutgoingMessage:
    stored = row.stored if row else plan.stored
    change = _change(plan, row)
    _products(change).inc()
    record = IndexChange(
        product_id=plan.product_id,
        change=change,  # pyright: ignore[reportArgumentType]
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


def _change(plan: ProductPlan, row: IndexRow | None) -> str:
    if row is None:
        return "unchanged"
    if plan.state.deleted and not row.searchable:
        return "deleted"
    return "created" if plan.vector is None else "updated"
