"""Products to write, and what is found of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from encoders.spec import EmbeddingSpec
from indexer.filter_parsing import parse_filters
from indexer.hit_payload import decode_hit_payload
from indexer.ports.products import Candidate, ProductStore, ScoredIds
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row

SPEC = EmbeddingSpec("hash", "1", 4)


def product(product_id: str, vector: Any = 0, *, deletes: bool = False, **fields: Any) -> IndexRow:
    change = ProductChange(
        product_id, EventStamp(1, "shop", product_id), fields, replaces_all_fields=True, deletes=deletes
    )
    stored = StoredProduct(ProductState().merge(change), text_hash="h")
    return build_row(product_id, stored, np.full(SPEC.fused_dim, vector, np.float32))


def ids(found: ScoredIds | Sequence[str | Candidate]) -> list[str]:
    if isinstance(found, ScoredIds):
        return [*found.ids]
    return [candidate if isinstance(candidate, str) else candidate.product_id for candidate in found]


def by_words(store: ProductStore, *product_ids: str) -> list[str]:
    """What a search by words finds: these products, or nothing where the index has no words."""
    return [*product_ids] if store.has_full_text else []


async def title(store: ProductStore, product_id: str) -> str:
    return decode_hit_payload((await store.read_payloads([product_id]))[product_id]).title


async def matching(store: ProductStore, raw: dict[str, Any]) -> set[str]:
    return set(ids(await store.browse(parse_filters(raw), 100)))
