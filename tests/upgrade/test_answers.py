"""Query workers of both versions beside each other, over changes that workers of both versions make."""

from __future__ import annotations

import itertools

import httpx
import pytest

from tests.chaos.load import Outgoing, event, outgoing
from tests.upgrade.fleet import Fleet, Worker
from tests.upgrade.versions import NEW, Version

ROUNDS = 12
"""Changes that each version makes."""
_ids = itertools.count(1)


def product(product_id: str, **fields: object) -> Outgoing:
    """A creation or, without a title, a patch, later than all before."""
    number = next(_ids)
    kind = "product.created" if "title" in fields else "product.updated"
    return outgoing(event(f"change-{number}", kind, {"product_id": product_id, "version": number, **fields}))


def shown_price(worker: Worker) -> float:
    """The price of the kettle in an answer that is cached from one change to the next."""
    answer = httpx.get(f"{worker.url}/v1/search", params={"q": "red kettle"}, timeout=10, trust_env=False)
    (price,) = [hit["price"] for hit in answer.raise_for_status().json()["hits"] if hit["product_id"] == "kettle"]
    return price


@pytest.fixture(params=["old", "new"])
def maker(request: pytest.FixtureRequest, old: Version) -> Version:
    """Who makes the index, and with it the log of changes."""
    return old if request.param == "old" else NEW


def test_no_answer_of_either_version_is_stale_whoever_wrote(fleet: Fleet, old: Version, maker: Version):
    writer = fleet.start(maker)
    fleet.publish(product("kettle", title="Red kettle", price=1.0), product("pot", title="Red pot", price=9.0))
    readers = [fleet.start(version, "query") for version in (old, NEW)]
    prices = map(float, itertools.count(2))
    stale: list[tuple[str, str, float]] = []
    for version in (maker, NEW if maker is old else old):
        writer = writer if writer.version is version else fleet.replace(writer, version)
        for price in itertools.islice(prices, ROUNDS):
            fleet.publish(product("kettle", price=price))
            stale += [(version.name, reader.version.name, price) for reader in readers if shown_price(reader) != price]
    assert stale == []
