"""Two generations side by side in one process, to be compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import numpy as np

from encoders.loading import load_encoder
from encoders.processes.image_decoding import InProcessImageDecoder
from encoders.spec import EmbeddingSpec
from indexer.hit_payload import decode_hit_payload
from indexer.media_store import DirectoryMediaStore
from indexer.milvus.registry import Generation
from indexer.milvus.store import open_store_to_read
from indexer.ports import ProductStore
from indexer.redis.change_log import InMemoryChangeLog
from indexer.redis.profiles import InMemoryProfileStore
from query_api.cache.candidate_cache import InMemoryCandidateCache
from query_api.wiring import QueryPorts
from vitrine.generations.binding import bind_generation
from vitrine.settings import Settings

SAMPLED_PRODUCTS, PROBE_SEARCHES = 200, 50
"""Products whose titles are asked for, at most, and the searches that find them."""
GATE_CANDIDATES = 100
"""Of each search: the first ten of those are the first ten of all, as good as ever, for a fraction of the work."""
_SEED = 1


@asynccontextmanager
async def open_gate_services(settings: Settings, generation: Generation) -> AsyncIterator[QueryPorts]:
    """A generation as a query worker would serve it, for nobody in particular."""
    async with AsyncExitStack() as resources:
        name = bind_generation(settings, generation).encoder_name
        encoder = await asyncio.to_thread(load_encoder, name, settings.encoder.runtime)
        store = await open_store_to_read(settings.milvus, generation)
        resources.push_async_callback(store.close)
        yield QueryPorts(
            store=store,
            generation=generation.collection,
            encoder=encoder,
            encoder_thread=resources.enter_context(ThreadPoolExecutor(1)),
            decoder=InProcessImageDecoder(encoder.preparer),
            profiles=InMemoryProfileStore(),
            change_log=InMemoryChangeLog(),
            media_store=DirectoryMediaStore(settings.media_directory),
            candidate_cache=InMemoryCandidateCache(),
            index_age_ms=lambda: None,
            config=replace(settings.query, candidates=GATE_CANDIDATES),
        )


async def sample_titles(store: ProductStore, spec: EmbeddingSpec) -> dict[str, str]:
    """Titles by product id, from all over the catalogue: of the products farthest in random directions."""
    directions = np.random.default_rng(_SEED).standard_normal((PROBE_SEARCHES, spec.fused_dim)).astype(np.float32)
    titles: dict[str, str] = {}
    for direction in directions:
        for one in await store.search_dense(direction, (), SAMPLED_PRODUCTS // PROBE_SEARCHES):
            if title := decode_hit_payload(one.payload).title:
                titles[one.product_id] = title
    return titles
