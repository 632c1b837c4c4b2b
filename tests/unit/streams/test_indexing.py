"""The product pipeline: whatever comes in whatever order, the index is what the events say, and nothing is lost."""

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoders.spec import split
from indexer.memory import InMemoryProductStore
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


async def test_a_new_title_keeps_the_picture_and_encodes_just_the_text():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle", "images": [{"data": picture()}]}))
    image = split(bench.encoder.spec, (await stored(bench))[1])[1]
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Teapot"}, "product.updated"))
    assert bench.encoder.images == 1 and bench.encoder.texts == 2
    assert np.allclose(split(bench.encoder.spec, (await stored(bench))[1])[1], image)


async def test_a_deleted_product_leaves_a_tombstone_that_older_events_do_not_wake():
    bench = Bench()
    await bench.index(bench.kafka.message({"product_id": "p", "version": 1, "title": "Kettle"}))
    await bench.index(bench.kafka.message({"product_id": "p", "version": 3}, "product.deleted"))
    await bench.index(bench.kafka.message({"product_id": "p", "version": 2, "title": "Late"}, "product.updated"))
    assert await bench.titles("kettle late") == []
    assert (await stored(bench))[0].state.deleted
    assert [one["change"] for one in bench.kafka.changes] == ["created", "deleted", "unchanged"]


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
    assert [one["change"] for one in bench.kafka.changes] == ["created", "unchanged"]
    assert bench.encoder.texts == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "undecodable"),
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


@pytest.mark.parametrize(
    ("image", "reason"),
    [({"data": "bm90IGFuIGltYWdl"}, "invalid_image"), ({"url": "http://127.0.0.1:1/x.jpg"}, "unreachable_image")],
)
async def test_a_bad_picture_does_not_hold_its_product_back(image, reason):
    bench = Bench()
    images = [image, {"data": picture()}]
    await bench.index(bench.kafka.message({"product_id": "p", "title": "Kettle", "images": images}))
    assert await bench.titles("kettle") == ["p"]
    assert [letter[0] for letter in bench.kafka.dead_letters] == [reason]
    assert np.any(split(bench.encoder.spec, (await stored(bench))[1])[1])


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


EVENT = st.tuples(
    st.sampled_from("pq"),
    st.integers(0, 5),
    st.sampled_from(["product.created", "product.updated", "product.deleted"]),
    st.fixed_dictionaries(
        {}, optional={"title": st.sampled_from(["kettle", "lamp", None]), "price": st.sampled_from([1.0, 2.0, None])}
    ),
)


def expected(events: list[tuple[str, int, str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The oracle: replay each product's events in their total order."""
    products: dict[str, dict[str, Any]] = {}
    in_order = sorted(range(len(events)), key=lambda n: (events[n][1], f"{n:03}"))
    for product, _, type, fields in (events[n] for n in in_order):
        if type != "product.updated":
            products[product] = {}
        products.setdefault(product, {}).update(fields if type != "product.deleted" else {})
    return {product: {k: v for k, v in fields.items() if v is not None} for product, fields in products.items()}


@settings(max_examples=60)
@given(st.lists(EVENT, max_size=8), st.data())
def test_any_order_duplication_and_split_gives_the_index_that_the_oracle_says(events, data):
    numbered = list(enumerate(events))
    arrivals = data.draw(
        st.permutations(numbered + data.draw(st.lists(st.sampled_from(numbered), max_size=4)) if numbered else [])
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrivals)), max_size=3)))

    async def run() -> InMemoryProductStore:
        bench = Bench()
        messages = [
            bench.kafka.message(
                {"product_id": p, "version": v} | (f if t != "product.deleted" else {}), t, id=f"{n:03}"
            )
            for n, (p, v, t, f) in arrivals
        ]
        for start, end in zip([0, *cuts], [*cuts, len(messages)], strict=True):
            if messages[start:end]:
                await bench.index(*messages[start:end])
        assert bench.kafka.dead_letters == []
        return bench.store

    async def check() -> None:
        store = await run()
        for product, fields in expected(events).items():
            state = (await store.read([product]))[product][0].state
            assert state.fields == fields
        searchable = {one.product_id for one in await store.browse((), 100)}
        assert searchable == {p for p, fields in expected(events).items() if "title" in fields}

    asyncio.run(check())


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

    async def put_or_break(data: bytes) -> str:
        if data == b"break":
            raise ZeroDivisionError("a fault of ours")
        return await put(data)

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
