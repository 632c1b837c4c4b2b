"""The hit payload: what results show of a product, rank it and count facets by; stored as JSON beside the vector."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


class HitPayload(Struct, frozen=True, omit_defaults=True):
    """A product as a result shows it. Empty or None: the product does not say."""

    title: str = ""
    price: float | None = None
    currency: str | None = None
    brand: str | None = None
    category: str | None = None
    categories: list[str] = []
    """All that it is in, where they are several; `category` is the first."""
    image_url: str | None = None
    url: str | None = None
    lang: str | None = None
    group_id: str | None = None
    in_stock: bool | None = None
    rating: float | None = None
    rating_count: int | None = None
    created_at_ms: int | None = None
    tags: list[str] = []
    attributes: dict[str, str | list[str]] = {}
    suggested: dict[str, list[str]] = {}
    """Accepted suggestions by field (`category`, `brand`, `attributes.NAME`), which the merchant does not state; they
    filter and count in facets, and are in none of the fields above."""
    incomplete: bool = False
    version: int = 0


_hit_payloads = msgspec.json.Decoder(HitPayload)


def encode_hit_payload(payload: HitPayload) -> bytes:
    """The JSON that is stored."""
    return msgspec.json.encode(payload)


def decode_hit_payload(data: bytes | str) -> HitPayload:
    """The payload that `encode_hit_payload` wrote."""
    return _hit_payloads.decode(data)


def image_url(image: dict[str, Any] | None) -> str | None:
    """Where a product's picture is served: the media store's route for stored ones, else its own URL."""
    if image is None:
        return None
    return f"/media/{image['hash']}" if "hash" in image else image["url"]
