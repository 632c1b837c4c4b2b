"""From clicks to the order of hits, on real servers: asked, chosen, joined, learnt, served, explained."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack import Stack, start_stack
from vitrine.judged_files import read_judgments

KINDS = ("mug", "lamp", "vase", "chair", "table", "clock")
COLOURS = ("red", "blue", "green", "black")
ROUNDS = 14
"""How often shoppers search for each kind and colour."""


def products() -> list[dict[str, Any]]:
    """Of each kind and colour a dear and a cheap one, which nothing else tells apart."""
    return [
        {"product_id": f"{kind}-{colour}-{grade}", "title": f"{colour} {kind}", "category": kind, "price": price}
        for kind in KINDS
        for colour in COLOURS
        for grade, price in (("a-dear", 90.0), ("b-cheap", 9.0))
    ]


def publish(stack: Stack, kind: str, rows: list[dict[str, Any]]) -> None:
    file = stack.data_dir / f"{kind}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    stack.cli("publish", kind, file)


def search(client: httpx.Client, text: str, **request: Any) -> dict[str, Any]:
    answered = client.post("/v1/search", json={"text": text, "k": 8} | request)
    answered.raise_for_status()
    return answered.json()


def shop_around(stack: Stack) -> list[dict[str, Any]]:
    """Shoppers look through hits from the top, with less and less patience, and click what is cheap."""
    chance, events = random.Random(7), list[dict[str, Any]]()
    with httpx.Client(base_url=stack.url, timeout=60, trust_env=False) as client:
        for turn in range(ROUNDS):
            for text in (f"{colour} {kind}" for kind in KINDS for colour in COLOURS):
                # Some say who they are, the others are known by their clicks alone.
                user = {"user_id": f"shopper-{turn}"} if turn % 2 else {}
                found = search(client, text, **user)
                for place, hit in enumerate(found["hits"]):
                    likes = 0.8 if hit["price"] < 50 else 0.05
                    if chance.random() < likes / (1 + place):
                        event = {"type": "user.clicked", "user_id": f"shopper-{turn}", "product_id": hit["product_id"]}
                        events.append(event | {"query_id": found["query_id"], "position": place})
            # Of answers that come faster than any shop's, a worker remembers some.
            asked = (turn + 1) * len(KINDS) * len(COLOURS)
            stack.wait("answers remembered", lambda asked=asked: remembered(client) == asked)
    return events


def remembered(client: httpx.Client) -> float:
    """How many answers the worker has remembered."""
    line = re.search(r'^vitrine_impressions_total\{outcome="remembered"\} (\S+)$', client.get("/metrics").text, re.M)
    return float(line[1]) if line else 0.0


@pytest.mark.timeout(600)
def test_what_shoppers_choose_orders_what_others_are_shown(tmp_path: Path) -> None:
    stack = start_stack(tmp_path / "stack", VITRINE_ENCODER_NAME="hash", VITRINE_QUERY_PERSONAL="0")
    try:
        publish(stack, "products", products())
        stack.wait_until_indexed()
        publish(stack, "events", shop_around(stack))
        stack.wait_until_indexed()
        log, ranker, judged = tmp_path / "clicks.jsonl", tmp_path / "ranker", tmp_path / "judged.csv"
        asked = ROUNDS * len(KINDS) * len(COLOURS)
        assert f"{asked} answers" in stack.cli("eval", "clicks", "--output", log).stdout
        assert "shopper-" not in log.read_text()
        said = stack.cli("train", "ranker", "--log", log, "--output", ranker).stdout
        assert "gain" in said and (ranker / "ranker.json").exists()
        stack.cli("eval", "judgments", "--output", judged)
        gains = read_judgments(judged, judged)
        assert gains["red mug"]["mug-red-b-cheap"] > gains["red mug"]["mug-red-a-dear"]
        before = first_hit(stack)
        stack.cli("down")
        learnt = start_stack(stack.data_dir, VITRINE_ENCODER_NAME="hash", VITRINE_QUERY_LEARNT_RANKER=str(ranker))
        after = first_hit(learnt)
        assert (before["price"], after["price"]) == (90.0, 9.0)
        assert before["explanation"]["ranker"] == 0 and after["explanation"]["ranker"] > 0
        # A person's answers go with them; their clicks teach nothing any more.
        with httpx.Client(base_url=learnt.url, timeout=60, trust_env=False) as client:
            for turn in range(ROUNDS):
                client.delete(f"/v1/users/shopper-{turn}").raise_for_status()
        learnt.cli("eval", "clicks", "--output", tmp_path / "forgotten.jsonl")
        left = [json.loads(line) for line in (tmp_path / "forgotten.jsonl").read_text().splitlines()]
        assert left and not any(answer["chosen"] for answer in left)
    finally:
        stack.cli("down")


def first_hit(stack: Stack) -> dict[str, Any]:
    with httpx.Client(base_url=stack.url, timeout=60, trust_env=False) as client:
        return search(client, "a black vase please", explain=True)["hits"][0]
