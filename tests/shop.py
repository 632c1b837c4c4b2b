"""A shop over the doubles: products in, HTTP out."""

from __future__ import annotations

import io
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from encoders.media.images import decode_image
from encoders.port import HashEncoder
from encoders.processes.image_decoding import InProcessImageDecoder
from encoders.processes.media_decoding import InProcessMediaDecoder
from encoders.spec import fuse_parts, pool_vectors
from encoders.speech.port import ScriptedRecogniser
from indexer.in_memory_store import InMemoryProductStore
from indexer.media.store import InMemoryMediaStore
from indexer.ports.profiles import Interaction
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.redis.behaviour.in_memory import InMemoryBehaviourStore
from indexer.redis.change_log import InMemoryChangeLog
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from indexer.rows import build_row, embedding_text, text_hash
from query_api.cache.candidate_cache import InMemoryCandidateCache
from query_api.config import QueryConfig
from query_api.http.app import create_app
from query_api.wiring.ports import QueryPorts
from streams.events.schema import Event


def png(*colours: str) -> bytes:
    """A picture of vertical stripes in these colours."""
    image = Image.new("RGB", (8 * len(colours), 8))
    for index, colour in enumerate(colours):
        image.paste(colour, (8 * index, 0, 8 * index + 8, 8))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@dataclass
class Published:
    """Takes events and records the interactions among them, as the indexing worker would."""

    profiles: InMemoryProfileStore
    behaviour: InMemoryBehaviourStore
    events: list[tuple[str, Event]] = field(default_factory=list)

    async def publish(self, topic: str, event: Event) -> None:
        self.events.append((topic, event))
        data, kind = event.data, event.type.removeprefix("user.")
        product_id = getattr(data, "product_id", None)
        if product_id is not None:
            done = [(data.user_id, Interaction(event.id, kind, product_id, event.time_ms))]  # type: ignore[union-attr]
            await self.profiles.record(done)
            await self.behaviour.record(done)


class Shop:
    """Products, shoppers and a query worker within one process."""

    def __init__(self, config: QueryConfig | None = None, **replaced: Any) -> None:
        encoder = HashEncoder()
        self.encoder = replaced.get("encoder", encoder)
        self.profiles = InMemoryProfileStore()
        self.behaviour = InMemoryBehaviourStore()
        self.published = Published(self.profiles, self.behaviour)
        self.candidates = InMemoryCandidateCache()
        self._stamps = iter(range(1, 10**9))
        self.executor = ThreadPoolExecutor(1)
        ports: dict[str, Any] = {
            "store": InMemoryProductStore(encoder.spec),
            "generation": "memory",
            "encoder": encoder,
            "encoder_thread": self.executor,
            "decoder": InProcessImageDecoder(self.encoder.preparer),
            "profiles": self.profiles,
            "behaviour": self.behaviour,
            "change_log": InMemoryChangeLog(),
            "media_store": InMemoryMediaStore(),
            "candidate_cache": self.candidates,
            "index_age_ms": lambda: 0,
            "config": config or QueryConfig(),
            "publisher": self.published,
            "media_decoder": InProcessMediaDecoder(self.encoder.preparer),
            "recogniser": ScriptedRecogniser(),
        }
        self.services = QueryPorts(**(ports | replaced))
        self.app = create_app(self.services)

    async def put(self, product_id: str, *pictures: bytes, **fields: Any) -> None:
        """Index a product as the indexing worker would, and note the change."""
        hashes = await self.services.media_store.put(pictures)
        fields |= {"images": [{"hash": digest} for digest in hashes]} if hashes else {}
        stamp = EventStamp(next(self._stamps), "test", "event")
        state = ProductState().merge(ProductChange(product_id, stamp, fields, replaces_all_fields=True))
        text = embedding_text(fields)
        text_part = self.encoder.encode_texts([text])[0] if text else None
        image_part = self._image_part(pictures)
        stored = StoredProduct(state, text_hash(text), tuple(hashes))
        await self.write(product_id, stored, fuse_parts(self.encoder.spec, text_part, image_part))

    async def delete(self, product_id: str) -> None:
        """Leave a tombstone."""
        stamp = EventStamp(next(self._stamps), "test", "event")
        state = ProductState().merge(ProductChange(product_id, stamp, {}, replaces_all_fields=True, deletes=True))
        await self.write(product_id, StoredProduct(state), fuse_parts(self.encoder.spec, None, None))

    async def write(self, product_id: str, stored: StoredProduct, vector: Any) -> None:
        await self.services.store.write([build_row(product_id, stored, vector)])
        await self.services.change_log.append([product_id])

    async def interact(self, user_id: str, product_ids: Iterable[str], kind: str = "clicked") -> None:
        """A shopper does something, now."""
        now_ms = int(time.time() * 1000)
        interactions = [
            Interaction(f"{kind}-{at}-{product_id}", kind, product_id, now_ms)
            for at, product_id in enumerate(product_ids)
        ]
        await self.profiles.record([(user_id, interaction) for interaction in interactions])
        await self.behaviour.record([(user_id, interaction) for interaction in interactions])

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """HTTP to the worker, errors as answers."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            yield client

    def close(self) -> None:
        self.executor.shutdown()

    def _image_part(self, pictures: Iterable[bytes]) -> Any:
        pixels = [self.encoder.preparer(decode_image(picture)) for picture in pictures]
        return pool_vectors(self.encoder.encode_images(pixels)) if pixels else None


MakeShop = Callable[..., Shop]
