"""Training data from the topics of a real Kafka."""

from __future__ import annotations

import uuid

import pytest

from indexer.media.store import InMemoryMediaStore
from streams.config import KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.errors import KafkaUnavailable
from streams.events.schema import (
    PRODUCT_EVENTS,
    USER_EVENTS,
    DeletedProduct,
    Event,
    Media,
    Product,
    ProductData,
    UserData,
    UserForgotten,
    UserInteraction,
    UserSearched,
)
from streams.kafka.producer import EventPublisher
from streams.products.topic_states import read_product_states
from streams.topics import ensure_topics
from streams.training_data.topics import read_training_topics


def event(kind: str, time_ms: int, data: ProductData | UserData) -> Event:
    return Event(uuid.uuid4().hex, "test", kind, time_ms, data)


async def test_products_are_as_events_define_them_and_forgotten_shoppers_teach_nothing(
    kafka_servers: str,
) -> None:
    await ensure_topics(KafkaConfig(bootstrap_servers=kafka_servers))
    lamp, vase, gone = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("lamp", "vase", "gone"))
    products = [
        event("product.updated", 2_000, Product(lamp, title="red lamp")),
        event("product.created", 1_000, Product(lamp, title="lamp", brand="Lux", images=[Media(data=b"picture")])),
        event("product.created", 1_000, Product(vase, title="vase")),
        event("product.created", 1_000, Product(gone, title="gone")),
        event("product.deleted", 2_000, DeletedProduct(gone)),
    ]
    shoppers = [
        event("user.searched", 1_000, UserSearched("u-1", "reading light", "q-1")),
        event("user.clicked", 2_000, UserInteraction("u-1", lamp, query_id="q-1")),
        event("user.clicked", 1_000, UserInteraction("u-2", vase, session_id="s-2")),
        event("user.forgotten", 3_000, UserForgotten("u-2")),
    ]
    media = InMemoryMediaStore()
    (digest,) = await media.put([b"picture"])
    async with EventPublisher(KafkaConfig(kafka_servers)) as publisher:
        await publisher.publish_raw([OutgoingMessage(PRODUCT_EVENTS, lamp.encode(), b"not an event")])
        for product in products:
            await publisher.publish(PRODUCT_EVENTS, product)
        for shopper in shoppers:
            await publisher.publish(USER_EVENTS, shopper)

    states = await read_product_states(KafkaConfig(kafka_servers))
    assert states[lamp].fields == {"title": "red lamp", "brand": "Lux", "images": [{"hash": digest}]}
    assert states[gone].fields == {}

    listings = {
        listing.product_id: listing for listing in await read_training_topics(KafkaConfig(kafka_servers), media, print)
    }
    assert gone not in listings
    assert listings[lamp].pictures == (b"picture",)
    assert (listings[lamp].queries, listings[vase].queries) == (("reading light",), ())
    assert listings[vase].co_viewed == ()


async def test_a_kafka_that_is_away_is_said_to_be() -> None:
    with pytest.raises(KafkaUnavailable):
        await read_product_states(KafkaConfig("127.0.0.1:1"))
