"""The demo from end to end, on a stack that runs."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event
from streams.kafka.lag import LagProbe
from streams.kafka.producer import EventPublisher
from vitrine.demo import catalogue as demo_catalogue
from vitrine.demo.examples import ADA, BEN, show_examples
from vitrine.demo.live import DemoProgress, GrowthRate
from vitrine.demo.shoppers import interactions, random_shoppers
from vitrine.errors import VitrineError
from vitrine.samples.catalogue import SampleProduct
from vitrine.settings import Settings
from vitrine.stack.servers import connect_client, operations_url, query_url, reachable_kafka
from vitrine.stack.status import active_group, ask_query_worker

SHOPPERS = 200
CLICKS = 2_000
PERSONAL_CLICKS = 40
"""Of each of the two persons whose searches are shown."""
CHUNK = 50
POLL_S = 0.5
QUIET_POLL_S = 3.0
"""How often progress is printed where there is no terminal."""
STALLED_S = 120.0


async def run_demo(settings: Settings, console: Console) -> str:
    """Publish the catalogue and clicks, show how they become searchable, then search; returns the page's URL.

    Raises:
        VitrineError: nothing became searchable for `STALLED_S`.
    """
    products = demo_catalogue.demo_products()
    pictures = settings.data_dir / "demo" / "pictures"
    await asyncio.to_thread(_render, products, settings, console)
    url = query_url(settings)
    async with EventPublisher(reachable_kafka(settings)) as publisher:
        feed = _EventFeed(publisher)
        events = (demo_catalogue.product_event(product, pictures) for product in products)
        feeding = asyncio.gather(
            feed.publish(PRODUCT_EVENTS, events), feed.publish(USER_EVENTS, _clicks(products), pause_s=0.1)
        )
        try:
            await _watch(settings, feed, len(products), feeding, console)
        finally:
            feeding.cancel()
    with connect_client(settings, url) as client:
        await asyncio.to_thread(show_examples, client, products, console)
    return url


class _EventFeed:
    """Publishes streams of events in chunks, and counts."""

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher
        self.published = {PRODUCT_EVENTS: 0, USER_EVENTS: 0}

    async def publish(self, topic: str, events: Iterable[Event], pause_s: float = 0.0) -> None:
        stream = iter(events)
        while chunk := await asyncio.to_thread(lambda: list(islice(stream, CHUNK))):
            await self._publisher.wait_delivered([await self._publisher.send(topic, event) for event in chunk])
            self.published[topic] += len(chunk)
            await asyncio.sleep(pause_s)


def _render(products: Sequence[SampleProduct], settings: Settings, console: Console) -> None:
    columns = TextColumn("[progress.description]{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("Drawing the catalogue's pictures", total=len(products))
        directory = settings.data_dir / "demo" / "pictures"
        for done in demo_catalogue.render_pictures(products, directory, os.cpu_count() or 1):
            bar.advance(task, done)


def _clicks(products: Sequence[SampleProduct]) -> Iterator[Event]:
    """A crowd's clicks, and among them those of the two persons."""
    crowd = interactions(random_shoppers(products, SHOPPERS), products, CLICKS, seed=1)
    ada = interactions([ADA], products, PERSONAL_CLICKS, seed=2)
    ben = interactions([BEN], products, PERSONAL_CLICKS, seed=3)
    events = [*crowd, *ada, *ben]
    random.Random(0).shuffle(events)
    return iter(events)


async def _watch(
    settings: Settings, feed: _EventFeed, total: int, feeding: asyncio.Future[tuple[None, None]], console: Console
) -> None:
    """Show progress until all is published and all that was published is searchable."""
    events, searchable = GrowthRate(), GrowthRate()
    clock = asyncio.get_running_loop().time
    moved_at, last = clock(), None
    with Live(console=console, refresh_per_second=4) as live:
        async with LagProbe(reachable_kafka(settings), await active_group(settings)) as probe:
            while True:
                progress = await _measure(settings, feed, total, probe, events, searchable)
                if console.is_terminal:
                    live.update(progress.table())
                else:
                    console.print(progress.line())
                if feeding.done() and not progress.waiting:
                    feeding.result()
                    return
                if (progress.searchable, progress.waiting) != last:
                    moved_at, last = clock(), (progress.searchable, progress.waiting)
                if clock() - moved_at > STALLED_S:
                    raise VitrineError(f"nothing was indexed for {STALLED_S:.0f} s; `vitrine status` may say why")
                await asyncio.sleep(POLL_S if console.is_terminal else QUIET_POLL_S)


async def _measure(
    settings: Settings, feed: _EventFeed, total: int, probe: LagProbe, events: GrowthRate, searchable: GrowthRate
) -> DemoProgress:
    index = await ask_query_worker(operations_url(settings))
    count = index["products"]["searchable"]
    published = sum(feed.published.values())
    waiting = await probe.lag(PRODUCT_EVENTS, USER_EVENTS)
    handled = published - sum(lag.messages for lag in waiting)
    return DemoProgress(
        published=feed.published[PRODUCT_EVENTS],
        total=total,
        clicks=feed.published[USER_EVENTS],
        searchable=count,
        waiting=sum(lag.messages for lag in waiting),
        index_age_ms=index["index_age_ms"],
        events_per_s=events.update(handled),
        products_per_s=searchable.update(count),
    )
