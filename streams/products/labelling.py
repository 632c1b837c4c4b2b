"""Labelling: products whose content changed are compared with those in the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from indexer.planning import ProductPlan
from indexer.records import IndexRow
from streams import metrics
from streams.labels.labelling import Labeller


async def label_rows(
    rows: Sequence[IndexRow], plans: Mapping[str, ProductPlan], labeller: Labeller | None
) -> Sequence[IndexRow]:
    """The rows, in any order, with suggestions and duplicates of those whose labels are stale.

    Args:
        rows: of distinct products.
        plans: of these products, by product id.
        labeller: None: the rows stay as they are.
    """
    if labeller is None:
        return rows
    stale = {row.product_id for row in rows if plans[row.product_id].labels_are_stale(row.stored)}
    if not stale:
        return rows
    with metrics.stage("label"):
        labelled = await labeller.label([row for row in rows if row.product_id in stale])
    return [*labelled, *(row for row in rows if row.product_id not in stale)]
