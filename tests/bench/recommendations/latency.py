"""How long a recommendation takes: `python -m tests.bench.recommendations.latency [PRODUCTS] [EVENTS]`.

A whole stack on this machine gets a shop of as many products (10,000), and shoppers' visits of ten events (100,000
events); then it is asked over HTTP, one request after another, each for another shopper. Told are the wall time, and
what the query worker's processor time comes to; beside other work on the machine only the latter says anything.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

from deploy.local.stack import LocalStack
from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS, Event, Product, UserInteraction
from tests.bench.recommendations.play import publish
from tests.stack import Stack, start_stack

STEPS, VISITS = 10, 5
"""Events a visit, visits a shopper."""
CATEGORIES = 100
ASKED = 200
DAY_MS = 86_400_000
SPACING_MS = 3 * DAY_MS
"""Between two visits of a shopper."""


def main() -> None:
    """Start a stack, fill it, ask, stop."""
    products, events = (int(one) for one in [*sys.argv[1:], "10000", "100000"][:2])
    with tempfile.TemporaryDirectory() as directory:
        stack = start_stack(Path(directory))
        try:
            rng, now_ms = random.Random(1), int(time.time() * 1000)
            publish(stack, PRODUCT_EVENTS, (product(at, now_ms) for at in range(products)))
            shoppers = max(1, events // (STEPS * VISITS))
            publish(stack, USER_EVENTS, interactions(rng, shoppers, products, now_ms))
            print(f"{products:,} products, {shoppers * VISITS * STEPS:,} events of {shoppers:,} shoppers", flush=True)
            ask(stack, rng, shoppers)
        finally:
            stack.cli("down")


def product(at: int, now_ms: int) -> Event:
    """The product of a number: words, a category and a brand."""
    kind = at % CATEGORIES
    title, category = f"item {at} of kind {kind}", f"Shelf {kind % 10}/Kind {kind}"
    data = Product(f"product-{at}", title=title, category=category, brand=f"B{at % 37}")
    return Event(f"product-{at}", "bench", "product.created", now_ms, data)


def interactions(rng: random.Random, shoppers: int, products: int, now_ms: int) -> Iterator[Event]:
    """Visits, each mostly to one category, of which few products are visited most."""
    for shopper in range(shoppers):
        for visit in range(VISITS):
            category = rng.randrange(CATEGORIES)
            for step in range(STEPS):
                rank = int(rng.paretovariate(0.8)) - 1
                item = f"product-{(category + CATEGORIES * rank) % products}"
                kind = rng.choice(("viewed", "clicked", "purchased"))
                data = UserInteraction(f"shopper-{shopper}", item, session_id=f"visit-{shopper}-{visit}")
                time_ms = now_ms - visit * SPACING_MS - 1_000 * (STEPS - step)
                yield Event(f"{shopper}-{visit}-{step}", "bench", f"user.{kind}", time_ms, data)


def ask(stack: Stack, rng: random.Random, shoppers: int) -> None:
    """Print what recommendations take."""
    record = LocalStack(stack.data_dir).state().find("query-0")
    assert record is not None
    worker = psutil.Process(record.pid)
    with httpx.Client(base_url=stack.url, timeout=30, trust_env=False) as http:
        for kind in ("for_you", "continue", "again"):
            took_ms: list[float] = []
            cpu_s = 0.0
            for at in range(-20, ASKED):  # The first warm it up.
                shopper = rng.randrange(shoppers)
                before_s, began_s = sum(worker.cpu_times()[:2]), time.perf_counter()
                http.get(
                    f"/v1/users/shopper-{shopper}/recommendations",
                    params={"kind": kind, "session_id": f"visit-{shopper}-0"},
                ).raise_for_status()
                if at >= 0:
                    took_ms.append(1_000 * (time.perf_counter() - began_s))
                    cpu_s += sum(worker.cpu_times()[:2]) - before_s
            median = statistics.median(took_ms)
            print(f"{kind}: {median:.1f} ms at the median, {1_000 * cpu_s / ASKED:.1f} ms of a core", flush=True)


if __name__ == "__main__":
    main()
