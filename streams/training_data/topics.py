"""The live topics as what encoders are trained on: every product as its events define it, and shoppers' choices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from encoders.training.data.listings import TrainingListing, make_listing
from indexer.media_store import DirectoryMediaStore, MediaStore, media_hash
from indexer.records import ProductState
from indexer.rows import embedding_text
from streams.errors import InvalidEvent
from streams.events.cloudevents import decode_event
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event, UserForgotten, UserInteraction, UserSearched
from streams.kafka.topic_history import TopicHistory
from streams.products.changes import inline_media, to_product_change
from streams.training_data.files import chosen_products, with_clicks
from vitrine.settings import Settings
from vitrine.stack.servers import kafka_servers

_BATCH: Final = 500


async def read_training_topics(settings: Settings, say: Callable[[str], None]) -> list[TrainingListing]:
    """All products that the topic of product events holds, with what shoppers typed and chose.

    Pictures come from the media store, where indexing put them; those that are only addresses are left out. Events
    that cannot be read became dead letters when they came, and are passed over. People who asked to be forgotten are.

    Raises:
        KafkaUnavailable: Kafka does not answer.
        NotRunning: there is none.
    """
    servers = kafka_servers(settings)
    states: dict[str, ProductState] = {}
    async for event in _events(servers, PRODUCT_EVENTS):
        change = to_product_change(event, [media_hash(data) for data in inline_media(event)])
        states[change.product_id] = states.get(change.product_id, ProductState()).merge(change)
    media = DirectoryMediaStore(settings.media_directory)
    found = [await _listing(name, state.fields, media) for name, state in states.items() if state.fields]
    clicks = chosen_products(await _unforgotten_interactions(servers))
    say(f"{len(found):,} products and {len(clicks):,} searches and visits from the topics")
    return with_clicks(found, clicks)


async def _listing(product_id: str, fields: Mapping[str, Any], media: MediaStore) -> TrainingListing:
    stored = [await media.get(one["hash"]) for one in fields.get("images") or () if "hash" in one]
    pictures = [data for data in stored if data is not None]
    return make_listing({**fields, "product_id": product_id}, embedding_text(fields), pictures)


async def _unforgotten_interactions(servers: str) -> list[UserInteraction | UserSearched]:
    """What shoppers did, without what they did before they asked to be forgotten."""
    done: list[tuple[int, UserInteraction | UserSearched]] = []
    forgotten: dict[str, int] = {}
    async for event in _events(servers, USER_EVENTS):
        if isinstance(event.data, UserForgotten):
            forgotten[event.data.user_id] = max(event.time_ms, forgotten.get(event.data.user_id, 0))
        elif isinstance(event.data, UserInteraction | UserSearched):
            done.append((event.time_ms, event.data))
    return [one for time_ms, one in done if time_ms > forgotten.get(one.user_id, -1)]


async def _events(servers: str, topic: str) -> AsyncIterator[Event]:
    async with TopicHistory(servers, topic, 0) as history:
        async for batch in history.read(_BATCH):
            for message in batch:
                try:
                    yield decode_event(topic, message.value, message.headers, message.timestamp_ms)
                except (InvalidEvent, OverflowError, ValueError):
                    continue
