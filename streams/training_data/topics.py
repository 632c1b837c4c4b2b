"""Training data from the live topics: every product as its events define it, and what shoppers chose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any

from encoders.training.data.listings import TrainingListing, make_listing, with_clicks
from indexer.media.store import MediaStore
from indexer.rows import embedding_text
from streams.config import KafkaConfig
from streams.events.schema import USER_EVENTS, UserInteraction, UserSearched
from streams.kafka.topic_history import read_events
from streams.products.topic_states import read_product_states
from streams.training_data.clicks import chosen_products
from streams.training_data.rights import Rights


async def read_training_topics(
    kafka: KafkaConfig, media: MediaStore, notify: Callable[[str], None]
) -> list[TrainingListing]:
    """All products that the topic of product events holds, with what shoppers searched for and chose.

    Args:
        kafka: where it is, and who asks.
        media: where indexing put the pictures; those that are only addresses are left out.
        notify: is told how much was read.

    Raises:
        KafkaUnavailable: Kafka does not answer in time.
    """
    states = await read_product_states(kafka)
    listings = [await _listing(product_id, state.fields, media) for product_id, state in states.items() if state.fields]
    clicks = chosen_products(await _permitted_interactions(kafka))
    notify(f"{len(listings):,} products and {len(clicks):,} searches and visits from the topics")
    return with_clicks(listings, clicks)


async def _listing(product_id: str, fields: Mapping[str, Any], media: MediaStore) -> TrainingListing:
    stored = [await media.get(image["hash"]) for image in fields.get("images") or () if "hash" in image]
    pictures = [data for data in stored if data is not None]
    return make_listing({**fields, "product_id": product_id}, embedding_text(fields), pictures)


async def _permitted_interactions(kafka: KafkaConfig) -> list[UserInteraction | UserSearched]:
    """What shoppers did, as far as it may be learnt from."""
    interactions: list[tuple[int, UserInteraction | UserSearched]] = []
    rights = Rights()
    async with aclosing(read_events(kafka, USER_EVENTS)) as events:
        async for event in events:
            data = event.data
            if isinstance(data, UserInteraction | UserSearched):
                interactions.append((event.time_ms, data))
            else:
                rights.hear(data, event.time_ms)
    return [data for time_ms, data in interactions if not rights.refuses(data.user_id, time_ms)]
