"""Pictures out of reach: the product is searchable at once, and complete as soon as they can be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from encoders.spec import split_parts
from indexer.records import StoredProduct
from streams.delivery.messages import Message
from streams.delivery.retry_headers import attempt_number
from tests.unit.streams.pipeline import Bench, picture


class Shop:
    """A pipeline whose media store can be out of reach."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.reachable = False
        self.looked_up = 0
        get = self.bench.incoming.get

        async def look_up(digest: str) -> bytes | None:
            self.looked_up += 1
            return await get(digest) if self.reachable else None

        self.bench.incoming.get = look_up

    def created(self, **envelope: Any) -> Message:
        data = {"product_id": "p", "title": "Kettle", "images": [{"data": picture()}], "version": 1}
        return self.bench.kafka.message(data | envelope)

    async def stored(self) -> StoredProduct:
        return (await self.bench.store.read(["p"]))["p"][0]

    async def has_picture(self) -> bool:
        vector = (await self.bench.store.read(["p"]))["p"][1]
        return bool(np.any(split_parts(self.bench.encoder.spec, vector)[1]))

    def retries(self) -> list[Message]:
        """What has been put on a delay line, as it comes back from there."""
        lines = [message for message in self.bench.kafka.published if message.topic.startswith("vitrine.retry.")]
        return [replace(self.bench.kafka.raw(message.value), headers=dict(message.headers)) for message in lines]


async def test_the_product_is_searchable_at_once_and_its_event_goes_on_a_delay_line():
    shop = Shop()
    await shop.bench.index(shop.created())
    assert await shop.bench.titles("kettle") == ["p"]
    assert (await shop.stored()).incomplete and not await shop.has_picture()
    assert [attempt_number(message) for message in shop.retries()] == [1]
    assert shop.bench.kafka.dead_letters == [] and shop.bench.kafka.acked == [0]
    assert shop.bench.kafka.changes[0]["missing_images"] is True


async def test_it_is_complete_when_the_picture_can_be_had():
    shop = Shop()
    await shop.bench.index(shop.created())
    shop.reachable = True
    await shop.bench.index(*shop.retries())
    assert await shop.has_picture() and not (await shop.stored()).incomplete
    assert [change["change"] for change in shop.bench.kafka.changes] == ["created", "updated"]
    assert "missing_images" not in shop.bench.kafka.changes[1]
    assert shop.bench.encoder.texts == 1
    assert len(shop.retries()) == 1


async def test_after_the_last_try_it_is_a_dead_letter_and_still_searchable():
    shop = Shop()
    await shop.bench.index(shop.created())
    for tries in range(1, 6):
        assert len(shop.retries()) == tries
        await shop.bench.index(shop.retries()[-1])
    assert len(shop.retries()) == 5
    assert [reason for reason, _ in shop.bench.kafka.dead_letters] == ["unreachable_image"]
    assert await shop.bench.titles("kettle") == ["p"]


async def test_other_changes_neither_look_for_it_again_nor_start_another_retry():
    shop = Shop()
    await shop.bench.index(shop.created())
    looked_up = shop.looked_up
    await shop.bench.index(shop.bench.kafka.message({"product_id": "p", "version": 2, "price": 1.0}, "product.updated"))
    assert shop.looked_up == looked_up and len(shop.retries()) == 1
    assert (await shop.stored()).incomplete


async def test_a_redelivered_event_starts_no_other_retry():
    shop = Shop()
    message = shop.created()
    await shop.bench.index(message)
    await shop.bench.index(shop.bench.kafka.raw(message.value))
    assert len(shop.retries()) == 1


async def test_stating_the_pictures_again_looks_for_them_again():
    shop = Shop()
    await shop.bench.index(shop.created())
    shop.reachable = True
    await shop.bench.index(shop.created(version=2))
    assert await shop.has_picture() and not (await shop.stored()).incomplete


async def test_a_replayed_event_tries_broken_pictures_again_too():
    shop = Shop()
    shop.reachable = True
    message = shop.bench.kafka.message({"product_id": "p", "title": "Kettle", "images": [{"data": "AAAA"}]})
    await shop.bench.index(message)
    assert len(shop.bench.kafka.dead_letters) == 1
    await shop.bench.index(shop.bench.kafka.raw(message.value))
    assert len(shop.bench.kafka.dead_letters) == 1
    await shop.bench.index(replace(shop.bench.kafka.raw(message.value), headers={"vitrine_attempt": b"0"}))
    assert len(shop.bench.kafka.dead_letters) == 2


async def test_a_picture_that_the_merchant_took_away_is_not_missing_any_more():
    shop = Shop()
    await shop.bench.index(shop.created())
    await shop.bench.index(shop.bench.kafka.message({"product_id": "p", "version": 2, "images": []}, "product.updated"))
    assert not (await shop.stored()).incomplete
    await shop.bench.index(*shop.retries())
    assert len(shop.retries()) == 1
