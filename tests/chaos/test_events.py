"""Events that are late, early, huge, mangled or in the wrong place, among good ones."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

from tests.chaos.load import Load, Outgoing, Stream, event, outgoing
from tests.chaos.shop import Scenario
from tests.oracle import PRODUCTS, SHOPPERS

RATE = 300.0
"""Events a second."""


def created(run: Scenario, name: str, **data: object) -> dict[str, object]:
    data = {"product_id": f"{run.prefix}-{name}", "version": 1, "title": name} | data
    return event(f"{run.prefix}-{name}", "product.created", data)


def in_time(run: Scenario, name: str, **ahead: float) -> Outgoing:
    time = (datetime.now(UTC) + timedelta(**ahead)).isoformat()
    return outgoing(created(run, name) | {"time": time})


def as_bytes(run: Scenario, name: str, value: bytes | None, topic: str = PRODUCTS, **headers: bytes) -> Outgoing:
    return Outgoing(topic, f"{run.prefix}-{name}".encode(), value, headers)


def bad(run: Scenario) -> list[Outgoing]:
    """One of each kind of fault."""
    text = json.dumps(created(run, "text", title="Größe"), ensure_ascii=False)
    click = event("click", "user.clicked", {"user_id": "u", "product_id": "p"})
    return [
        in_time(run, "old", days=-31),
        in_time(run, "future", minutes=10),
        as_bytes(run, "null", None, SHOPPERS),
        as_bytes(run, "empty", b""),
        as_bytes(run, "truncated", text.encode()[:40]),
        as_bytes(run, "latin-1", text.encode("latin-1")),
        as_bytes(run, "utf-16", text.encode("utf-16")),
        as_bytes(run, "marked", text.encode("utf-8-sig")),
        as_bytes(run, "nan", text.replace('"version": 1', '"version": NaN').encode()),
        as_bytes(run, "deep", text.encode()[:-1] + b', "deep": ' + b"[" * 100_000),
        as_bytes(run, "click", json.dumps(click).encode()),
        as_bytes(run, "product", text.encode(), SHOPPERS),
        as_bytes(run, "unknown", json.dumps(created(run, "unknown") | {"type": "product.sold"}).encode()),
        as_bytes(run, "header", b"{}", ce_type=b"product.created", ce_id=b"\xff"),
        outgoing(created(run, "title", title="x" * 5_000_000)),
        outgoing(created(run, "tags", tags=["x"] * 100_000)),
        outgoing(created(run, "version", version=2**70)),
        outgoing(created(run, "name with blanks")),
        outgoing(created(run, "field", colour="red")),
        outgoing(created(run, "picture", images=[{"data": 5}])),
    ]


def test_mangled_events_among_good_ones(shop, scenario):
    run = scenario("events reordered, repeated, from the future, too old, huge, mangled, in the wrong place")
    shuffled = random.Random(30)
    huge = created(run, "huge", reviews=[shuffled.randbytes(1_000).hex() for _ in range(50)])
    messages = Stream(run.prefix, seed=30).messages(1_500) + 3 * bad(run) + [outgoing(huge)]
    data = json.dumps({"product_id": f"{run.prefix}-binary", "title": "Binary mode"}).encode()
    messages.append(as_bytes(run, "binary", data, ce_type=b"product.created", ce_id=b"binary", ce_source=b"chaos"))
    shuffled.shuffle(messages)
    with Load(shop.servers.kafka, messages, RATE):
        pass
    run.check(too_large=[huge["id"]])
