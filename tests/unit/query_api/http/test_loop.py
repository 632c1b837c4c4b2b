"""No request keeps the event loop from others for long, and none leaves anything in memory."""

from __future__ import annotations

import asyncio
import base64
import gc
import random
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import pytest

from encoders.port import HashEncoder
from indexer.criteria import Filters
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.products import ScoredIds
from tests.loop_guard import longest_block
from tests.shop import MakeShop, Shop, png

MAX_BLOCK_S = 0.25
PRODUCTS = 300
ROUNDS = 6
LIGATURE, CHINESE = "\ufdfa", "纪"
JSON = {"content-type": "application/json"}
Hostile = tuple[str, str, dict[str, Any]]


def misspelt(count: int) -> str:
    rng = random.Random(1)
    return " ".join("hoodi" + "".join(rng.choices("abcdefgh", k=5)) for _ in range(count))


def hostile_requests(seed: int) -> Iterator[Hostile]:
    """Method, path and what else a request has, of each kind that costs most; other texts with each seed."""
    rng = random.Random(seed)
    own = f"{rng.random():.12f}"
    texts = [
        misspelt(90), "under 50 euros " * 66, "1,000" + ",000" * 248, "三百块" * 333, LIGATURE * 200, "-a " * 300,
        '-"a"' * 240, "a-" * 500, CHINESE * 1_000, "e\u0301\u0316" * 333, "\u0301\u0316" * 480, "🧢" * 1_000,
        "tv " * 333, "1 " * 500, "<" * 1_000, "size under 5 mm " * 60, own * 70,
    ]  # fmt: skip
    for text in texts:
        text = (own + text)[:1_000]
        yield "POST", "/v1/search", {"json": {"text": text}}
        yield "POST", "/v1/search", {"json": {"text": text, "explain": True, "k": 100, "facets": ["brand", "price"]}}
        yield "POST", "/v1/explain", {"json": {"query": {"text": text}, "product_id": "long"}}
        yield "GET", "/v1/search", {"params": {"q": text, "group": "true", "user_id": own}}
    parts = [{"text": (own + text)[:230]} for text in texts[:16]]
    yield "POST", "/v1/search", {"json": {"parts": parts}}
    names = [f"attributes.{own}{LIGATURE * 140}{at}" for at in range(32)]
    yield "POST", "/v1/search", {"json": {"filters": dict.fromkeys(names, ["x"] * 100), "facets": names[:20]}}
    yield "POST", "/v1/search", {"json": {"filters": {"brand": [f"{own}{LIGATURE * 140}{at}" for at in range(100)]}}}
    yield "POST", "/v1/search", {"json": {"filters": {f"attributes.{LIGATURE * 100_000}": ["x"] * 100}}}
    facets = ["brand", "category", "price", "rating", "tags", *(f"attributes.{own}{at}" for at in range(15))]
    yield "POST", "/v1/search", {"json": {"facets": facets, "multi_select": True, "group": True, "k": 100}}
    yield (
        "POST",
        "/v1/search",
        {"content": b'{"filters": {"brand": ' + b"[" * 950 + b"]" * 950 + b"}}", "headers": JSON},
    )
    yield "POST", "/v1/search", {"content": b'{"filters": {"brand": [' + b"0," * 6_000_000 + b"0]}}", "headers": JSON}
    yield "POST", "/v1/search", {"content": b'{"' + b"x" * 12_000_000 + b'": 1}', "headers": JSON}
    yield "POST", "/v1/search", {"json": {"image": base64.b64encode(own.encode() * 500_000).decode()}}
    form = {"content-type": "multipart/form-data; boundary=b; charset=punycode"}
    field = b'--b\r\ncontent-disposition: form-data; name="text"\r\n\r\n' + b"x" * 1_000_000 + b"\r\n--b--\r\n"
    yield "POST", "/v1/search", {"content": field, "headers": form}
    plain = {"content-type": "multipart/form-data; boundary=b"}
    yield "POST", "/v1/search", {"content": field, "headers": plain}
    yield "POST", "/v1/search", {"content": b"--b\r\n" + b"a: b\r\n" * 1_000_000, "headers": plain}
    yield "POST", "/v1/search", {"content": b"--b\r\n\r\n" * 1_000_000, "headers": plain}
    yield "POST", "/v1/events", {"content": b'{"type": "\xff", "data": {}}', "headers": JSON}
    yield "POST", "/v1/events", {"content": b'{"type": "user.x", "data": ' + b"[" * 10**6, "headers": JSON}
    yield "GET", f"/v1/users/{'%2F' * 80}/recommendations", {}
    yield "DELETE", f"/v1/users/{own}/recommendations", {}
    yield "GET", f"/v1/products/{own}{'%EF%B7%BA' * 500}", {}


class RemoteStore(InMemoryProductStore):
    """Looks for terms in a thread: with a server it is not the worker's event loop that compares them."""

    async def search_terms(self, terms: str, filters: Filters, limit: int) -> ScoredIds:
        return await asyncio.to_thread(_finish, super().search_terms(terms, filters, limit))


def _finish(search: Coroutine[Any, Any, ScoredIds]) -> ScoredIds:
    """What a search returns that waits for nothing."""
    try:
        search.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("the search waits for something")


@pytest.fixture
async def hostile_shop(make_shop: MakeShop) -> AsyncIterator[tuple[Shop, httpx.AsyncClient]]:
    shop = make_shop(store=RemoteStore(HashEncoder().spec))
    rng = random.Random(0)
    for at in range(PRODUCTS):
        attributes = {f"a{number}": [f"v{rng.random():.6f}"] * 3 for number in range(20)}
        await shop.put(f"p{at}", title=f"hoodie mug {at}", brand=f"b{at % 40}", price=float(at), attributes=attributes)
    words = " ".join(f"word{number}" for number in range(2_500))
    await shop.put("long", png("red"), title=LIGATURE * 1_000, description=words[:20_000], category="a/" * 200)
    async with shop.client() as client:
        yield shop, client


@contextmanager
def only_new_garbage() -> Generator[None]:
    """Collections look at what comes from now on: not at what other tests left, gigabytes that a worker has not."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def test_no_request_blocks_the_loop(hostile_shop: tuple[Shop, httpx.AsyncClient]) -> None:
    _, client = hostile_shop
    await client.get("/v1/search", params={"q": CHINESE})  # The dictionary is read once.
    slow: list[str] = []
    with only_new_garbage(), longest_block() as block:
        for method, path, rest in hostile_requests(1):
            # The client's own work on what it sends is not the server's.
            request = client.build_request(method, path, **rest)
            await asyncio.sleep(0)
            block.reset()
            response = await asyncio.create_task(client.send(request))
            assert response.status_code in (200, 202, 204, 400, 404, 405, 413, 415, 422, 503), response.text
            if block.seconds > MAX_BLOCK_S:
                slow.append(f"{block.seconds:.2f} s: {method} {path[:60]} {str(rest)[:120]} in {block.what}")
    assert not slow, "\n".join(slow)


async def test_hostile_requests_leave_nothing_in_memory(hostile_shop: tuple[Shop, httpx.AsyncClient]) -> None:
    """`ROUNDS` rounds of some 90 requests, other ones in each."""
    shop, client = hostile_shop
    process = psutil.Process()
    resident: list[int] = []
    for seed in range(ROUNDS):
        for method, path, rest in hostile_requests(seed):
            if len(str(rest.get("content", ""))) < 10**6:
                await client.request(method, path, **rest)
        shop.candidates.entries.clear()  # Redis, in a process of its own.
        shop.published.events.clear()
        gc.collect()
        resident.append(process.memory_info().rss)
    assert resident[-1] <= 1.1 * resident[ROUNDS // 2], [size >> 20 for size in resident]
