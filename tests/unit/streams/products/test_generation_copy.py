"""Copying a generation: whose undecodable media were collected, and whose texts have markup in them."""

import base64

import numpy as np

from encoders.port import HashEncoder
from encoders.processes.encoder import ThreadEncoder
from indexer.in_memory_store import InMemoryProductStore
from indexer.media.store import media_hash
from indexer.records import EventStamp, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row, embedding_text, text_hash
from streams.products.generation_copy import GenerationCopier
from tests.unit.streams.pipeline import Bench, picture


async def test_what_was_broken_and_is_kept_no_more_stays_broken_and_is_not_tried_again():
    bench = Bench()
    broken = base64.b64encode(b"no picture").decode()
    images = [{"data": broken}, {"data": picture()}]
    await bench.index(bench.kafka.message({"product_id": "p", "title": "kettle", "images": images}))
    (digest,) = (await bench.store.read(["p"]))["p"][0].broken_images
    assert digest == media_hash(b"no picture")
    files = [file async for entries in bench.media.files() for file in entries if file.digest == digest]
    await bench.media.remove(files, float("inf"))
    bench.kafka.published.clear()

    encoder = HashEncoder()
    target = InMemoryProductStore(encoder.spec)
    models = bench.models
    copier = GenerationCopier(bench.store, target, "g2", models, bench.kafka)
    assert isinstance(models.encoder, ThreadEncoder)
    assert [progress.products_copied async for progress in copier.copy()] == [1]
    stored, _ = (await target.read(["p"]))["p"]
    assert stored.broken_images == (digest,) and not stored.missing_images and len(stored.image_keys) == 1
    assert bench.kafka.published == []


async def test_a_copy_that_keeps_its_vectors_embeds_just_the_texts_that_lose_their_markup():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "plain", "title": "kettle", "images": [{"data": picture()}]}))
    await bench.index(bench.kafka.message({"product_id": "old", "title": "tea pot", "images": [{"data": picture()}]}))
    (stored, vector) = (await bench.store.read(["old"]))["old"]
    fields = {**stored.state.fields, "title": "tea&nbsp;<b>pot</b>"}
    state = ProductState().merge(ProductChange("old", EventStamp(1, "s", "e"), fields, replaces_all_fields=True))
    old = StoredProduct(state, text_hash(embedding_text(fields)), stored.image_keys)
    await bench.store.write([build_row("old", old, -vector)])
    bench.encoder.texts = bench.encoder.images = 0

    target = InMemoryProductStore(bench.encoder.spec)
    models = bench.models
    assert isinstance(models.encoder, ThreadEncoder)
    copier = GenerationCopier(bench.store, target, "g2", models, bench.kafka, True)
    assert [progress.products_copied async for progress in copier.copy()] == [2]
    assert (bench.encoder.texts, bench.encoder.images) == (1, 0)
    copied = await target.read(["old", "plain"])
    assert copied["old"][0].state.fields["title"] == "tea pot"
    half = bench.encoder.spec.dim
    np.testing.assert_allclose(copied["old"][1][:half], vector[:half], atol=1e-6)
    np.testing.assert_allclose(copied["old"][1][half:], -vector[half:], atol=1e-6)
    np.testing.assert_array_equal(copied["plain"][1], (await bench.store.read(["plain"]))["plain"][1])
    assert list((await target.search_lexical("pot", (), 5)).ids) == ["old"]
