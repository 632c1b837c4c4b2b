"""The examples that need no server: each search over a shop within this process, the encoder in a directory."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tests.paths import ROOT
from tests.shop import Shop

EXAMPLES = ROOT / "examples"
READY_S = 20


class ServedShop:
    """A shop with the examples' products on a port of its own, served in a thread."""

    def __init__(self) -> None:
        self.url = ""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> ServedShop:
        self._thread.start()
        assert self._ready.wait(READY_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(READY_S)

    async def _serve(self) -> None:
        shop = Shop()
        for product in example_products():
            await shop.put(product.pop("product_id"), **product)
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(shop.app, log_level="warning"))
        # Connections made from here on wait in the socket's queue until the server takes them.
        self._ready.set()
        await self._server.serve([listening])
        shop.close()


def example_products() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / "products.jsonl").read_text().splitlines()]


def run(name: str, *arguments: str) -> None:
    importlib.import_module(f"examples.{name}").main(arguments)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ServedShop() as shop:
        yield shop.url


def test_the_client_library_finds_and_filters(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("search", "--url", url, "--below", "50", "blue lamp")
    printed = capsys.readouterr().out
    assert "Quillfire blue lamp" in printed and "facets: {'category'" in printed and "why the first" in printed
    prices = [float(price) for price in re.findall(r"  ([\d.]+) EUR", printed)]
    assert prices and max(prices) < 50


def test_plain_http_finds_and_names_a_problem(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("search_http", "--url", url, "--filter", '{"brand": "Quillfire"}', "blue mug")
    assert capsys.readouterr().out.count("Quillfire blue mug") == 10
    with pytest.raises(SystemExit, match=r"^422 .*filters\.colour"):
        run("search_http", "--url", url, "--filter", '{"colour": "red"}')


def test_clicks_move_mugs_up_for_the_person_alone(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("personal_order", "--url", url)
    orders = dict(re.findall(r"(?m)^(\w+): +(.*)$", capsys.readouterr().out))
    assert orders["after"].count("mug") == 4
    assert orders["before"] == orders["others"] != orders["after"]


def test_a_model_in_a_directory_scores_products(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    run("custom_encoder", str(tmp_path / "encoder"))
    printed = capsys.readouterr().out
    assert "64 dimensions a part" in printed and re.search(r"score of a product for a query: -?\d\.\d{3}", printed)


def test_every_product_is_a_valid_event() -> None:
    from streams.events.cloudevents import decode_event

    publish = importlib.import_module("examples.publish")
    events = [decode_event(publish.TOPIC, json.dumps(event).encode(), {}, 0) for event in publish.events()]
    assert {event.data.product_id for event in events} == {product["product_id"] for product in example_products()}  # type: ignore[union-attr]


def test_every_program_is_listed() -> None:
    listed = re.findall(r"\]\((\w+\.py)\)", (EXAMPLES / "README.md").read_text())
    assert sorted(listed) == sorted(path.name for path in EXAMPLES.glob("*.py"))
