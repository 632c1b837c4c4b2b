"""Events that have products of the index compared with the others again."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator

import msgspec

from indexer.ports.products import ProductStore
from indexer.records import StoredProduct
from indexer.rows import is_searchable
from indexer.stated_labels import stated_labels
from streams.config import LabellingConfig
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import RELABEL_HEADER
from streams.events.schema import PRODUCT_EVENTS

PAGE_PRODUCTS = 256


async def relabel_requests(store: ProductStore, config: LabellingConfig) -> AsyncGenerator[list[OutgoingMessage], None]:
    """An event for each product that may get or lose suggestions, duplicates or borrowed texts, page by page.

    The events change nothing by themselves: the indexing workers compare each product as their own configuration says.

    Args:
        store: the index.
        config: what is to be found out; a product is asked about when that leaves a field open, and when something
            was found out about it before.

    Yields:
        The messages of up to `PAGE_PRODUCTS` products; an empty list for a page without any.

    Raises:
        StoreUnavailable: the index does not answer.
    """
    after = ""
    while page := await store.scan_states(after, PAGE_PRODUCTS):
        after = max(page)
        yield [_relabel_event(product_id) for product_id, stored in page.items() if _may_change(stored, config)]


def _may_change(stored: StoredProduct, config: LabellingConfig) -> bool:
    if not is_searchable(stored):
        return False
    stated = stated_labels(stored.state.fields)
    return (
        any(field not in stated for field in config.fields)
        or config.duplicates
        or bool(stored.suggestions or stored.duplicates)
        or (config.borrow_texts and not stored.text_hash)
    )


def _relabel_event(product_id: str) -> OutgoingMessage:
    """An update without fields, with the header that has the product compared again."""
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": "vitrine/label",
        "type": "product.updated",
        "subject": product_id,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": {"product_id": product_id},
    }
    return OutgoingMessage(PRODUCT_EVENTS, product_id.encode(), msgspec.json.encode(event), {RELABEL_HEADER: b"1"})
