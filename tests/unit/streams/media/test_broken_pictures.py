"""Pictures that cannot be had or read: they never cost the product."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest

from streams.media.fetching import MediaFetcher
from tests.unit.streams.media.picture_shop import LIMITS, RED, Shop
from tests.unit.streams.media.test_hostile_pictures import bomb


async def test_what_a_file_is_decides_and_not_what_it_is_called(shop):
    await shop.index(shop.created("p", "/red"), shop.created("q", "/page"), shop.created("r", b""))
    assert np.any(await shop.image("p"))
    assert sorted(reason for reason, _ in shop.bench.kafka.dead_letters) == ["invalid_image", "invalid_image"]
    assert sorted(await shop.bench.titles("kettle")) == ["p", "q", "r"]


@pytest.mark.parametrize("path", ["/hang", "/failing", "/endless", "/drip", "/loop", "/gzip-bomb", "/missing"])
async def test_a_bad_host_leaves_its_product_searchable_and_to_be_tried_again(shop, path):
    # The hanging ones take all of it; beside the others, good pictures have long on a busy machine.
    timeout_s = 2.0 if path in ("/hang", "/drip", "/endless") else LIMITS.timeout_s
    async with MediaFetcher(replace(LIMITS, timeout_s=timeout_s)) as fetcher:
        shop = Shop(shop.bench, shop.host, fetcher)
        await shop.index(shop.created("p", path, "/red"), shop.created("q", "/blue"))
    retries = [message for message in shop.bench.kafka.published if message.topic.startswith("vitrine.retry.")]
    assert len(retries) == 1 and shop.bench.kafka.dead_letters == []
    assert (await shop.bench.store.read(["p"]))["p"][0].missing_images == (shop.host.url + path,)
    assert np.any(await shop.image("p")) and np.any(await shop.image("q"))


async def test_a_bomb_at_an_address_is_a_broken_picture(shop):
    shop.host.files["/bomb"] = bomb()
    await shop.index(shop.created("p", "/bomb?signature=secret"))
    ((reason, error),) = shop.bench.kafka.dead_letters
    assert reason == "invalid_image" and "secret" not in error
    assert await shop.bench.titles("kettle") == ["p"]


async def test_base64_of_events_is_taken_as_people_write_it(shop):
    plain = base64.b64encode(RED).decode()
    ways = [
        {"data": plain},
        {"data": base64.urlsafe_b64encode(RED).decode().rstrip("=")},
        {"data": base64.encodebytes(RED).decode()},
        {"data": f"data:image/png;base64,{plain}"},
        {"url": f"data:image/png;base64,{plain}"},
        {"url": "data:image/png;base64," + base64.encodebytes(RED + bytes(4_000)).decode()},
    ]
    for at, way in enumerate(ways):
        message = shop.bench.kafka.message({"product_id": f"p{at}", "title": "Kettle", "images": [way]})
        await shop.index(message)
        assert np.array_equal(await shop.image(f"p{at}"), await shop.image("p0")), way
    assert shop.bench.kafka.dead_letters == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"data": "not base64!"}, "a text that is no base64 either"),
        ({"data": "https://shop.example/kettle.jpg"}, "a text that is no base64 either"),
        ({"data": ""}, "image is empty"),
        ({"data": "data:image/png;base64,%%%"}, "a text that is no base64 either"),
        ({"url": "data:image/png;base64,?"}, "a text that is no base64 either"),
        ({"data": base64.b64encode(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic").decode()}, "a HEIC"),
        ({"data": base64.b64encode(RED[:-30]).decode()}, "cannot be decoded"),
    ],
)
async def test_a_picture_that_cannot_be_read_never_costs_the_product(shop, broken, reason):
    good = {"data": base64.b64encode(RED).decode()}
    await shop.index(shop.created("whole", RED))
    await shop.index(shop.bench.kafka.message({"product_id": "p", "title": "Kettle", "images": [broken, good]}))
    ((kind, error),) = shop.bench.kafka.dead_letters
    assert kind == "invalid_image" and reason in error
    assert sorted(await shop.bench.titles("kettle")) == ["p", "whole"]
    assert np.array_equal(await shop.image("p"), await shop.image("whole"))
    (stored, _) = (await shop.bench.store.read(["p"]))["p"]
    assert len(stored.broken_images) == 1 and not stored.missing_images
