"""Good inputs that mutations start from."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from PIL import Image, ImageDraw

from tests.paths import SHARED_DATA
from tests.unit.sounds import clip, encoded, tone

PICTURE_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "ICO")
PICTURE_MODES = ("RGB", "L", "RGBA", "P", "CMYK", "1", "LA", "I;16")


@cache
def pictures() -> tuple[bytes, ...]:
    """Small pictures in every format and mode that Pillow writes here, and hostile files where the catalogue is."""
    drawn = [data for form in PICTURE_FORMATS for mode in PICTURE_MODES if (data := _picture(form, mode))]
    hostile = sorted((SHARED_DATA / "hostile").glob("*")) if SHARED_DATA.exists() else []
    return (*drawn, *(path.read_bytes() for path in hostile if path.suffix not in (".jsonl", ".md")))


def _picture(form: str, mode: str) -> bytes | None:
    image = Image.new("RGB", (48, 40), "orange")
    ImageDraw.Draw(image).ellipse((5, 5, 40, 30), fill="navy")
    file = io.BytesIO()
    try:
        image.convert(mode).save(file, form)
    except (OSError, ValueError, KeyError):
        return None
    return file.getvalue()


@cache
def sounds() -> tuple[bytes, ...]:
    """Short sounds in the containers that shops and phones use."""
    made = [tone(0.3), tone(0.2, rate=8_000, channels=2)]
    made += [encoded("mp3", "libmp3lame", 0.3), encoded("ogg", "libopus", 0.3), encoded("webm", "libopus", 0.3)]
    return (*made, encoded("flac", "flac", 0.3))


@cache
def clips() -> tuple[bytes, ...]:
    """Short clips."""
    return clip(["red", "blue"], 0.5), clip(["green"], 0.5, container="webm")


def product(number: int, **fields: Any) -> dict[str, Any]:
    """A product's data, with every kind of field."""
    return {
        "product_id": f"fuzz-{number}",
        "version": number + 1,
        "title": f"Red linen dress {number}",
        "description": "A dress for summer. 红色连衣裙",
        "lang": "en",
        "category": "Women/Dresses",
        "brand": "Luma",
        "price": 49.5,
        "currency": "EUR",
        "in_stock": True,
        "attributes": {"colour": "red", "size": ["S", "M"]},
        "tags": ["summer", "linen"],
        "rating": 4.5,
        "rating_count": 12,
        "reviews": ["lovely"],
        "created_at": "2026-01-02T03:04:05Z",
        "images": [{"data": base64.b64encode(pictures()[number % len(pictures())]).decode()}],
        "group_id": "dress",
        "url": "https://shop.example/dress",
        **fields,
    }


def events(number: int, time: str) -> list[dict[str, Any]]:
    """One event of each type, in structured mode."""
    data: dict[str, dict[str, Any]] = {
        "product.created": product(number),
        "product.updated": {"product_id": f"fuzz-{number}", "version": number + 2, "price": 3, "brand": None},
        "product.deleted": {"product_id": f"fuzz-{number}", "version": number + 3},
        "user.profiled": {
            "user_id": f"u{number}",
            "traits": {"age": "30", "style": None},
            "learning": bool(number % 2),
        },
        "user.clicked": {"user_id": f"u{number}", "product_id": f"fuzz-{number}", "session_id": "s", "position": 3},
        "user.purchased": {"user_id": f"u{number}", "product_id": "fuzz-1", "query_id": "q"},
        "user.searched": {"user_id": f"u{number}", "query": "red dress"},
        "user.identified": {"user_id": f"u{number}", "anonymous_id": f"cookie-{number}"},
        "user.forgotten": {"user_id": f"u{number}"},
    }
    return [
        {"specversion": "1.0", "id": f"{kind}-{number}", "source": "fuzz", "type": kind, "time": time, "data": content}
        for kind, content in data.items()
    ]


def searches() -> list[dict[str, Any]]:
    """Requests for `POST /v1/search`."""
    picture = base64.b64encode(pictures()[0]).decode()
    return [
        {"text": "red dress", "k": 5, "facets": ["brand", "attributes.colour"], "explain": True},
        {"text": "jacket under 50 -cotton", "filters": {"price": {"lt": 50}, "brand": ["a", "b"]}, "sort": "price"},
        {"text": "红色 连衣裙", "user_id": "u1", "mode": "lexical", "group": True, "offset": 20},
        {"image": picture, "weights": {"image": 1.0, "text": 0.5}, "filters": {"category": "Women/Dresses"}},
        {"parts": [{"text": "dress"}, {"text": "red", "weight": -0.5}], "mode": "dense"},
        {"product_id": "fuzz-1", "facet_ranges": {"price": [0, 10, 100]}, "facets": ["price"]},
        {
            "filters": {"in_stock": True, "created_at": {"gte": "2026-01-01"}, "attributes.size": ["S"]},
            "sort": "newest",
        },
        {"text": "jaket dres shos", "user_id": "u2"},
        {"text": "dress without stripes, no wool, ohne Ärmel, 不含棉", "floor": 0.5, "user_id": "u1", "k": 20},
    ]


def as_bytes(values: Iterable[Any]) -> list[bytes]:
    """Each as JSON."""
    return [json.dumps(value, ensure_ascii=False).encode() for value in values]
