"""From live topics to a model in use: trained, killed, gone on with, and rolled out by a rebuild, on real servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack import Stack, start_stack
from vitrine.samples.catalogue import SampleProduct, sample_products
from vitrine.samples.drawing.rendering import render

PRODUCTS = sample_products(32, 11)
JOINT = "bert-resnet-weighted"
# As many steps on any machine; the time is a bound alone.
MINUTES, STEPS = "4", "180"
"""Longer than it takes until the first checkpoint, which is written after 20 s."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = start_stack(tmp_path_factory.mktemp("training"), VITRINE_ENCODER_NAME="hash")
    publish(running, "products", [row(running, product) for product in PRODUCTS])
    first, second = (product.product_id for product in PRODUCTS[:2])
    publish(
        running,
        "events",
        [
            {"type": "user.searched", "user_id": "u-1", "query": "gift for a friend", "query_id": "q-1"},
            {"type": "user.clicked", "user_id": "u-1", "product_id": first, "query_id": "q-1"},
            {"type": "user.clicked", "user_id": "u-2", "product_id": first, "session_id": "s-2"},
            {"type": "user.clicked", "user_id": "u-2", "product_id": second, "session_id": "s-2"},
            {"type": "user.clicked", "user_id": "u-3", "product_id": second, "query_id": "q-3"},
            {"type": "user.forgotten", "user_id": "u-3"},
        ],
    )
    running.wait_until_indexed()
    yield running
    running.cli("down")


def row(stack: Stack, product: SampleProduct) -> dict[str, Any]:
    picture = stack.data_dir / f"{product.product_id}.jpg"
    render(product, size=96).save(picture)
    return product.event_data() | {"version": 1, "images": [picture.name]}


def publish(stack: Stack, kind: str, rows: list[dict[str, Any]]) -> None:
    file = stack.data_dir / f"{kind}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    stack.cli("publish", kind, file, *(["--images", stack.data_dir] if kind == "products" else []))


def training(stack: Stack) -> subprocess.Popen[str]:
    places = ["--output", str(stack.data_dir / "model"), "--work", str(stack.data_dir / "work")]
    argv = [
        "train",
        "--from-topics",
        "--encoder",
        JOINT,
        "--minutes",
        MINUTES,
        "--steps",
        STEPS,
        "--batch",
        "16",
        "--threads",
        "1",
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "vitrine", *argv, *places],
        env=stack.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def search(stack: Stack, text: str) -> list[str]:
    answer = httpx.post(f"{stack.url}/v1/search", json={"text": text, "mode": "dense", "k": 40}, timeout=30)
    assert answer.status_code == 200, answer.text
    return [hit["product_id"] for hit in answer.json()["hits"]]


def checkpoints(directory: Path) -> list[Path]:
    return list(directory.glob("*/checkpoint.pt"))


@pytest.mark.timeout(900)
def test_a_model_is_trained_from_the_live_topics_though_killed_and_goes_live_by_a_rebuild(stack: Stack) -> None:
    killed = training(stack)
    deadline = time.monotonic() + 240
    while not checkpoints(stack.data_dir / "work"):
        assert killed.poll() is None and time.monotonic() < deadline, killed.communicate()[0]
        time.sleep(0.2)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (stack.data_dir / "model" / "model.safetensors").exists()

    output, _ = (resumed := training(stack)).communicate(timeout=300)
    assert resumed.returncode == 0, output
    assert "resumed at step" in output
    assert "32 products and 2 searches and visits from the topics" in output, "what was forgotten is not learnt from"
    record = json.loads((stack.data_dir / "model" / "training.json").read_text())
    assert (record["data"]["pictures"], record["data"]["searched_for"]) == (32, 1)

    rebuilt = stack.cli("reindex", "--encoder", stack.data_dir / "model")
    assert rebuilt.stderr == "", "what libraries write goes to the log"
    status = stack.status()
    assert (status["generation"], status["encoder"].endswith("+joint")) == ("products_g2", True)
    assert status["products"]["searchable"] == len(PRODUCTS)
    found = [search(stack, product.title("en")).index(product.product_id) for product in PRODUCTS]
    assert sum(place < 3 for place in found) > len(PRODUCTS) / 2

    # A whole product is one vector, so a new title has its picture encoded again.
    changed = PRODUCTS[0].event_data() | {"version": 2, "title": PRODUCTS[1].title("en")}
    publish(stack, "products", [changed])
    stack.wait_until_indexed()
    assert PRODUCTS[0].product_id in search(stack, PRODUCTS[1].title("en"))[:4]
