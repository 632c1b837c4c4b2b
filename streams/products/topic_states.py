"""The products of the shop as their events define them, read from Kafka instead of the index."""

from __future__ import annotations

from contextlib import aclosing

from indexer.media.store import media_hash
from indexer.records import ProductState
from streams.config import KafkaConfig
from streams.events.schema import PRODUCT_EVENTS
from streams.kafka.topic_history import read_events
from streams.products.changes import inline_media, to_product_change


async def read_product_states(kafka: KafkaConfig) -> dict[str, ProductState]:
    """The state of each product that the topic of product events tells of, by product id.

    The states are those that an index has that took the same events: versions decide, not the order. A product that
    was deleted has a state without fields. All states are in memory at once, without pictures; an inline picture is
    referred to by its hash.

    Raises:
        KafkaUnavailable: Kafka does not answer in time.
    """
    states: dict[str, ProductState] = {}
    async with aclosing(read_events(kafka, PRODUCT_EVENTS)) as events:
        async for event in events:
            change = to_product_change(event, [media_hash(data) for data in inline_media(event)])
            states[change.product_id] = states.get(change.product_id, ProductState()).merge(change)
    return states
