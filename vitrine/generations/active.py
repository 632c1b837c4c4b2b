"""The active generation of the index, for commands that read it."""

from __future__ import annotations

from indexer.milvus.registry import Generation
from vitrine.errors import VitrineError
from vitrine.generations.binding import open_registry
from vitrine.settings import Settings


async def active_generation(settings: Settings) -> Generation:
    """The generation that searches are answered from.

    Args:
        settings: with the servers' addresses.

    Raises:
        VitrineError: there is no index yet.
        StoreUnavailable: Milvus does not answer.
    """
    async with open_registry(settings.milvus) as registry:
        active = (await registry.read()).active
    if active is None:
        raise VitrineError("there is no index yet: publish products first")
    return active
