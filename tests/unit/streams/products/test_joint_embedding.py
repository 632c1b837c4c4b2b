"""Products whose text and pictures make one vector: what is new in either encodes the whole, and nothing else does."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encoders.errors import InvalidVideo
from encoders.loading import load_encoder
from encoders.media.preparation import Preparer
from encoders.port import Encoder, JointEncoder, JointHashEncoder, Pixels, as_joint_encoder
from encoders.processes.encoder import ThreadEncoder
from encoders.processes.image_decoding import InProcessImageDecoder
from encoders.processes.media_decoding import InProcessMediaDecoder
from encoders.spec import FloatArray, split_parts
from indexer.in_memory_store import InMemoryProductStore
from indexer.milvus.connection import MilvusConfig
from indexer.milvus.store import open_active_store
from indexer.planning import MAX_POOLED_IMAGES
from indexer.ports.products import ProductStore
from indexer.redis.bounded_map import InMemoryBoundedMap
from indexer.rows import embedding_text
from streams.media.embedding_cache import EmbeddingCache
from streams.media.fetching import FetchLimits, MediaFetcher
from streams.media.pictures import PictureLoader
from streams.products.collaborators import PipelineModels
from streams.products.generation_copy import GenerationCopier
from tests import milvus3
from tests.unit.encoders.tiny_models import tiny_model
from tests.unit.sounds import clip
from tests.unit.streams.pipeline import Bench, picture


class Counting:
    """A joint encoder that counts the products that go through it."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = as_joint_encoder(encoder)
        self.spec, self.preparer, self.prompts = encoder.spec, encoder.preparer, encoder.prompts
        self.preparer: Preparer
        self.products = 0

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        return self._encoder.encode_texts(texts)

    def encode_images(self, images: Sequence[Pixels]) -> FloatArray:
        return self._encoder.encode_images(images)

    def encode_products(self, texts: Sequence[str], images: Sequence[Sequence[Pixels]]) -> FloatArray:
        self.products += len(texts)
        return self._encoder.encode_products(texts, images)


class Shop:
    """A pipeline with a joint encoder over a store."""

    def __init__(self, encoder: Counting, store: ProductStore) -> None:
        self.encoder = encoder
        self.bench = Bench(store, encoder=encoder)
        self._version = 0

    def event(self, type: str = "product.updated", **fields: Any) -> Any:
        self._version += 1
        stated = {"images": [{"data": image} for image in fields.pop("images")]} if "images" in fields else {}
        data = {"product_id": "p", "version": self._version} | fields | stated
        return self.bench.kafka.message(data, f"product.{type.removeprefix('product.')}")

    async def vector(self, product_id: str = "p") -> FloatArray:
        """The one vector of a product, which both halves are."""
        text, image = split_parts(self.encoder.spec, (await self.bench.store.read([product_id]))[product_id][1])
        np.testing.assert_array_equal(text, image)
        return text

    def expected(self, fields: dict[str, Any], *images: str) -> FloatArray:
        """What the encoder makes of a product."""
        pixels = [self.encoder.preparer(_opened(image)) for image in images]
        (row,) = as_joint_encoder(self.encoder._encoder).encode_products([embedding_text(fields)], [pixels])
        return row

    async def holds(self, fields: dict[str, Any], *images: str) -> None:
        np.testing.assert_allclose(await self.vector(), self.expected(fields, *images), atol=1e-5)


RED, BLUE, GREEN = (picture(colour) for colour in ("red", "blue", "green"))


def _opened(data: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


def _fusion_model(directory: Path) -> JointEncoder:
    tiny_model("vit-text-early").save(directory / "model")
    return as_joint_encoder(load_encoder(str(directory / "model"), "cpu"))


ENCODERS: dict[str, Callable[[Path], JointEncoder]] = {
    "hash": lambda _: JointHashEncoder(),
    "fusion": _fusion_model,
}


@pytest.fixture(params=["hash in memory", "fusion in memory", "fusion lite_2_5"])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    name, where = request.param.split(" ", 1)
    encoder = Counting(ENCODERS[name](tmp_path))
    if where == "in memory":
        yield Shop(encoder, InMemoryProductStore(encoder.spec))
        return
    try:
        server = milvus3.lite_2_5(tmp_path)
        with server as address:
            store = await open_active_store(MilvusConfig(address, deadline_s=10), encoder.spec, create=True)
            yield Shop(encoder, store)
            await store.close()
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


async def test_a_product_is_one_vector_of_all_it_has(shop):
    await shop.bench.index(shop.event("created", title="Kettle", images=[RED, BLUE]))
    await shop.holds({"title": "Kettle"}, RED, BLUE)
    assert shop.encoder.products == 1


async def test_a_new_text_is_encoded_with_the_pictures_that_stay(shop):
    await shop.bench.index(shop.event("created", title="Kettle", images=[RED, BLUE]))
    await shop.bench.index(shop.event(title="Teapot"))
    await shop.holds({"title": "Teapot"}, RED, BLUE)
    assert shop.encoder.products == 2


async def test_new_pictures_are_encoded_with_the_text_that_stays(shop):
    await shop.bench.index(shop.event("created", title="Kettle", images=[RED]))
    await shop.bench.index(shop.event(images=[GREEN, RED]))
    await shop.holds({"title": "Kettle"}, GREEN, RED)


async def test_what_changes_neither_encodes_nothing(shop):
    created = shop.event("created", title="Kettle", price=20.0, images=[RED])
    await shop.bench.index(created)
    before = await shop.vector()
    await shop.bench.index(shop.event(price=19.0, in_stock=False))
    await shop.bench.index(created)
    np.testing.assert_array_equal(await shop.vector(), before)
    assert shop.encoder.products == 1
    assert len(shop.bench.kafka.changes) == 3, "a redelivered event is announced again"


async def test_events_in_one_batch_encode_the_last_state_once(shop):
    await shop.bench.index(
        shop.event("created", title="Kettle", images=[RED]), shop.event(title="Teapot"), shop.event(images=[BLUE])
    )
    await shop.holds({"title": "Teapot"}, BLUE)
    assert shop.encoder.products == 1


async def test_a_product_may_lack_text_or_pictures_or_both(shop):
    await shop.bench.index(
        shop.event("created", product_id="words", title="Kettle"),
        shop.event("created", product_id="picture", images=[RED]),
        shop.event("created", product_id="neither", price=3.0),
    )
    np.testing.assert_allclose(await shop.vector("words"), shop.expected({"title": "Kettle"}), atol=1e-5)
    np.testing.assert_allclose(await shop.vector("picture"), shop.expected({}, RED), atol=1e-5)
    assert not (await shop.vector("neither")).any()


async def test_what_is_cleared_is_out_of_the_vector(shop):
    await shop.bench.index(shop.event("created", title="Kettle", images=[RED]))
    await shop.bench.index(
        shop.bench.kafka.message({"product_id": "p", "version": 9, "images": None}, "product.updated")
    )
    await shop.holds({"title": "Kettle"})


async def test_a_picture_that_is_missing_joins_when_it_can_be_had(shop):
    get, reachable = shop.bench.incoming.get, False

    async def look_up(digest: str) -> bytes | None:
        return await get(digest) if reachable else None

    shop.bench.incoming.get = look_up
    event = shop.event("created", title="Kettle", images=[RED])
    await shop.bench.index(event)
    await shop.holds({"title": "Kettle"})
    assert (await shop.bench.store.read(["p"]))["p"][0].incomplete
    reachable = True
    await shop.bench.index(shop.event(images=[RED]))
    await shop.holds({"title": "Kettle"}, RED)
    assert not (await shop.bench.store.read(["p"]))["p"][0].incomplete


async def test_only_so_many_pictures_count(shop):
    colours = [f"rgb({shade}, 0, 90)" for shade in range(0, 240, 20)]
    images = [picture(colour) for colour in colours]
    await shop.bench.index(shop.event("created", title="Kettle", images=images))
    await shop.holds({"title": "Kettle"}, *images[:MAX_POOLED_IMAGES])


async def test_a_deleted_product_has_no_vector_and_comes_back_whole(shop):
    await shop.bench.index(shop.event("created", title="Kettle", images=[RED]))
    await shop.bench.index(shop.event("deleted"))
    assert not (await shop.vector()).any()
    await shop.bench.index(shop.event("created", title="Kettle", images=[BLUE]))
    await shop.holds({"title": "Kettle"}, BLUE)


async def test_a_rebuild_makes_whole_products_of_parts(shop):
    parts = Bench()
    messages = [
        shop.event("created", product_id="both", title="Kettle", images=[RED, BLUE]),
        shop.event("created", product_id="words", title="Teapot"),
        shop.event("created", product_id="picture", images=[GREEN]),
    ]
    await parts.index(*messages)
    decoder = InProcessImageDecoder(shop.encoder.preparer)
    memory = EmbeddingCache(InMemoryBoundedMap(), InMemoryBoundedMap())
    pictures = PictureLoader(parts.media, MediaFetcher(FetchLimits(attempts=1)), decoder, memory)
    with ThreadPoolExecutor(1) as thread:
        encoder = ThreadEncoder(shop.encoder, thread)
        copier = GenerationCopier(parts.store, shop.bench.store, "g2", PipelineModels(encoder, pictures), parts.kafka)
        assert [page.products_copied async for page in copier.copy()] == [3]
    for product_id, fields, images in (
        ("both", {"title": "Kettle"}, (RED, BLUE)),
        ("words", {"title": "Teapot"}, ()),
        ("picture", {}, (GREEN,)),
    ):
        np.testing.assert_allclose(await shop.vector(product_id), shop.expected(fields, *images), atol=1e-5)


async def test_the_frames_of_a_clip_are_further_pictures(shop):
    bench, file = shop.bench, clip(["red", "blue"])
    decoder = InProcessMediaDecoder(shop.encoder.preparer)
    fetcher = MediaFetcher(FetchLimits(attempts=1))
    bench.use(pictures=PictureLoader(bench.incoming, fetcher, bench.decoder, bench.cache, decoder))
    videos = [{"data": base64.b64encode(file).decode()}]
    await bench.index(shop.event("created", title="Kettle", images=[GREEN], videos=videos))
    frames = await decoder.frames(file)
    assert not isinstance(frames, InvalidVideo)
    pixels = [shop.encoder.preparer(_opened(GREEN)), *frames]
    (expected,) = as_joint_encoder(shop.encoder).encode_products([embedding_text({"title": "Kettle"})], [pixels])
    np.testing.assert_allclose(await shop.vector(), expected, atol=1e-5)
    assert bench.kafka.dead_letters == []
