"""A drill: all that Milvus has is lost, and comes back from an export and the events since, as the oracle has it.

With `TEST_MILVUS_SERVER=1` on a real server, else on Milvus Lite.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from indexer.records import ProductState, StoredProduct, unpack_product
from tests import milvus3
from tests.chaos.comparing import rows
from tests.chaos.engines import Engine, LiteEngine, ServerEngine
from tests.chaos.image_sites import ImageSites
from tests.chaos.load import Load, Stream, event, outgoing
from tests.chaos.shop import Scenario, Shop, open_shop
from tests.milvus_server import WANTED

EVENTS, RATE = 3_000, 100.0
"""In all, and how many a second."""
WORKERS = 3
LATE = "answers 500"
"""The host of a picture that is out of reach when the export is made."""
NEVER = StoredProduct(ProductState())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    try:
        engine = _engine(tmp_path / "engine")
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
    with open_shop(tmp_path, WORKERS, engine=engine) as shop:
        shop.wait_until_indexed(WORKERS)
        yield shop


def test_an_export_and_the_events_since_bring_back_what_milvus_lost(shop: Shop, tmp_path: Path) -> None:
    run, file = Scenario(shop, "all that Milvus had is lost, and restored", "lost"), tmp_path / "index.parquet"
    messages = Stream(run.prefix, seed=31).messages(EVENTS)
    with Load(shop.servers.kafka, messages[: EVENTS // 2], RATE) as load:
        load.wait(EVENTS // 4)
        exported = _export(run, file)
    with Load(shop.servers.kafka, messages[EVENTS // 2 :], RATE) as load:
        load.wait(EVENTS // 4)
        _lose_all(run)
        refused = shop.stack.cli("import", "--replay", file, check=False)
        assert refused.returncode == 1 and "stop the indexing workers" in refused.stderr, refused
        began = time.monotonic()
        imported = _restore(shop, file)
        restored_s = time.monotonic() - began
    report = run.check(WORKERS)
    print(f"{exported}{imported}restored in {restored_s:.0f} s\n{report}")
    _check_answers(run)


def _engine(directory: Path) -> Engine:
    return ServerEngine(directory) if os.environ.get(WANTED) else LiteEngine(directory)


def _export(run: Scenario, file: Path) -> str:
    """While a picture is out of reach, which comes before Milvus is lost, and has no event after that."""
    product_id, shop = f"{run.prefix}-late", run.shop
    with ImageSites() as sites:
        data = {"product_id": product_id, "version": 1, "title": "late", "images": [{"url": sites.url(LATE, "late")}]}
        shop.publish([outgoing(event(product_id, "product.created", data))])
        shop.wait("it is out of reach", lambda: _stored(run).get(product_id, NEVER).incomplete)
        exported = shop.stack.cli("export", file).stdout
        sites.heal()
        shop.wait("it comes", lambda: not _stored(run)[product_id].incomplete)
    return exported


def _stored(run: Scenario) -> dict[str, StoredProduct]:
    return {row["product_id"]: unpack_product(row["state"]) for row in rows(run.shop.servers.milvus, run.prefix)}


def _lose_all(run: Scenario) -> None:
    """Milvus is killed, its data are gone, it starts empty, and a worker that is started again begins a new index."""
    shop = run.shop
    shop.engine.kill()
    shop.engine.lose_data()
    shop.start_server("milvus")
    shop.kill(shop.workers()[0])
    shop.up(WORKERS)
    shop.wait("a new index has what comes now, and nothing else", lambda: _has_some(run))


def _has_some(run: Scenario) -> bool:
    try:
        return bool(_stored(run))
    except ValueError:
        # There is no collection yet.
        return False


def _restore(shop: Shop, file: Path) -> str:
    """As the documentation has it: stop who writes, import, start them."""
    for worker in shop.workers():
        shop.kill(worker, signal.SIGTERM)
    imported = shop.stack.cli("import", "--replay", file).stdout
    shop.up(WORKERS)
    return imported


def _check_answers(run: Scenario) -> None:
    """A query worker that has been there all the time shows what there is, with its pictures."""
    known = {row["product_id"]: row for row in rows(run.shop.servers.milvus, run.prefix)}
    with httpx.Client(base_url=run.shop.stack.url, trust_env=False, timeout=30) as client:
        hits = client.post("/v1/search", json={"text": "kettle", "k": 50}).json()["hits"]
        pictures = {hit["image_url"] for hit in hits if (hit["image_url"] or "").startswith("/")}
        assert hits and pictures, hits
        for hit in hits:
            row = known[hit["product_id"]]
            assert row["searchable"] and json.loads(row["card"]).get("title", "") == hit["title"], (hit, row)
        assert {client.get(picture).status_code for picture in pictures} == {200}
