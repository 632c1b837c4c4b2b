"""A shopper clicks on some mugs, and the next search for anything blue has mugs first, for them alone.

`python examples/personal_order.py --url http://127.0.0.1:8080`
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from collections.abc import Sequence
from typing import Any

import httpx

QUERY = "quillfire blue"
CLICKED = [f"example-mug-{number}" for number in (1, 2, 3, 4)]
WAIT_S = 20.0


def hits(http: httpx.Client, user_id: str) -> list[str]:
    """The products that a search finds for a person, the best first."""
    body: dict[str, Any] = {"text": QUERY, "k": 12, "user_id": user_id}
    response = http.post("/v1/search", json=body).raise_for_status()
    return [hit["product_id"] for hit in response.json()["hits"]]


def click(http: httpx.Client, user_id: str, product_id: str) -> None:
    """Publish a click; a shop's backend sends it to the topic `shop.user-events` instead, keyed by the user's id."""
    event = {"type": "user.clicked", "data": {"user_id": user_id, "product_id": product_id}}
    http.post("/v1/events", json=event).raise_for_status()


def show(url: str, user_id: str) -> list[str]:
    """Print a person's order before and after their clicks; the order after."""
    # Where keys are asked for: one with the scopes search, events and users.
    key = os.environ.get("VITRINE_API_KEY")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=url, timeout=30, trust_env=False, headers=headers) as http:
        before = after = hits(http, user_id)
        print("before:", ", ".join(before[:4]))
        for product_id in CLICKED:
            click(http, user_id, product_id)
        # The clicks go through Kafka: a moment passes until the indexing worker has recorded them.
        deadline = time.monotonic() + WAIT_S
        while after == before and time.monotonic() < deadline:
            time.sleep(0.1)
            after = hits(http, user_id)
        print("after: ", ", ".join(after[:4]))
        print("others:", ", ".join(hits(http, "somebody-else")[:4]))
        # Erases the person everywhere: their profile now, what is still on its way when it comes.
        http.delete(f"/v1/users/{user_id}").raise_for_status()
    return after


def main(arguments: Sequence[str] | None = None) -> None:
    """Run with a shopper nobody has seen yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="of a query worker")
    options = parser.parse_args(arguments)
    show(options.url, f"example-{uuid.uuid4().hex}")


if __name__ == "__main__":
    main()
