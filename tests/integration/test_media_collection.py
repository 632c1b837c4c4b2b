"""Pictures of deleted products go, in a whole stack."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.stack import Stack, start_stack

TWO_DAYS_S = 2 * 86_400


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack whose worker collects every second; a file stays for a day after it was put."""
    stack = start_stack(tmp_path / "stack", VITRINE_MEDIA_STORE_COLLECT_EVERY_S="1", VITRINE_ENCODER_NAME="mini")
    yield stack
    stack.cli("down")


def publish(stack: Stack, directory: Path, kind: str, *rows: dict[str, Any]) -> None:
    file = directory / f"{uuid.uuid4().hex}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ["--images", directory] if kind == "products" else []
    stack.cli("publish", kind, file, *options)
    stack.wait_until_indexed()


def age(media: Path) -> None:
    """Have two days pass for all media."""
    for file in media.rglob("*"):
        if file.is_file():
            os.utime(file, (time.time() - TWO_DAYS_S,) * 2)


def test_the_picture_of_a_deleted_product_goes_and_comes_back_with_the_product(own_stack, tmp_path):
    digests = {}
    for name, colour in (("gone", "red"), ("stays", "blue")):
        Image.new("RGB", (48, 48), colour).save(tmp_path / f"{name}.png")
        digests[name] = hashlib.sha256((tmp_path / f"{name}.png").read_bytes()).hexdigest()
    # It begins as a picture does, and cannot be decoded.
    (tmp_path / "broken.png").write_bytes((tmp_path / "stays.png").read_bytes()[:40])
    digests["broken"] = hashlib.sha256((tmp_path / "broken.png").read_bytes()).hexdigest()
    rows = [{"id": name, "title": f"lantern {name}", "images": f"{name}.png"} for name in digests]
    publish(own_stack, tmp_path, "products", *rows)
    media = own_stack.data_dir / "media"

    with httpx.Client(base_url=own_stack.url, timeout=30, trust_env=False) as http:

        def status_of(name: str) -> int:
            return http.get(f"/media/{digests[name]}").status_code

        assert (status_of("gone"), status_of("stays")) == (200, 200)
        cache_control = http.get(f"/media/{digests['stays']}").headers["cache-control"]
        assert cache_control == "public, max-age=86400, immutable"
        age(media)
        own_stack.wait("what cannot be decoded is gone", lambda: status_of("broken") == 404)
        assert (status_of("gone"), status_of("stays")) == (200, 200)

        deletion = {"type": "product.deleted", "specversion": "1.0", "id": "d", "source": "t"}
        publish(own_stack, tmp_path, "events", deletion | {"data": {"product_id": "gone"}})
        own_stack.wait("the picture is gone", lambda: status_of("gone") == 404)
        assert status_of("stays") == 200
        assert {file.name for file in media.rglob("*") if file.is_file()} == {digests["stays"]}
        told = json.loads(own_stack.cli("media", "collect", "--dry-run", "--json").stdout)
        assert (told["collected"], told["kept"]) == (0, 1)

        publish(own_stack, tmp_path, "products", rows[0])
        own_stack.wait("the picture is back", lambda: status_of("gone") == 200)
