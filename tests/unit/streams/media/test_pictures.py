"""The pictures of a batch: nothing is fetched, decoded or encoded twice, and what is away holds nothing back."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from encoders.errors import WorkerProcessFailed, WorkerProcessUnavailable
from indexer.errors import StoreUnavailable
from indexer.media.keys import MediaKey
from indexer.media.store import media_hash
from indexer.redis.bounded_map import InMemoryBoundedMap
from streams import metrics
from streams.media.embedding_cache import COOLDOWN_S, EmbeddingCache
from streams.media.fetching import FetchLimits, MediaFetcher
from tests.unit.streams.media.picture_shop import BLUE, RED, Shop
from tests.unit.streams.pipeline import picture


def saved(modality: str, why: str) -> float:
    return metrics.REUSED_EMBEDDINGS.labels(modality, why)._value.get()


def fetched() -> float:
    return metrics.FETCHES.labels("fetched")._value.get()


async def test_a_picture_that_many_products_have_is_fetched_decoded_and_encoded_once(shop):
    before = saved("image", "batch")
    await shop.index(*(shop.created(f"p{n}", "/red", RED, "/also-red") for n in range(20)))
    assert shop.work == (1, 1)
    assert shop.host.asked == {"/red": 1, "/also-red": 1}
    assert saved("image", "batch") - before == 59
    assert np.array_equal(await shop.image("p0"), await shop.image("p19")) and np.any(await shop.image("p0"))


async def test_a_picture_that_comes_from_its_host_while_that_of_the_store_is_decoded_is_decoded_once(shop):
    decode, before = shop.decoder.decode, fetched()

    async def decode_late(images):
        while fetched() - before < 2:
            await asyncio.sleep(0)
        return await decode(images)

    shop.decoder.decode = decode_late
    await shop.index(shop.created("p", RED, "/red", "/also-red"))
    assert shop.work == (1, 1) and len((await shop.bench.store.read(["p"]))["p"][0].image_keys) == 3


async def test_a_picture_that_comes_from_the_store_while_that_of_its_host_is_decoded_is_decoded_once(shop):
    get, decode, decoding, found = shop.bench.incoming.get, shop.decoder.decode, asyncio.Event(), asyncio.Event()

    async def get_late(digest):
        await decoding.wait()
        found.set()
        return await get(digest)

    async def decode_late(images):
        decoding.set()
        await found.wait()
        return await decode(images)

    shop.bench.incoming.get, shop.decoder.decode = get_late, decode_late
    await shop.index(shop.created("p", RED, "/red"))
    assert shop.work == (1, 1) and len((await shop.bench.store.read(["p"]))["p"][0].image_keys) == 2


async def test_a_picture_that_an_earlier_batch_had_is_not_even_decoded(shop):
    await shop.index(shop.created("p", RED, "/blue"))
    hits = metrics.EMBEDDING_CACHE_LOOKUPS.labels("image", "hit")._value.get()
    await shop.index(shop.created("q", BLUE), shop.created("r", "/red"))
    assert shop.work == (2, 2)
    assert metrics.EMBEDDING_CACHE_LOOKUPS.labels("image", "hit")._value.get() - hits == 2
    assert np.any(await shop.image("q")) and np.any(await shop.image("r"))


async def test_a_picture_is_the_same_in_the_index_be_it_new_or_remembered(shop):
    await shop.index(shop.created("p", RED))
    await shop.index(shop.created("q", "/red"))
    assert np.array_equal(await shop.image("p"), await shop.image("q"))


async def test_equal_texts_are_encoded_once(shop):
    before = saved("text", "batch")
    await shop.index(*(shop.created(f"p{n}") for n in range(10)))
    assert shop.bench.encoder.texts == 1 and saved("text", "batch") - before == 9


async def test_a_file_of_the_store_that_is_embedded_is_not_read(shop):
    await shop.index(shop.created("p", RED))
    shop.bench.incoming.get = None
    await shop.index(shop.created("q", RED))
    assert shop.work == (1, 1)


async def test_an_unchanged_address_that_is_stated_again_is_neither_sent_nor_encoded_again(shop):
    shop.host.etags["/red"] = '"v1"'
    await shop.index(shop.created("p", "/red"))
    bytes_before = metrics.FETCHED_BYTES._value.get()
    await shop.index(shop.created("p", "/red"))
    assert shop.host.asked["/red"] == 2 and shop.work == (1, 1)
    assert metrics.FETCHED_BYTES._value.get() == bytes_before
    assert np.any(await shop.image("p"))


async def test_a_changed_file_at_the_same_address_is_the_new_picture(shop):
    shop.host.etags["/red"] = '"v1"'
    await shop.index(shop.created("p", "/red"))
    old = await shop.image("p")
    shop.host.files["/red"], shop.host.etags["/red"] = BLUE, '"v2"'
    await shop.index(shop.created("p", "/red"))
    assert shop.work == (2, 2) and not np.array_equal(await shop.image("p"), old)


async def test_a_file_whose_embedding_was_forgotten_is_fetched_without_conditions(shop):
    shop.host.etags["/red"] = '"v1"'
    await shop.index(shop.created("p", "/red"))
    shop.use_cache(EmbeddingCache(InMemoryBoundedMap(), shop.bench.urls))
    await shop.index(shop.created("p", "/red"))
    assert "If-None-Match" not in shop.host.headers[-1] and shop.work == (2, 2)
    assert np.any(await shop.image("p"))


async def test_a_file_whose_embedding_is_forgotten_meanwhile_is_still_there(shop):
    """What was promised to the host as known must not be looked for a second time."""
    shop.host.etags["/red"] = '"v1"'
    await shop.index(shop.created("p", "/red"))

    class ForgetsAfterOneLook(InMemoryBoundedMap):
        looked = False

        async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
            if self.looked:
                return await super().get(keys)
            self.looked = True
            return await shop.bench.embeddings.get(keys)

    shop.use_cache(EmbeddingCache(ForgetsAfterOneLook(), shop.bench.urls))
    await shop.index(shop.created("p", "/red"))
    assert np.any(await shop.image("p")) and shop.bench.kafka.dead_letters == [] and shop.work == (1, 1)


async def test_a_memory_that_is_away_holds_nothing_back_is_not_asked_each_time_and_logs_once(shop, caplog):
    asked = 0

    class Away:
        async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
            nonlocal asked
            asked += 1
            raise StoreUnavailable("away")

        async def put(self, entries: Any) -> None:
            nonlocal asked
            asked += 1
            raise StoreUnavailable("away")

    shop.use_cache(EmbeddingCache(Away(), Away()))
    with caplog.at_level(logging.WARNING):
        for n in range(4):
            await shop.index(shop.created(f"p{n}", "/red"))
    assert asked == 1 and shop.work == (4, 4)
    assert [record.message for record in caplog.records].count("picture_memory_unavailable") == 1
    assert all([np.any(await shop.image(f"p{n}")) for n in range(4)])


async def test_a_cache_that_is_back_is_used_again():
    now = 0.0

    class Comes(InMemoryBoundedMap):
        away = True

        async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
            if self.away:
                raise StoreUnavailable("away")
            return await super().get(keys)

    entries = Comes()
    cache = EmbeddingCache(entries, entries, clock=lambda: now)
    file, row = MediaKey("image", digest="a"), np.ones(4, np.float32)
    await cache.put_embeddings({file: row})
    assert await cache.get_embeddings([file]) == {}
    entries.away = False
    assert await cache.get_embeddings([file]) == {}
    now = COOLDOWN_S
    assert np.array_equal((await cache.get_embeddings([file]))[file], row)


async def test_a_media_store_that_is_away_is_waited_for(shop):
    get, away = shop.bench.incoming.get, [StoreUnavailable("disk"), StoreUnavailable("disk")]

    async def get_later(digest: str) -> bytes | None:
        if away:
            raise away.pop()
        return await get(digest)

    shop.bench.incoming.get = get_later
    await shop.index(shop.created("p", RED))
    assert np.any(await shop.image("p")) and shop.bench.kafka.dead_letters == []


@pytest.mark.parametrize("error", [WorkerProcessUnavailable("none"), WorkerProcessFailed("died")])
async def test_a_decoder_and_an_encoder_that_are_away_are_waited_for(shop, error):
    shop.decoder.errors = [error]
    encode, errors = shop.bench.models.encoder.encode, [error]

    async def encode_later(texts, images):
        if errors:
            raise errors.pop()
        return await encode(texts, images)

    shop.bench.models.encoder.encode = encode_later
    await shop.index(shop.created("p", RED))
    assert np.any(await shop.image("p")) and shop.bench.kafka.dead_letters == []


async def test_pictures_stay_in_the_order_that_the_product_states(shop):
    await shop.index(shop.created("p", "/blue", "/missing", RED), shop.created("q", RED, BLUE))
    stored = (await shop.bench.store.read(["p"]))["p"][0]
    assert stored.image_keys == (shop.host.url + "/blue", media_hash(RED))
    assert not np.allclose(await shop.image("p"), await shop.image("q"))


async def test_files_are_decoded_as_they_come_and_do_not_pile_up(shop):
    limits = FetchLimits(concurrency=2, per_host=2, attempts=1, private_hosts=("localhost",))
    async with MediaFetcher(limits) as fetcher:
        shop = Shop(shop.bench, shop.host, fetcher)
        in_hand = most = 0
        decode = shop.decoder.decode

        async def decode_slowly(images):
            nonlocal in_hand, most
            in_hand += len(images)
            most = max(most, in_hand)
            await asyncio.sleep(0.005)
            in_hand -= len(images)
            return await decode(images)

        shop.decoder.decode = decode_slowly
        for n in range(12):
            shop.host.files[f"/{n}"] = base64.b64decode(picture(f"#{n:02}00ff"))
        await shop.index(*(shop.created(f"p{n}", f"/{n}") for n in range(12)))
    assert most <= 2 and shop.work == (12, 12)
