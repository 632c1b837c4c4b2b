"""Pictures made to break decoders: each product is indexed all the same, with its picture or a dead letter."""

import base64
import json
import struct
import zlib
from pathlib import Path

import pytest

from tests.stack import SHARED
from tests.unit.streams.pipeline import Bench

MANIFEST = SHARED / "hostile" / "manifest.jsonl"


def hostile() -> list[Path]:
    if not MANIFEST.exists():
        return []
    return [SHARED / json.loads(line)["file"] for line in MANIFEST.read_text().splitlines()]


@pytest.mark.skipif(
    not MANIFEST.exists(), reason="the hostile pictures (../shared/data/hostile) are not on this machine"
)
async def test_every_hostile_picture_leaves_its_product_searchable():
    bench = Bench()
    for number, path in enumerate(hostile()):
        image = {"data": base64.b64encode(path.read_bytes()).decode()}
        data = {"product_id": f"p{number}", "title": f"Kettle {number}", "images": [image]}
        await bench.index(bench.kafka.message(data))
    assert (await bench.store.count()).searchable == len(hostile())
    assert {reason for reason, _ in bench.kafka.dead_letters} <= {"invalid_image"}
    with_picture = sum(bool(stored.image_keys) for stored, _ in (await all_stored(bench)).values())
    assert with_picture + len(bench.kafka.dead_letters) == len(hostile())
    assert len(bench.kafka.acked) == len(hostile())


async def all_stored(bench: Bench):
    return await bench.store.read([f"p{number}" for number in range(len(hostile()))])


def bomb() -> bytes:
    """A picture of a kilobyte that would take ten gigabytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 10**6))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


async def test_a_picture_of_absurd_size_is_refused_without_being_decoded():
    bench = Bench()
    image = {"data": base64.b64encode(bomb()).decode()}
    await bench.index(bench.kafka.message({"product_id": "bomb", "title": "Kettle", "images": [image]}))
    ((reason, error),) = bench.kafka.dead_letters
    assert reason == "invalid_image" and "60000" in error.replace(",", "").replace(" ", "")
    assert await bench.titles("kettle") == ["bomb"]
