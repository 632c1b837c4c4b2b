"""The product pipeline: whatever comes in whatever order, the index is what the events say, and nothing is lost."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest

from encoders.spec import split_parts
from tests.unit.streams.pipeline import Bench, picture


async def stored(bench: Bench, product_id: str = "p") -> Any:
    return (await bench.store.read([product_id]))[product_id]


async def test_a_created_product_is_searchable_and_announced_before_it_is_acknowledged():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Red kettle", "price": 30}))
    assert await bench.titles("kettle") == ["p"]
    (change,) = bench.kafka.changes
    assert (change["product_id"], change["change"], change["searchable"]) == ("p", "created", True)
    assert bench.kafka.acked == [0]
    assert await bench.changes.since(0) == (1, ["p"])


async def test_a_price_change_encodes_nothing():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle", "images": [{"data": picture()}]}))
    vector = (await stored(bench))[1]
    texts, images = bench.encoder.texts, bench.encoder.images
    await bench.index(bench.kafka.message({"product_id": "p", "price": 5.0}, "product.updated"))
    assert (bench.encoder.texts, bench.encoder.images) == (texts, images)
    assert np.array_equal((await stored(bench))[1], vector)
    assert (await stored(bench))[0].state.fields["price"] == 5.0


async def test_a_price_change_does_not_wait_for_the_encoder_of_its_batch():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle", "price": 1.0}))
    gate = asyncio.Event()
    encode = bench.models.encoder.encode

    async def encode_later(texts, images):
        await gate.wait()
        return await encode(texts, images)

    bench.models.encoder.encode = encode_later
    price = bench.kafka.message({"product_id": "p", "price": 2.0}, "product.updated")
    indexing = asyncio.create_task(bench.index(price, bench.kafka.message({"product_id": "q", "title": "Teapot"})))
    while (await stored(bench))[0].state.fields["price"] != 2.0:
        await asyncio.sleep(0)
    assert [change["product_id"] for change in bench.kafka.changes] == ["p", "p"]
    assert bench.kafka.acked == [0]
    gate.set()
    await indexing
    assert bench.kafka.acked == [0, 1, 2]


async def test_attributes_in_another_order_are_no_other_text():
    bench = Bench()
    attributes = {"pattern": "striped", "colour": "red"}
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Shirt", "attributes": attributes}))
    await bench.index(bench.kafka.message({"product_id": "p", "price": 5.0}, "product.updated"))
    assert bench.encoder.texts == 1


async def test_a_new_title_keeps_the_picture_and_encodes_just_the_text():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle", "images": [{"data": picture()}]}))
    image = split_parts(bench.encoder.spec, (await stored(bench))[1])[1]
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Teapot"}, "product.updated"))
    assert bench.encoder.images == 1 and bench.encoder.texts == 2
    assert np.allclose(split_parts(bench.encoder.spec, (await stored(bench))[1])[1], image)


async def test_a_deleted_product_leaves_a_tombstone_that_older_events_do_not_wake():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle"}))
    await bench.index(bench.kafka.message({"product_id": "p", "version": 3}, "product.deleted"))
    await bench.index(bench.kafka.message({"product_id": "p", "version": 2, "title": "Late"}, "product.updated"))
    assert await bench.titles("kettle late") == []
    assert (await stored(bench))[0].state.deleted
    assert [change["change"] for change in bench.kafka.changes] == ["created", "deleted", "unchanged"]


async def test_a_patch_of_an_unknown_product_waits_for_a_text_or_a_picture():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "version": 2, "price": 3.0}, "product.updated"))
    assert (await bench.store.count()).searchable == 0 and (await bench.store.count()).incomplete == 1
    await bench.index(bench.kafka.message({"product_id": "p", "version": 3, "title": "Kettle"}, "product.updated"))
    assert await bench.titles("kettle") == ["p"]


async def test_a_repeated_event_changes_nothing_and_is_announced_again():
    bench = Bench()
    message = bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle"})
    await bench.index(message)
    await bench.index(bench.kafka.raw(message.value))
    assert [change["change"] for change in bench.kafka.changes] == ["created", "unchanged"]
    assert bench.encoder.texts == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\0\0\0\0\1{}", "undecodable"),
        (b"\xff\xfe", "undecodable"),
        (b"{", "undecodable"),
        (b"[1]", "invalid"),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"user.clicked","data":{}}', "wrong_topic"),
        (
            b'{"specversion":"1.0","id":"1","source":"s","type":"product.created","data":{"product_id":"a b"}}',
            "invalid",
        ),
        (
            b'{"specversion":"1.0","id":"1","source":"s","type":"product.created","data":{"product_id":"a","x":1}}',
            "invalid",
        ),
        (
            b'{"specversion":"1.0","id":"1","source":"s","type":"product.deleted","time":"2001-01-01T00:00:00Z",'
            b'"data":{"product_id":"a"}}',
            "too_old",
        ),
        (
            b'{"specversion":"1.0","id":"1","source":"s","type":"product.deleted","time":"2999-01-01T00:00:00Z",'
            b'"data":{"product_id":"a"}}',
            "from_future",
        ),
    ],
)
async def test_a_bad_event_is_a_dead_letter_and_its_neighbours_are_indexed(value, reason):
    bench = Bench()
    good = [bench.kafka.message({"product_id": f"p{n}", "title": "Kettle"}) for n in range(2)]
    await bench.index(good[0], bench.kafka.raw(value), good[1])
    assert [letter[0] for letter in bench.kafka.dead_letters] == [reason]
    assert (await bench.store.count()).searchable == 2
    assert len(bench.kafka.acked) == 3


async def test_a_broken_picture_does_not_hold_its_product_back():
    bench = Bench()
    images = [{"data": "bm90IGFuIGltYWdl"}, {"data": picture()}]
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle", "images": images}))
    assert await bench.titles("kettle") == ["p"]
    assert [letter[0] for letter in bench.kafka.dead_letters] == ["invalid_image"]
    assert np.any(split_parts(bench.encoder.spec, (await stored(bench))[1])[1])


async def test_a_broken_picture_is_tried_just_once():
    bench = Bench()
    broken = {"product_id": "p", "title": "Kettle", "images": [{"data": "bm90IGFuIGltYWdl"}]}
    await bench.index(bench.kafka.message(broken))
    await bench.index(bench.kafka.message({"product_id": "p", "price": 1.0}, "product.updated"))
    assert len(bench.kafka.dead_letters) == 1


async def test_an_event_that_cannot_be_stored_is_found_among_its_neighbours():
    bench = Bench()
    reviews = [np.random.default_rng(n).bytes(1_000).hex() for n in range(50)]
    too_large = bench.kafka.message({"product_id": "huge", "title": "Huge", "reviews": reviews})
    good = [bench.kafka.message({"product_id": f"p{n}", "title": "Kettle"}) for n in range(5)]
    await bench.index(*good[:2], too_large, *good[2:])
    assert [letter[0] for letter in bench.kafka.dead_letters] == ["too_large"]
    assert (await bench.store.count()).searchable == 5


async def test_two_batches_with_the_same_product_do_not_lose_either_change():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle"}))
    price = bench.kafka.message({"product_id": "p", "version": 2, "price": 3.0}, "product.updated")
    brand = bench.kafka.message({"product_id": "p", "version": 3, "brand": "Ada"}, "product.updated")
    await asyncio.gather(bench.index(price), bench.index(brand))
    fields = (await stored(bench))[0].state.fields
    assert (fields["price"], fields["brand"]) == (3.0, "Ada")


def test_dead_letters_keep_the_bytes_and_say_where_they_were():
    async def run() -> None:
        bench = Bench()
        await bench.index(bench.kafka.raw(b"{"))
        (letter,) = bench.kafka.published
        assert letter.value == b"{" and letter.key == b"k"
        assert letter.headers["vitrine_topic"] == b"catalog.product-events"
        assert json.loads(letter.headers["vitrine_offset"]) == 0

    asyncio.run(run())


async def test_an_event_that_breaks_the_program_itself_is_a_dead_letter_and_its_neighbours_are_indexed():
    bench = Bench()
    put = bench.media.put

    async def put_or_break(media: list[bytes]) -> list[str]:
        if b"break" in media:
            raise ZeroDivisionError("a fault of ours")
        return await put(media)

    bench.media.put = put_or_break
    bad = bench.kafka.message({"product_id": "bad", "title": "Bad", "images": [{"data": "YnJlYWs="}]})
    await bench.index(bad, bench.kafka.message({"product_id": "good", "title": "Kettle"}))
    assert [letter[0] for letter in bench.kafka.dead_letters] == ["internal"]
    assert await bench.titles("kettle") == ["good"] and bench.kafka.acked == [0, 1]


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_time_at_the_edge_of_the_calendar_is_a_dead_letter(time):
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle"}, time=time))
    assert len(bench.kafka.dead_letters) == 1 and bench.kafka.acked == [0]


@pytest.mark.parametrize("kind", ["product.created", "product.updated"])
async def test_markup_is_not_found_as_words_and_not_shown(kind):
    bench = Bench()
    html = '<p class="big"><strong>Cordless</strong> drill,<br>two&nbsp;batteries</p><script>var tracking;</script>'
    drill = {"product_id": "drill", "title": "Black &amp; Decker", "description": html, "brand": "Black &amp; Decker"}
    await bench.index(
        bench.kafka.message(drill, type=kind), bench.kafka.message({"product_id": "s", "title": "strong"})
    )
    assert await bench.titles("strong") == ["s"]
    assert [await bench.titles(word) for word in ("amp", "nbsp", "tracking", "big", "p")] == [[]] * 5
    assert await bench.titles("batteries") == ["drill"]
    (stored, _) = (await bench.store.read(["drill"]))["drill"]
    assert stored.state.fields["brand"] == "Black & Decker"


async def test_a_null_value_deletes_the_product_of_its_key_unless_told_otherwise():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "k", "title": "Kettle"}))
    bench.use_delivery(tombstones_delete=False)
    await bench.index(bench.kafka.raw(None))
    ((reason, error),) = bench.kafka.dead_letters
    assert reason == "undecodable" and "kafka.tombstones_delete" in error and await bench.titles("kettle") == ["k"]
    bench.use_delivery(tombstones_delete=True)
    await bench.index(bench.kafka.raw(None))
    assert await bench.titles("kettle") == [] and bench.kafka.changes[-1]["change"] == "deleted"
    assert len(bench.kafka.dead_letters) == 1
