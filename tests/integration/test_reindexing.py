"""The index rebuilt beside the live one, on real servers, while events and queries go on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from indexer.milvus.connection import MilvusConfig
from indexer.milvus.registry import GenerationRegistry
from indexer.milvus.store import open_store_to_read
from tests.stack import Stack, start_stack

PRODUCTS = 600
COLOURS = ("red", "blue", "green", "black", "white")
KINDS = ("hoodie", "kettle", "sofa", "lamp")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("reindex"), VITRINE_ENCODER_NAME="hash")
    write(running.data_dir / "all.jsonl", [row(number) for number in range(PRODUCTS)])
    running.cli("publish", "products", running.data_dir / "all.jsonl")
    running.wait("all are searchable", lambda: running.status()["products"]["searchable"] == PRODUCTS)
    yield running
    running.cli("down")


def row(number: int, version: int = 1, **changes: Any) -> dict[str, Any]:
    colour, kind = COLOURS[number % 5], KINDS[number // 5 % 4]
    product = {"product_id": f"p{number:05d}", "version": version, "title": f"{colour} {kind} {number}"}
    return product | {"price": float(number), "category": f"Shop/{kind}"} | changes


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)))


class Shopper(threading.Thread):
    """Asks all the time, and notes what was wrong with answers."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.faults: list[str] = []
        self.generations: list[str] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=10) as client:
            while not self.stopped.is_set():
                number = len(self.generations) % PRODUCTS
                answer = client.get("/v1/search", params={"q": row(number)["title"], "k": 3})
                if answer.status_code != 200 or not answer.json()["hits"]:
                    self.faults.append(answer.text[:200])
                else:
                    self.generations.append(answer.json()["generation"])
                time.sleep(0.05)


def prices(stack: Stack, generation: str) -> dict[str, Any]:
    """What a generation holds, read from Milvus itself: price by product id, None for what is deleted."""

    async def read() -> dict[str, Any]:
        config = MilvusConfig(stack.status()["milvus"]["uri"], deadline_s=30)
        registry = GenerationRegistry(config)
        now = await registry.read()
        await registry.close()
        known = {one.collection: one for one in (now.active, *now.others.values()) if one}
        store = await open_store_to_read(config, known[generation])
        found: dict[str, Any] = {}
        while page := await store.scan(max(found, default=""), 256):
            found |= {one: stored.state.fields.get("price") for one, (stored, _) in page.items()}
        await store.close()
        return found

    return asyncio.run(read())


def update(stack: Stack, version: int) -> dict[str, Any]:
    """Publish changes of every third product and a few deletions and creations; what should come of them."""
    changed = [row(number, version, price=number + version / 100) for number in range(version % 3, PRODUCTS, 3)]
    created = [row(PRODUCTS + 100 * version + number, version) for number in range(20)]
    write(stack.data_dir / "some.jsonl", [*changed, *created])
    stack.cli("publish", "products", stack.data_dir / "some.jsonl")
    return {one["product_id"]: one["price"] for one in (*changed, *created)}


def test_a_rebuild_under_load_loses_nothing_and_fails_no_query_and_can_be_rolled_back(stack):
    expected: dict[str, Any] = {row(number)["product_id"]: row(number)["price"] for number in range(PRODUCTS)}
    shopper = Shopper(stack.url)
    shopper.start()
    rebuild = start_reindex(stack, "--encoder", "hash#48", "--hold", "600")
    for version in range(2, 6):
        expected |= update(stack, version)
    output, _ = rebuild.communicate(timeout=200)
    assert rebuild.returncode == 0, output
    assert "switched to products_g2" in output
    expected |= update(stack, 7)
    stack.wait("the switch shows", lambda: stack.status()["generation"] == "products_g2")
    stack.wait_until_indexed()
    shopper.stopped.set()
    shopper.join()

    assert shopper.faults == []
    switched = shopper.generations.index("products_g2")
    assert set(shopper.generations[:switched]) == {"products_g1"}
    assert set(shopper.generations[switched:]) == {"products_g2"}, "each worker switches once, for good"
    assert prices(stack, "products_g2") == expected
    assert stack.status()["encoder"] == "hash@1#48"

    # The held generation has gone on following, so that the way back is at once and loses nothing.
    stack.cli("rollback", "--hold", "600")
    expected |= update(stack, 8)
    stack.wait("the way back shows", lambda: stack.status()["generation"] == "products_g1")
    stack.wait_until_indexed()
    assert prices(stack, "products_g1") == expected
    refused = stack.cli("reindex", check=False)
    assert refused.returncode == 1 and "--drop-held" in refused.stderr
    assert "products_g2 is dropped" in stack.cli("reindex", "--drop-held").stdout


def test_a_rebuild_that_was_killed_goes_on_where_it_was(stack):
    rebuild = start_reindex(stack, "--encoder", "hash#48")
    assert rebuild.stdout is not None
    for line in rebuild.stdout:
        if line.startswith("copied"):
            break
    os.killpg(rebuild.pid, signal.SIGKILL)
    rebuild.wait()
    expected = prices(stack, "products_g1") | update(stack, 11)
    refused = stack.cli("reindex", "--encoder", "hash", check=False)
    assert refused.returncode == 1
    stack.wait("the dead one's lock is over", lambda: "another rebuild" not in reindex_again(stack))
    stack.wait("the switch shows", lambda: stack.status()["generation"] == "products_g3")
    stack.wait_until_indexed()
    assert prices(stack, "products_g3") == expected


def reindex_again(stack: Stack) -> str:
    done = stack.cli("reindex", "--encoder", "hash#48", check=False)
    return done.stdout + done.stderr


def start_reindex(stack: Stack, *args: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "vitrine", "reindex", *args]
    return subprocess.Popen(
        argv,
        env=stack.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
