"""An upsert that was late, and may land after what is sent next."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest

from indexer.errors import StoreUnavailable
from indexer.milvus.collection import MilvusCollection
from indexer.milvus.columns import ColumnarMilvusClient

DEADLINE_S = 0.1


class Server:
    """Holds one request up until it is told to go on."""

    def __init__(self, held_up: str) -> None:
        self._held_up = held_up
        self.go_on = asyncio.Event()
        self.sent: list[str] = []
        self.landed: list[str] = []

    async def upsert(self, _: str, requests: Sequence[str], **options: Any) -> None:
        (request,) = requests
        self.sent.append(request)
        if request == self._held_up:
            await self.go_on.wait()
        self.landed.append(request)


def collection_at(server: Server) -> MilvusCollection:
    return MilvusCollection(cast(ColumnarMilvusClient, server), "shop", DEADLINE_S)


async def give_up(collection: MilvusCollection, request: str, until: float = math.inf) -> None:
    with pytest.raises(StoreUnavailable):
        await collection.upsert(request, until)


async def test_nothing_is_sent_after_a_late_upsert_until_its_outcome_is_known() -> None:
    server = Server(held_up="older")
    collection = collection_at(server)
    await give_up(collection, "older")
    await give_up(collection, "newer")
    assert server.sent == ["older"]
    server.go_on.set()
    await collection.upsert("newer")
    assert server.landed == ["older", "newer"]


async def test_a_late_upsert_is_waited_for_until_it_had_to_have_landed() -> None:
    server = Server(held_up="older")
    collection = collection_at(server)
    await give_up(collection, "older", time.monotonic() + 1.1 * DEADLINE_S)
    await collection.upsert("newer")
    assert server.landed == ["newer"]
