"""How soon a change is searchable: one after another on a quiet shop, and in a stream at half of what it can take."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx

from streams.config import KafkaConfig
from streams.events.schema import INDEX_CHANGES, PRODUCT_EVENTS, DeletedProduct, Event, Product
from streams.kafka.producer import EventPublisher
from tests.bench.catalogue import Catalogue, Outgoing, product_id
from tests.bench.contenders import DEADLINE_S, PriceRun
from tests.bench.report import Target, percentiles, publish_report
from tests.bench.shop import GROUP, Shop

CHANGES = 100
"""Of each kind, one after another."""
STEADY_S = 20.0
WARM_UP_S = 6.0
WATCH_EVERY_S = 0.5
ASK_EVERY_S = 0.02
SHOWN_DEADLINE_S = 30.0
COLUMNS = ["what", "events/s", "p50 ms", "p99 ms", "shown by HTTP, p50 ms", "p99 ms "]

Published = dict[str, float]


def test_a_change_in_a_stream_is_searchable_soon(
    shop: Shop, catalogue: Catalogue, capacities: Mapping[str, float], price_runs: list[PriceRun]
):
    streams = {
        "products": (capacities["vitrine"] / 2, catalogue.restatements),
        "prices": (statistics.median(price_run.rows_per_s for price_run in price_runs) / 2, catalogue.repricings),
    }
    durable: dict[str, dict[str, float]] = {}
    rows: list[tuple[Any, ...]] = []
    asyncio.run(shop.broker.skip_to_end(GROUP, PRODUCT_EVENTS))
    with shop.worker(), shop.query_worker() as url:
        for kind, (rate, make) in streams.items():
            asyncio.run(_settled(shop, make(int(rate * WARM_UP_S)), rate))
            durable_ms, shown_ms = asyncio.run(_stream(shop, url, make(int(rate * STEADY_S)), rate))
            durable[kind], shown = percentiles(durable_ms), percentiles(shown_ms)
            rows.append((kind, rate, *durable[kind].values(), *shown.values()))
    targets = [
        Target("products, p50 ms", durable["products"]["p50_ms"], 100.0, at_most=True),
        Target("products, p99 ms", durable["products"]["p99_ms"], 400.0, at_most=True),
        Target("prices, p99 ms", durable["prices"]["p99_ms"], 150.0, at_most=True),
    ]
    publish_report("freshness-at-half-load", COLUMNS, rows, targets)


def test_a_change_on_a_quiet_shop_is_searchable_at_once(shop: Shop):
    asyncio.run(shop.broker.skip_to_end(GROUP, PRODUCT_EVENTS))
    with shop.worker(), shop.query_worker() as url:
        seconds = asyncio.run(_one_by_one(shop, url))
    figures = {kind: percentiles([one * 1000 for one in some]) for kind, some in seconds.items()}
    targets = [Target(f"{kind}, p99 ms", figure["p99_ms"], 1_000.0, at_most=True) for kind, figure in figures.items()]
    rows = [(kind, *figure.values()) for kind, figure in figures.items()]
    publish_report("freshness-when-quiet", ["change", "p50 ms", "p99 ms"], rows, targets, changes=CHANGES)


async def _settled(shop: Shop, messages: Sequence[Outgoing], rate: float) -> None:
    await shop.broker.publish_steadily(messages, rate, {})
    await shop.broker.until_committed(GROUP, PRODUCT_EVENTS, DEADLINE_S)


async def _stream(shop: Shop, url: str, messages: Sequence[Outgoing], rate: float) -> tuple[list[float], list[float]]:
    """Milliseconds from publishing to durable, of each event; and to the first answer that shows it, of some."""
    since = await shop.broker.ends(INDEX_CHANGES)
    published: Published = {}
    watching = asyncio.create_task(_watch(url, messages, published))
    await shop.broker.publish_steadily(messages, rate, published)
    await shop.broker.until_committed(GROUP, PRODUCT_EVENTS, DEADLINE_S)
    durable = await shop.broker.durable_times(since)
    return [durable[event_id] - at for event_id, at in published.items()], await watching


async def _watch(url: str, messages: Sequence[Outgoing], published: Published) -> list[float]:
    """Take the event published last, now and then, and ask for its product until the answer shows it."""
    shown_ms: list[float] = []
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        while len(published) < len(messages):
            await asyncio.sleep(WATCH_EVERY_S)
            one = messages[len(published) - 1]
            await _time_until(lambda one=one: _is_shown(http, one), ASK_EVERY_S)
            shown_ms.append(time.time() * 1000 - published[one.event_id])
    return shown_ms


async def _is_shown(http: httpx.AsyncClient, one: Outgoing) -> bool:
    """Whether a product is as its event says, or as a later one does."""
    _, number, edition = one.event_id.split("-")
    with suppress(httpx.TransportError):
        answer = await http.get(f"/v1/products/{product_id(int(number))['product_id']}")
        return answer.is_success and answer.json()["version"] >= int(edition)
    return False


async def _one_by_one(shop: Shop, url: str) -> dict[str, list[float]]:
    """Create, reprice and delete products, each timed until a search shows it."""
    seconds: dict[str, list[float]] = {"new product": [], "price change": [], "deletion": []}
    versions = itertools.count(1)
    servers = shop.broker.servers
    async with (
        EventPublisher(KafkaConfig(servers), linger_ms=0) as publisher,
        httpx.AsyncClient(base_url=url, timeout=10) as http,
    ):
        for number in range(CHANGES):
            name, word = f"fresh-{number}", f"freshword{number}"
            steps: list[tuple[str, str, Product | DeletedProduct, float | None]] = [
                ("new product", "created", Product(name, next(versions), title=f"Fresh {word}", price=1.0), 1.0),
                ("price change", "updated", Product(name, next(versions), price=2.0), 2.0),
                ("deletion", "deleted", DeletedProduct(name, next(versions)), None),
            ]
            for kind, type, data, price in steps:
                event = Event(uuid.uuid4().hex, "bench", f"product.{type}", int(time.time() * 1000), data)
                await publisher.publish(PRODUCT_EVENTS, event)

                async def is_so(word: str = word, price: float | None = price) -> bool:
                    return await _price(http, word) == price

                seconds[kind].append(await _time_until(is_so))
    return seconds


async def _price(http: httpx.AsyncClient, word: str) -> float | None:
    """The price of the product that a hybrid search for its one rare word puts first; None: it is not there."""
    response = await http.post("/v1/search", json={"text": word, "k": 1})
    response.raise_for_status()
    hits = response.json()["hits"]
    return hits[0]["price"] if hits and word in hits[0]["title"] else None


async def _time_until(condition: Callable[[], Awaitable[bool]], pause_s: float = 0.0) -> float:
    """Seconds until a condition holds, asked again and again."""
    started = time.perf_counter()
    while not await condition():
        assert time.perf_counter() - started < SHOWN_DEADLINE_S
        await asyncio.sleep(pause_s)
    return time.perf_counter() - started
