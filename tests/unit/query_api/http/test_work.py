"""Searches over real sockets when there is too much to do, and when nobody waits for them any more."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import pytest

from encoders.port import HashEncoder
from encoders.processes.image_decoding import InProcessImageDecoder
from indexer.in_memory_store import InMemoryProductStore
from query_api.admission.lanes import Lanes
from query_api.admission.slots import BURST_WAITING, Admission
from query_api.config import QueryConfig
from tests.shop import MakeShop, Shop, png
from tests.unit.query_api.http.raw_http import get, post, serve


class HeldStore(InMemoryProductStore):
    """Reads when it is let."""

    def __init__(self) -> None:
        super().__init__(HashEncoder().spec)
        self.asked = self.cancelled = 0
        self.answer = asyncio.Event()

    async def read(self, product_ids: Sequence[str]) -> Any:
        self.asked += 1
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await super().read(product_ids)


def one_at_a_time() -> Lanes:
    """Time stands still, so that no queue has lasted long."""
    return Lanes(Admission(1, clock=lambda: 0.0), Admission(1, clock=lambda: 0.0))


PRODUCT = get("/v1/products/p1")


@pytest.fixture
def store() -> HeldStore:
    return HeldStore()


@pytest.fixture
def held_shop(make_shop: MakeShop, store: HeldStore) -> Shop:
    """One request is worked on at a time."""
    return make_shop(store=store, lanes=one_at_a_time(), config=QueryConfig(deadline_s=20))


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_what_is_too_much_is_refused_at_once_and_everything_else_is_answered(
    held_shop: Shop, store: HeldStore
) -> None:
    async with serve(held_shop.app) as served:
        waiting = [asyncio.create_task(ask(served, PRODUCT)) for _ in range(1 + BURST_WAITING)]
        admission = held_shop.services.lanes.plain
        await until(lambda: admission.waiting == BURST_WAITING)
        for request in (PRODUCT, get("/v1/search?q=mug"), post("/v1/search", b"no JSON")):
            answer = await ask(served, request)
            assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in answer
            assert b"application/problem+json" in answer and b"x-frame-options: DENY" in answer
        for path in ("/healthz", "/readyz", "/metrics", "/", "/openapi.json"):
            assert (await ask(served, get(path))).startswith(b"HTTP/1.1 200"), path
        assert store.asked == 1
        store.answer.set()
        answers = await asyncio.gather(*waiting)
        assert all(answer.startswith(b"HTTP/1.1 404") for answer in answers)
        assert store.asked == 1 + BURST_WAITING


async def test_what_is_finished_is_answered_whatever_else_there_is_to_do(held_shop: Shop) -> None:
    await held_shop.put("p1", title="red mug")
    async with serve(held_shop.app) as served:
        search = get("/v1/search?q=mug")
        assert b'"cache":"miss"' in await ask(served, search)
        waiting = [asyncio.create_task(ask(served, PRODUCT)) for _ in range(1 + BURST_WAITING)]
        await until(lambda: held_shop.services.lanes.plain.waiting == BURST_WAITING)
        assert b'"cache":"hit"' in await ask(served, search)
        assert (await ask(served, get("/v1/search?q=cup"))).startswith(b"HTTP/1.1 503")
        for request in waiting:
            request.cancel()


async def test_a_client_that_asks_again_at_once_is_heard_a_little_later(held_shop: Shop, store: HeldStore) -> None:
    async with serve(held_shop.app) as served, await served.connect() as impatient:
        waiting = [asyncio.create_task(ask(served, PRODUCT)) for _ in range(1 + BURST_WAITING)]
        await until(lambda: held_shop.services.lanes.plain.waiting == BURST_WAITING)
        await impatient.send(PRODUCT)
        assert (await impatient.read()).startswith(b"HTTP/1.1 503")
        connection = next(iter(served.server.connections.idle))
        await impatient.send(PRODUCT)
        assert connection.flow.read_paused  # type: ignore[attr-defined]
        store.answer.set()
        assert (await impatient.read()).startswith(b"HTTP/1.1 404")
        await asyncio.gather(*waiting)


async def test_pictures_that_are_too_much_keep_no_text_waiting(make_shop: MakeShop) -> None:
    decoder = HeldDecoder(HashEncoder().preparer)
    async with serve(make_shop(decoder=decoder, lanes=one_at_a_time()).app) as served:
        body = b'{"image":"%s"}' % base64.b64encode(png("red") + bytes(4_000))
        search = post("/v1/search", body, "content-type: application/json")
        asked = [asyncio.create_task(ask(served, search)) for _ in range(1 + BURST_WAITING + 1)]
        (refused,), waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result().startswith(b"HTTP/1.1 503")
        for text in (get("/v1/search?q=mug"), post("/v1/search", b'{"text":"mug"}', "content-type: application/json")):
            assert (await ask(served, text)).startswith(b"HTTP/1.1 200")
        decoder.answer.set()
        assert all(answer.startswith(b"HTTP/1.1 200") for answer in await asyncio.gather(*waiting))


class HeldDecoder(InProcessImageDecoder):
    """Decodes when it is let."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.answer = asyncio.Event()

    async def decode(self, images: Sequence[bytes]) -> Any:
        await self.answer.wait()
        return await super().decode(images)


async def test_what_nobody_waits_for_is_not_worked_on(held_shop: Shop, store: HeldStore) -> None:
    async with serve(held_shop.app) as served:
        async with await served.connect() as working, await served.connect() as waiting:
            await working.send(PRODUCT)
            await until(lambda: store.asked == 1)
            await waiting.send(PRODUCT)
            await until(lambda: held_shop.services.lanes.plain.waiting == 1)
        await until(lambda: store.cancelled == 1 and held_shop.services.lanes.plain.waiting == 0)
        store.answer.set()
        assert (await ask(served, PRODUCT)).startswith(b"HTTP/1.1 404")
        # The one that waited was never begun.
        assert store.asked == 2


async def test_the_wait_for_a_place_is_part_of_the_deadline(make_shop: MakeShop, store: HeldStore) -> None:
    shop = make_shop(store=store, lanes=one_at_a_time(), config=QueryConfig(deadline_s=0.2))
    async with serve(shop.app) as served:
        answers = await asyncio.gather(*(ask(served, PRODUCT) for _ in range(3)))
        assert all(answer.startswith(b"HTTP/1.1 503") for answer in answers)
        assert store.asked == store.cancelled and shop.services.lanes.plain.waiting == 0


async def test_what_has_an_effect_is_finished_though_its_client_is_gone(make_shop: MakeShop) -> None:
    published = HeldSink()
    async with serve(make_shop(publisher=published).app) as served:
        async with await served.connect() as client:
            event = b'{"type":"user.viewed","data":{"user_id":"u","product_id":"p"}}'
            await client.send(post("/v1/events", event, "content-type: application/json"))
            await until(lambda: published.asked)
        await until(lambda: not served.server.server_state.connections)
        published.answer.set()
        await until(lambda: published.done)


class HeldSink:
    """Publishes when it is let."""

    def __init__(self) -> None:
        self.asked = self.done = 0
        self.answer = asyncio.Event()

    async def publish(self, topic: str, event: Any) -> None:
        self.asked += 1
        await self.answer.wait()
        self.done += 1


async def ask(served: Any, request: bytes) -> bytes:
    """The beginning of the answer."""
    async with await served.connect() as client:
        await client.send(request)
        async with asyncio.timeout(15):
            return await client.read()
