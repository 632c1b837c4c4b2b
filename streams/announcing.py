"""Telling the world what became searchable, and how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from indexer.planning import Plan
from indexer.records import IndexRow
from indexer.rows import is_searchable
from streams import metrics
from streams.accepting import Accepted
from streams.events import INDEX_CHANGES, IndexChange
from streams.publisher import Outgoing
from streams.retries import attempt


def index_changes(
    accepted: Sequence[Accepted],
    plans: Mapping[str, Plan],
    written: Mapping[str, IndexRow],
    generation: str,
    now_ms: int,
) -> list[Outgoing]:
    """One `index-changes` record a product, with the events that it answers."""
    events: dict[str, list[str]] = {}
    for one in accepted:
        events.setdefault(one.product_id, []).append(one.change.stamp.event_id)
    return [
        _record(plans[product_id], written.get(product_id), generation, event_ids, now_ms)
        for product_id, event_ids in events.items()
    ]


def observe_freshness(
    accepted: Sequence[Accepted], plans: Mapping[str, Plan], written: Mapping[str, IndexRow], now_ms: int
) -> None:
    """Measure each event's way to the index, by what it changed: since it happened, and since Kafka took it."""
    for one in accepted:
        kind = _kind_of_work(one, plans[one.product_id], written.get(one.product_id))
        _freshness(kind, "event").observe(max(0, now_ms - one.time_ms) / 1000)
        _freshness(kind, "kafka").observe(max(0, now_ms - one.message.timestamp_ms) / 1000)


def _kind_of_work(one: Accepted, plan: Plan, row: IndexRow | None) -> str:
    change = _change(plan, row)
    if change == "updated":
        if attempt(one.message) is not None:
            return "completed"
        return "content" if plan.needs_text or plan.needs_images else "scalar"
    return change


def _record(plan: Plan, row: IndexRow | None, generation: str, event_ids: list[str], now_ms: int) -> Outgoing:
    stored = row.stored if row else plan.old
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
    return Outgoing(INDEX_CHANGES, plan.product_id.encode(), msgspec.json.encode(record))


# Looking labels up is dear, and there are few.
_freshness = cache(metrics.FRESHNESS_SECONDS.labels)
_products = cache(metrics.PRODUCTS.labels)


def _change(plan: Plan, row: IndexRow | None) -> str:
    if row is None:
        return "unchanged"
    if plan.state.deleted and not row.searchable:
        return "deleted"
    return "created" if plan.vector is None else "updated"
