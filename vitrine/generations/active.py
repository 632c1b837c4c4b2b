"""The active generation of the index, for what reads it."""

from __future__ import annotations

from indexer.milvus.registry import Generation, GenerationRegistry, Generations
from vitrine.errors import VitrineError
from vitrine.settings import Settings


async def active_generation(settings: Settings) -> Generation:
    """The generation that searches are answered from.

    Args:
        settings: with the servers' addresses.

    Raises:
        VitrineError: there is no index yet.
        StoreUnavailable: Milvus does not answer.
    """
    async with GenerationRegistry(settings.milvus) as registry:
        return require_active(await registry.read())


def require_active(generations: Generations) -> Generation:
    """The active one of what the registry has. Raises `VitrineError` when there is none."""
    if generations.active is None:
        raise VitrineError("there is no index yet: start it with `vitrine up` and publish products")
    return generations.active
