"""Two generations side by side in one process, to be compared."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager

from encoders.decoding import InProcessDecoder
from encoders.loading import load_encoder
from indexer.change_log import InMemoryChangeLog
from indexer.media import DirectoryMediaStore
from indexer.milvus import open_stored
from indexer.ports import ProductStore
from indexer.profiles import InMemoryProfileStore
from indexer.registry import Generation
from query_api.cache import InMemoryCandidateCache
from query_api.services import Services
from vitrine.roots.binding import bind_to
from vitrine.settings import Settings

SAMPLE = 200
"""Products whose titles are asked for."""
PAGE = 256


@asynccontextmanager
async def gate_services(settings: Settings, generation: Generation) -> AsyncIterator[Services]:
    """A generation as a query worker would serve it, for nobody in particular."""
    async with AsyncExitStack() as resources:
        name = bind_to(settings, generation).encoder_name
        encoder = await asyncio.to_thread(load_encoder, name, settings.encoder.runtime)
        store = await open_stored(settings.milvus, generation)
        resources.push_async_callback(store.close)
        yield Services(
            store=store,
            generation=generation.collection,
            encoder=encoder,
            encoder_thread=resources.enter_context(ThreadPoolExecutor(1)),
            decoder=InProcessDecoder(encoder.preparer),
            profiles=InMemoryProfileStore(),
            change_log=InMemoryChangeLog(),
            media=DirectoryMediaStore(settings.media_directory),
            cache=InMemoryCandidateCache(),
            freshness=lambda: None,
            config=settings.query,
        )


async def sample_titles(store: ProductStore, most: int = SAMPLE) -> dict[str, str]:
    """Titles by product id: those of the same products whenever they are asked for, spread over all ids."""
    kept: list[tuple[bytes, str, str]] = []
    after = ""
    while page := await store.scan(after, PAGE):
        after = max(page)
        for product_id, (stored, _) in page.items():
            title = stored.state.fields.get("title")
            if title:
                kept.append((hashlib.blake2b(product_id.encode(), digest_size=8).digest(), product_id, title))
        kept = sorted(kept)[:most]
    return {product_id: title for _, product_id, title in kept}
