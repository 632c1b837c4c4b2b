"""Two generations side by side in one process, to be compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from encoders.processes.image_decoding import InProcessImageDecoder
from indexer.milvus.registry import Generation
from indexer.milvus.store import open_store_to_read
from indexer.redis.behaviour.in_memory import InMemoryBehaviourStore
from indexer.redis.change_log import InMemoryChangeLog
from indexer.redis.shoppers.in_memory_profiles import InMemoryProfileStore
from query_api.cache.candidate_cache import InMemoryCandidateCache
from query_api.wiring.ports import QueryPorts
from vitrine.generations.binding import bind_generation
from vitrine.media_stores import open_media_store
from vitrine.settings import Settings
from vitrine.wiring.encoding import encoder_for_queries

GATE_CANDIDATES = 100
"""Of each search: the first ten of those are the first ten of all, as good as ever, for a fraction of the work."""


@asynccontextmanager
async def open_gate_services(settings: Settings, generation: Generation) -> AsyncIterator[QueryPorts]:
    """A generation as a query worker would serve it, for nobody in particular."""
    async with AsyncExitStack() as resources:
        name = bind_generation(settings, generation).encoder_name
        encoder = await encoder_for_queries(settings, name, resources)
        store = await open_store_to_read(settings.milvus, generation)
        resources.push_async_callback(store.close)
        yield QueryPorts(
            store=store,
            generation=generation.collection,
            encoder=encoder,
            encoder_thread=resources.enter_context(ThreadPoolExecutor(1)),
            decoder=InProcessImageDecoder(encoder.preparer),
            profiles=InMemoryProfileStore(),
            behaviour=InMemoryBehaviourStore(),
            change_log=InMemoryChangeLog(),
            media_store=open_media_store(settings),
            candidate_cache=InMemoryCandidateCache(),
            index_age_ms=lambda: None,
            config=replace(settings.query, candidates=GATE_CANDIDATES),
        )
