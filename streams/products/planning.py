"""Planning: what the index holds of a batch's products is read, and the events are merged into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from encoders.tracing.spans import MILVUS
from indexer.planning import ProductPlan, plan
from indexer.ports.products import ProductStore
from indexer.records import ProductChange, StoredRow
from indexer.slices import map_in_slices
from streams import metrics
from streams.delivery.availability import until_available
from streams.delivery.messages import Message
from streams.delivery.retry_headers import RELABEL_HEADER
from streams.products.ingest import IngestedEvent


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Events, and what each of their products needs after them."""

    events: Sequence[IngestedEvent]
    plans: Mapping[str, ProductPlan]
    """By product id."""
    needs_encoder: bool
    """Whether a text or a picture of each of the products may have to be encoded, or of none of them."""

    @property
    def messages(self) -> list[Message]:
        """The messages of the events."""
        return [event.message for event in self.events]

    @property
    def partitions(self) -> dict[str, int]:
        """The partition of each product, by product id."""
        return {event.product_id: event.message.partition for event in self.events}


async def read_stored(store: ProductStore, product_ids: Iterable[str]) -> dict[str, StoredRow]:
    """What the index holds of products, as `ProductStore.read_rows` gives it, however long it is away."""
    wanted = sorted({*product_ids})
    with metrics.stage("read", "client", MILVUS):
        return await until_available("milvus", lambda: store.read_rows(wanted))


async def plan_events(events: Sequence[IngestedEvent], stored: Mapping[str, StoredRow]) -> list[PlannedBatch]:
    """Merge events into what is stored: a plan for each product, all of its events in one.

    Returns:
        The products that need no encoder first, so that they do not wait for it; then those that do. A part that has
        no products is left out.
    """
    changes: dict[str, list[ProductChange]] = {}
    for event in events:
        changes.setdefault(event.product_id, []).append(event.change)
    plan_product = partial(
        plan,
        stored=stored,
        retry_missing=frozenset(event.product_id for event in events if event.attempt is not None),
        retry_broken=frozenset(event.product_id for event in events if event.attempt == 0),
        relabel=frozenset(event.product_id for event in events if RELABEL_HEADER in event.message.headers),
    )
    plans: dict[str, ProductPlan] = {}
    for planned in await map_in_slices(plan_product, changes.values()):
        plans |= planned
    to_encode = {product_id for product_id, product_plan in plans.items() if product_plan.needs_encoder}
    parts = [
        PlannedBatch(
            [event for event in events if (event.product_id in to_encode) == needs_encoder],
            {product_id: plans[product_id] for product_id in plans if (product_id in to_encode) == needs_encoder},
            needs_encoder,
        )
        for needs_encoder in (False, True)
    ]
    return [part for part in parts if part.events]
