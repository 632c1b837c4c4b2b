"""Having products that are in the index compared with the others again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import msgspec

from indexer.milvus.store import open_store_to_read
from indexer.records import StoredProduct
from indexer.rows import is_searchable
from indexer.stated_labels import stated_labels
from streams.config import LabellingConfig
from streams.delivery.publisher import OutgoingMessage
from streams.delivery.retry_headers import RELABEL_HEADER
from streams.events.schema import PRODUCT_EVENTS
from streams.kafka.producer import EventPublisher
from vitrine.errors import VitrineError
from vitrine.generations.binding import open_registry
from vitrine.settings import Settings
from vitrine.stack.servers import kafka_servers

PAGE = 256


async def request_relabelling(settings: Settings, asked: Callable[[int], None]) -> int:
    """Publish an event for each product that may get a suggestion, lose one, or have duplicates; how many there are.

    Args:
        settings: with the servers' addresses, and what is to be found out.
        asked: is told how many it were so far.

    Raises:
        VitrineError: there is no index.
        StoreUnavailable: Milvus does not answer.
        PublishFailed: Kafka does not.
    """
    async with open_registry(settings.milvus) as registry:
        active = (await registry.read()).active
    if active is None:
        raise VitrineError("there is no index yet: publish products first")
    store = await open_store_to_read(settings.milvus, active)
    count, after = 0, ""
    try:
        async with EventPublisher(kafka_servers(settings), settings.kafka.deadline_s) as publisher:
            while page := await store.scan(after, PAGE):
                after = max(page)
                wanted = [one for one, (stored, _) in page.items() if _may_change(stored, settings.labelling)]
                await publisher.publish_raw([_relabel_event(one) for one in wanted])
                count += len(wanted)
                asked(count)
    finally:
        await store.close()
    return count


def _may_change(stored: StoredProduct, config: LabellingConfig) -> bool:
    if not is_searchable(stored):
        return False
    own = stated_labels(stored.state.fields)
    is_open = any(one not in own for one in config.fields)
    return (
        is_open
        or config.duplicates
        or bool(stored.suggestions or stored.duplicates)
        or (config.borrow_texts and not stored.text_hash)
    )


def _relabel_event(product_id: str) -> OutgoingMessage:
    """An event that says nothing of a product and has it compared again."""
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
