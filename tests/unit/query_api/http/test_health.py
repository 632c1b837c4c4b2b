"""Liveness and readiness of a query worker: in time whatever hangs behind it, and with the reason."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from encoders.liveness.config import LivenessConfig
from encoders.liveness.vitals import Vitals
from indexer.errors import StoreUnavailable
from indexer.ports.products import ProductCounts
from query_api.http import readiness
from query_api.http.readiness import StoreProbe
from tests.shop import Shop


class FakeStore:
    """Counts, hangs or fails."""

    def __init__(self) -> None:
        self.questions = 0
        self.may_answer = asyncio.Event()
        self.fails = False

    async def count(self) -> ProductCounts:
        self.questions += 1
        if self.fails:
            raise StoreUnavailable("refused")
        await self.may_answer.wait()
        return ProductCounts(8, 0)


def probe_of(store: FakeStore) -> StoreProbe:
    unchecked: Any = store
    return StoreProbe(unchecked)


async def test_a_store_that_hangs_is_away_in_time_and_asked_once() -> None:
    store = FakeStore()
    probe = probe_of(store)
    began = time.monotonic()
    answers = await asyncio.gather(*(probe.counts() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailable) for answer in answers) and store.questions == 1
    assert time.monotonic() - began < 2 * readiness.ANSWER_S
    store.may_answer.set()
    assert (await probe.counts()).searchable == 8


async def test_a_store_that_is_slow_just_now_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore()
    store.may_answer.set()
    probe = probe_of(store)
    await probe.counts()
    store.may_answer.clear()
    assert (await probe.counts()).searchable == 8
    monkeypatch.setattr(readiness, "TRUSTED_S", 0.0)
    with pytest.raises(StoreUnavailable):
        await probe.counts()


async def test_a_store_that_refuses_is_away_at_once() -> None:
    store = FakeStore()
    store.may_answer.set()
    probe = probe_of(store)
    await probe.counts()
    store.fails = True
    with pytest.raises(StoreUnavailable):
        await probe.counts()


async def test_a_stuck_part_makes_the_worker_not_alive_and_says_which(client: httpx.AsyncClient, shop: Shop) -> None:
    vitals: Vitals = shop.services.vitals
    vitals.config = LivenessConfig(slow_s=1, stuck_s=1, restart_s=1)
    with vitals.pulse("encoder", 0.0).busy("3 inputs"):
        await asyncio.sleep(0.01)
        response = await client.get("/healthz")
        assert response.status_code == 503 and response.headers["content-type"] == "application/problem+json"
        assert response.json()["reasons"] == [{"part": "encoder", "reason": "no progress for 0 s: 3 inputs"}]
        response = await client.get("/readyz")
        assert response.status_code == 503 and response.json()["reasons"][0]["part"] == "encoder"
        assert int(response.headers["retry-after"]) >= 1
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json()["status"] == "ready"


async def test_a_background_task_that_ended_makes_the_worker_not_alive(client: httpx.AsyncClient, shop: Shop) -> None:
    app: Any = shop.app
    async with app.router.lifespan_context(app):
        (task,) = [task for task in asyncio.all_tasks() if "CatalogueVocabulary.run" in repr(task.get_coro())]
        assert (await client.get("/healthz")).status_code == 200
        task.cancel()
        await asyncio.wait([task])
        reasons = (await client.get("/healthz")).json()["reasons"]
        assert reasons == [{"part": "CatalogueVocabulary", "reason": "was cancelled"}]


async def test_what_is_done_without_is_named(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).json()["degraded"] == ["kafka"]
