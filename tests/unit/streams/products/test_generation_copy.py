"""Copying a generation whose undecodable media were collected."""

import base64

from encoders.port import HashEncoder
from encoders.processes.encoder import ThreadEncoder
from indexer.in_memory_store import InMemoryProductStore
from indexer.media_store import media_hash
from streams.products.generation_copy import GenerationCopier
from tests.unit.streams.pipeline import Bench, picture


async def test_what_was_broken_and_is_kept_no_more_stays_broken_and_is_not_tried_again():
    bench = Bench()
    broken = base64.b64encode(b"no picture").decode()
    images = [{"data": broken}, {"data": picture()}]
    await bench.index(bench.kafka.message({"product_id": "p", "title": "kettle", "images": images}))
    (digest,) = (await bench.store.read(["p"]))["p"][0].broken_images
    assert digest == media_hash(b"no picture")
    files = [file async for some in bench.media.files() for file in some if file.digest == digest]
    await bench.media.remove(files, float("inf"))
    bench.kafka.published.clear()

    encoder = HashEncoder()
    target = InMemoryProductStore(encoder.spec)
    models = bench.models
    copier = GenerationCopier(bench.store, target, "g2", models.encoder, models.pictures, bench.kafka)
    assert isinstance(models.encoder, ThreadEncoder)
    assert [progress.products_copied async for progress in copier.copy()] == [1]
    stored, _ = (await target.read(["p"]))["p"]
    assert stored.broken_images == (digest,) and not stored.missing_images and len(stored.image_keys) == 1
    assert bench.kafka.published == []
