"""The product pipeline over the doubles, as tests drive it."""

from __future__ import annotations

import base64
import io
import itertools
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from PIL import Image

from encoders.port import Encoder, HashEncoder, ImageDecoder
from encoders.processes.encoder import ThreadEncoder
from encoders.processes.image_decoding import InProcessImageDecoder
from indexer.in_memory_store import InMemoryProductStore
from indexer.media.store import InMemoryMediaStore, MediaStore
from indexer.ports.products import ProductStore
from indexer.redis.bounded_map import InMemoryBoundedMap
from indexer.redis.change_log import InMemoryChangeLog
from indexer.redis.shoppers.person_keys import InMemoryPersonKeys
from streams.delivery.decoding import Horizon
from streams.delivery.lease import WriteLease
from streams.delivery.messages import Message, PrefixAcknowledger
from streams.delivery.publisher import OutgoingMessage
from streams.events.schema import DEAD_LETTER, INDEX_CHANGES, PRODUCT_EVENTS
from streams.media.embedding_cache import EmbeddingCache
from streams.media.fetching import FetchLimits, MediaFetcher
from streams.media.incoming import IncomingMedia
from streams.media.pictures import PictureLoader
from streams.products.change_events import ChangeLogWriter
from streams.products.collaborators import PipelineDelivery, PipelineModels, PipelineStores
from streams.products.generation_role import GenerationRole
from streams.products.pipeline import ProductPipeline


def picture(colour: str = "red", format: str = "PNG") -> str:
    """A small picture of one colour, base64."""
    file = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(file, format)
    return base64.b64encode(file.getvalue()).decode()


class CountingEncoder(HashEncoder):
    """Counts what goes through it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0
        self.images = 0

    def encode_texts(self, texts: Sequence[str]):
        self.texts += len(texts)
        return super().encode_texts(texts)

    def encode_images(self, images):
        self.images += len(images)
        return super().encode_images(images)


class Kafka:
    """Makes messages, and takes what is published and acknowledged."""

    def __init__(self) -> None:
        self._offsets = itertools.count()
        self.published: list[OutgoingMessage] = []
        self.acked: list[int] = []

    def message(self, data: dict[str, Any], type: str = "product.created", **envelope: Any) -> Message:
        """A structured-mode product event."""
        offset = next(self._offsets)
        event = {"specversion": "1.0", "id": f"event-{offset}", "source": "test", "type": type, "data": data} | envelope
        return self.raw(json.dumps(event).encode(), offset)

    def raw(self, value: bytes | None, offset: int | None = None) -> Message:
        offset = next(self._offsets) if offset is None else offset
        now_ms = int(time.time() * 1000)
        return Message(PRODUCT_EVENTS, 0, offset, now_ms, b"k", value, {}, ack=lambda: self.acked.append(offset))

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        self.published += messages

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [json.loads(message.value or b"") for message in self.published if message.topic == INDEX_CHANGES]

    @property
    def dead_letters(self) -> list[tuple[str, str]]:
        letters = [message.headers for message in self.published if message.topic == DEAD_LETTER]
        return [(headers["vitrine_reason"].decode(), headers["vitrine_error"].decode()) for headers in letters]


class Bench:
    """A pipeline over doubles."""

    def __init__(
        self,
        store: ProductStore | None = None,
        role: GenerationRole | None = None,
        encoder: Encoder | None = None,
        media: MediaStore | None = None,
    ) -> None:
        self.encoder: Any = encoder or CountingEncoder()
        self.store: ProductStore = store or InMemoryProductStore(self.encoder.spec)
        self.kafka = Kafka()
        self.changes = InMemoryChangeLog()
        self.media: Any = media or InMemoryMediaStore()
        self.incoming = IncomingMedia(self.media)
        self.embeddings, self.urls = InMemoryBoundedMap(), InMemoryBoundedMap()
        self.cache = EmbeddingCache(self.embeddings, self.urls)
        self.acknowledger = PrefixAcknowledger()
        self.lease = WriteLease(session_timeout_s=3600)
        self.lease.renew(time.monotonic())
        self.role = role or GenerationRole("test")
        self.decoder: ImageDecoder = InProcessImageDecoder(self.encoder.preparer)
        self.models = PipelineModels(
            ThreadEncoder(self.encoder, ThreadPoolExecutor(1)),
            PictureLoader(self.incoming, MediaFetcher(FetchLimits(attempts=1)), self.decoder, self.cache),
        )
        self.delivery = PipelineDelivery(self.kafka, self.acknowledger, self.lease, Horizon())
        self._start()

    def use(self, **models: Any) -> None:
        """Have a pipeline with other models, as `PipelineModels` names them."""
        self.models = replace(self.models, **models)
        self._start()

    def use_delivery(self, **delivery: Any) -> None:
        """Have a pipeline with another side of Kafka, as `PipelineDelivery` names it."""
        self.delivery = replace(self.delivery, **delivery)
        self._start()

    def _start(self) -> None:
        self.pipeline = ProductPipeline(
            PipelineStores(
                self.store, self.incoming, ChangeLogWriter(self.changes), InMemoryPersonKeys({}), late_write_s=60.0
            ),
            self.models,
            self.delivery,
            self.role,
        )

    async def index(self, *messages: Message) -> None:
        """Have a batch of messages processed."""
        for message in messages:
            self.acknowledger.receive(message)
        await self.pipeline.process(list(messages))

    async def titles(self, query: str, limit: int = 10) -> list[str]:
        """Ids that a lexical search finds."""
        return list((await self.store.search_lexical(query, (), limit)).ids)
