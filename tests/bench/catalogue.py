"""What the benchmarks publish: the rendered catalogue with its pictures inline, as event bytes ready to be sent."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.events.schema import PRODUCT_EVENTS, USER_EVENTS
from tests.bench.report import BUILD
from vitrine.demo.catalogue import SEED, render_pictures
from vitrine.samples.catalogue import sample_products

PRODUCTS = int(os.environ.get("BENCH_CATALOGUE", "10000"))
PICTURES = min(PRODUCTS, int(os.environ.get("BENCH_PICTURES", "2000")))
"""Distinct 256-px JPEGs; a comment makes each product's bytes its own, so that none is taken for another."""
SOURCE = "bench"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish; its event's id tells it from all others."""

    topic: str
    key: bytes
    value: bytes
    event_id: str


class Catalogue:
    """Listings and pictures of `PRODUCTS` products, rendered once and kept under `build/`."""

    def __init__(self) -> None:
        products = sample_products(PRODUCTS, SEED)
        directory = BUILD / "bench" / "pictures"
        for _ in render_pictures(products[:PICTURES], directory, len(os.sched_getaffinity(0))):
            pass
        self.fields: list[dict[str, Any]] = [product.event_data() for product in products]
        self._edition = 1
        self._pictures = [(directory / f"{product.product_id}.jpg").read_bytes() for product in products[:PICTURES]]

    def restatements(self, count: int) -> list[Outgoing]:
        """So many products stated anew, as no call before did."""
        edition = self._next_edition(count)
        return [self.whole(number % PRODUCTS, edition + number // PRODUCTS) for number in range(count)]

    def repricings(self, count: int) -> list[Outgoing]:
        """So many products' new prices."""
        edition = self._next_edition(count)
        return [self.repriced(number % PRODUCTS, edition + number // PRODUCTS) for number in range(count)]

    def picture(self, number: int, edition: int) -> bytes:
        """A product's JPEG, its bytes like no other product's and no other edition's."""
        return commented(self._pictures[number % PICTURES], f"{number}/{edition}")

    def whole(self, number: int, edition: int) -> Outgoing:
        """A product stated anew: other words, and another picture as far as its bytes tell."""
        fields = self.fields[number % PRODUCTS]
        picture = base64.b64encode(self.picture(number, edition)).decode()
        changed = {"title": f"{fields['title']} {edition}", "images": [{"data": picture}], "version": edition}
        return _event(f"w-{number}-{edition}", "product.created", fields | product_id(number) | changed)

    def repriced(self, number: int, edition: int) -> Outgoing:
        """A product's new price, which is its edition in cents."""
        changed = {"price": edition / 100, "version": edition}
        return _event(f"p-{number}-{edition}", "product.updated", product_id(number) | changed)

    def deleted(self, number: int, edition: int) -> Outgoing:
        """A product's end."""
        return _event(f"d-{number}-{edition}", "product.deleted", product_id(number) | {"version": edition})

    def _next_edition(self, count: int) -> int:
        first = self._edition
        self._edition += 1 + count // PRODUCTS
        return first


def product_id(number: int) -> dict[str, str]:
    """A product's id as a field."""
    return {"product_id": f"bench-{number:05}"}


def clicked(number: int, shopper: str | None = None) -> Outgoing:
    """A shopper's click, of one of 5,000 shoppers if of nobody in particular, on one of the products."""
    data = {"user_id": shopper or f"shopper-{number * 7919 % 5000}"} | product_id(number * 104729 % PRODUCTS)
    return _event(f"c-{number}-{time.time_ns()}", "user.clicked", data)


def commented(jpeg: bytes, comment: str) -> bytes:
    """The same picture as other bytes: a comment after the mark of its start."""
    text = comment.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]


def _event(event_id: str, type: str, data: Mapping[str, Any]) -> Outgoing:
    envelope = {"specversion": "1.0", "id": event_id, "source": SOURCE, "type": type, "data": data}
    if type.startswith("user."):
        return Outgoing(USER_EVENTS, str(data["user_id"]).encode(), msgspec.json.encode(envelope), event_id)
    return Outgoing(PRODUCT_EVENTS, str(data["product_id"]).encode(), msgspec.json.encode(envelope), event_id)
