"""Answers that bypass the cache: shown as the store has it, with no more read for them than is needed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from indexer.errors import StoreUnavailable
from indexer.ports.changes import LogPosition, LogReading
from indexer.redis.change_log import InMemoryChangeLog
from query_api.relevance.similarity_floors import SimilarityFloors
from tests.shop import MakeShop, Shop
from tests.unit.query_api.search.test_candidate_finder import ask

ALL = {f"p{at}" for at in range(8)}
QUERY = {"text": "mug", "k": 2}


class Log(InMemoryChangeLog):
    """A change log that may be away."""

    is_away = False

    async def read(self, after: LogPosition | None) -> LogReading:
        if self.is_away:
            raise StoreUnavailable("away")
        return await super().read(after)


@pytest.fixture
async def shop(make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """One in two languages, as it knows."""
    monkeypatch.setattr(SimilarityFloors, "words_implied", 0.5)
    shop = make_shop(change_log=Log())
    for product_id in ALL:
        await shop.put(product_id, title="红色杯子" if product_id > "p4" else f"mug {product_id}")
    return shop


@pytest.fixture
def read(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The products of each read."""
    reads, original = list[set[str]](), shop.services.store.read_payloads

    async def read_payloads(product_ids: Sequence[str]) -> dict[str, bytes]:
        reads.append(set(product_ids))
        return await original(product_ids)

    monkeypatch.setattr(shop.services.store, "read_payloads", read_payloads)
    return reads


async def test_all_candidates_are_read_once_and_then_those_that_changed(shop: Shop, read: list[set[str]]) -> None:
    async with shop.client() as client:
        shown = [{hit["product_id"] for hit in (await ask(client, QUERY, cached=False))["hits"]} for _ in range(2)]
        assert read == [ALL, shown[0], shown[1]]
        await shop.put("p7", title="蓝色杯子")
        await ask(client, QUERY, cached=False)
    assert read[3] == {"p7"}


async def test_where_changes_cannot_be_heard_of_all_are_read_each_time(shop: Shop, read: list[set[str]]) -> None:
    async with shop.client() as client:
        await ask(client, QUERY, cached=False)
        shop.services.change_log.is_away = True  # type: ignore[attr-defined]
        for title in ("mug new", "mug newer"):
            await shop.put("p0", title=title)
            answer = await ask(client, QUERY | {"k": 10}, cached=False)
            assert title in {hit["title"] for hit in answer["hits"]} and answer["degraded"] == []
            assert read[-1] == ALL
