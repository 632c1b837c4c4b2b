"""Calls to Milvus as somebody makes them, and the same ones made again with nothing around them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from pymilvus import AsyncMilvusClient

from indexer.milvus.columns import ColumnarMilvusClient
from indexer.milvus.store import MilvusProductStore

Wave = Sequence[dict[str, Any]]
"""Arguments of searches that are under way at once."""


class Recorder:
    """Stands before a store's client and notes its searches, those together that are under way at once."""

    def __init__(self, store: MilvusProductStore) -> None:
        self._collection = store._collection  # pyright: ignore[reportPrivateUsage]
        self._client = self._collection._client  # pyright: ignore[reportPrivateUsage]
        self._under_way = 0
        self.waves: list[list[dict[str, Any]]] = []

    def __enter__(self) -> Recorder:
        self._collection._client = cast(ColumnarMilvusClient, self)  # pyright: ignore[reportPrivateUsage]
        return self

    def __exit__(self, *_: object) -> None:
        self._collection._client = self._client  # pyright: ignore[reportPrivateUsage]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def search(self, collection: str, **arguments: Any) -> Any:
        if not self._under_way:
            self.waves.append([])
        self.waves[-1].append({"collection_name": collection, **arguments})
        self._under_way += 1
        try:
            return await self._client.search(collection, **arguments)
        finally:
            self._under_way -= 1


async def repeat(client: AsyncMilvusClient, waves: Sequence[Wave]) -> None:
    """Make the same searches in the same waves."""
    for wave in waves:
        await asyncio.gather(*(client.search(**arguments) for arguments in wave))
