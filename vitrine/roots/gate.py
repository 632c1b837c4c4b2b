"""Two generations side by side in one process, to be compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import numpy as np

from encoders.decoding import InProcessDecoder
from encoders.loading import load_encoder
from encoders.spec import EmbeddingSpec
from indexer.cards import decode_card
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

SAMPLE, PROBES = 200, 50
"""Products whose titles are asked for, at most, and the searches that find them."""
CANDIDATES = 100
"""Of each search: the first ten of those are the first ten of all, as good as ever, for a fraction of the work."""
_SEED = 1


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
            config=replace(settings.query, candidates=CANDIDATES),
        )


async def sample_titles(store: ProductStore, spec: EmbeddingSpec) -> dict[str, str]:
    """Titles by product id, from all over the catalogue: of the products farthest in random directions."""
    directions = np.random.default_rng(_SEED).standard_normal((PROBES, spec.fused_dim)).astype(np.float32)
    titles: dict[str, str] = {}
    for direction in directions:
        for one in await store.search_dense(direction, (), SAMPLE // PROBES):
            if title := decode_card(one.card).title:
                titles[one.product_id] = title
    return titles
