"""What every `ProductStore` must do with what is written: give it back, whole, latest and counted."""

import asyncio

import numpy as np
import pytest

from indexer.criteria import IdAfter, Ids
from indexer.errors import InvalidRecord
from indexer.filter_parsing import parse_filters
from indexer.hit_payload import decode_hit_payload
from indexer.ports.products import ProductCounts
from indexer.records import IndexRow, ProductState, StoredProduct
from tests.contract.products.rows import SPEC, by_words, ids, matching, product, title


async def test_a_written_product_is_read_back_as_it_was(store):
    row = product("p1", 0.25, title="Hoodie", attributes={"colour": ["red", "blue"]}, price=52.0)
    await store.write([row])
    [(stored, vector)] = (await store.read(["p1", "unknown", "p1"])).values()
    assert stored == row.stored
    assert vector.dtype == np.float32
    assert vector.tolist() == row.vector.tolist()


async def test_a_later_write_replaces_a_product(store):
    await store.write([product("p1", 1, title="Red hoodie", price=10.0)])
    await store.write([product("p1", 1, title="Blue hoodie")])
    assert ids(await store.search_lexical("red", (), 10)) == []
    assert await matching(store, {"price": {"lt": 100}}) == set()
    assert ids(await store.search_lexical("blue", (), 10)) == by_words(store, "p1")
    assert await title(store, "p1") == "Blue hoodie"


async def test_a_write_with_an_impossible_row_writes_nothing(store):
    wrong = IndexRow("p2", StoredProduct(ProductState()), np.zeros(3, np.float32), searchable=True)
    with pytest.raises(InvalidRecord, match="p2"):
        await store.write([product("p1", title="Hoodie"), wrong])
    with pytest.raises(InvalidRecord, match="same product"):
        await store.write([product("p1", title="Hoodie"), product("p1", title="Shirt")])
    assert await store.read(["p1", "p2"]) == {}


async def test_writing_and_reading_nothing_is_no_error(store):
    await store.write([])
    assert await store.read([]) == {}
    assert await store.browse((), 10) == []
    assert await store.read_payloads([]) == await store.scan_payloads((), 10) == {}
    assert await store.count() == ProductCounts(0, 0)


async def test_products_without_text_or_picture_and_tombstones_are_stored_but_never_found(store):
    await store.write(
        [product("full", 1, title="Hoodie"), product("bare", 1, price=5.0), product("gone", 1, deletes=True)]
    )
    assert ids(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 10)) == ["full"]
    assert ids(await store.browse((), 10)) == ["full"]
    assert ids(await store.browse((Ids(("full", "bare", "gone")),), 10)) == ["full"]
    assert set(await store.read(["full", "bare", "gone"])) == {"full", "bare", "gone"}
    assert await store.count() == ProductCounts(searchable=1, incomplete=1)


async def test_a_deletion_takes_a_product_out_of_every_search(store):
    await store.write([product("p1", 1, title="Hoodie", brand="Luma")])
    await store.write([product("p1", 0, deletes=True)])
    assert ids(await store.search_lexical("hoodie", (), 10)) == []
    assert ids(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 10)) == []
    assert await matching(store, {"brand": "Luma"}) == set()
    assert await store.count() == ProductCounts(0, 0)


async def test_payloads_are_of_searchable_products_alone(store):
    await store.write([product(f"p{n}", n, title=f"hoodie {n}", price=float(n)) for n in range(5)])
    await store.write([product("gone", deletes=True), product("bare")])
    payloads = await store.read_payloads(["p3", "gone", "p1", "never", "bare", '" or "1" == "1'])
    assert {name: decode_hit_payload(payload).title for name, payload in payloads.items()} == {
        "p1": "hoodie 1",
        "p3": "hoodie 3",
    }
    dear = await store.scan_payloads((*parse_filters({"price": {"gte": 2}}), IdAfter("p2")), 10)
    assert [(name, decode_hit_payload(payload).price) for name, payload in dear.items()] == [("p3", 3.0), ("p4", 4.0)]
    assert list(await store.scan_payloads((), 2)) == ["p0", "p1"]


async def test_more_products_than_one_request_takes_are_written_and_read(store):
    rows = [product(f"p{n}", title="hoodie", description="word " * 200) for n in range(1_100)]
    await store.write(rows)
    assert len(await store.read([row.product_id for row in rows])) == 1_100
    assert await store.count() == ProductCounts(1_100, 0)
    assert len(await store.browse((), 10_000)) == 1_100
    assert len(await store.read_payloads([row.product_id for row in rows])) == 1_100
    assert len(await store.search_lexical("hoodie", (), 1_000)) == (1_000 if store.has_full_text else 0)


async def test_the_largest_products_fit(store):
    values = [f"{number:03}" + "值" * 253 for number in range(64)]
    noise = np.random.default_rng(0).integers(0x4E00, 0x9FFF, 20_000)
    await store.write(
        [
            product(
                "p1",
                title="衣" * 1_000,
                description="".join(map(chr, noise[:8_000])),
                attributes={f"{number:03}": value for number, value in enumerate(values)},
            )
        ]
    )
    assert await matching(store, {"attributes.007": values[7]}) == {"p1"}
    assert ids(await store.search_lexical("衣", (), 10)) == by_words(store, "p1")
    assert await title(store, "p1") == "衣" * 1_000


async def test_a_scan_goes_through_all_products_by_id_tombstones_too(store):
    everything = [f"p{number:03d}" for number in range(30)]
    await store.write([product(product_id, 1, title="Hoodie") for product_id in reversed(everything[:-1])])
    await store.write([product(everything[-1], deletes=True)])
    seen: list[str] = []
    while page := await store.scan(seen[-1] if seen else "", 7):
        seen += page
    assert seen == everything
    assert await store.scan_states("p019", 7) == {
        product_id: stored for product_id, (stored, _) in (await store.scan("p019", 7)).items()
    }
    (row,) = (await store.read_rows(["p027", "absent"])).values()
    assert (row.stored, row.vector.tolist()) == (product("p027", title="Hoodie").stored, [1.0] * SPEC.fused_dim)
    assert row.lexical == product("p027", title="Hoodie").lexical != ""
    assert await store.read_states(["p027", "absent"]) == {"p027": (await store.read(["p027"]))["p027"][0]}
    [(stored, vector)] = (await store.scan("p027", 1)).values()
    assert stored == product("p028", title="Hoodie").stored
    assert vector.tolist() == [1.0] * SPEC.fused_dim


async def test_concurrent_searches_and_writes_all_succeed(store):
    async def one(number: int) -> None:
        await store.write([product(f"p{number}", number, title=f"word{number}")])
        assert ids(await store.search_lexical(f"word{number}", (), 10)) == by_words(store, f"p{number}")
        assert f"p{number}" in await store.read_payloads([f"p{number}"])

    await asyncio.gather(*(one(number) for number in range(20)))


async def test_a_cancelled_search_leaves_the_store_usable(store):
    await store.write([product("p1", 1, title="hoodie")])
    query = np.ones(SPEC.fused_dim, np.float32)
    searches = [asyncio.create_task(store.search_dense(query, (), 10)) for _ in range(20)]
    searches += [asyncio.create_task(store.search_lexical("hoodie", (), 10)) for _ in range(20)]
    await asyncio.sleep(0)
    for search in searches[::2]:
        search.cancel()
    done = await asyncio.gather(*searches, return_exceptions=True)
    assert all(ids(answer) == ["p1"] for answer in done[1:20:2])
    assert all(ids(answer) == by_words(store, "p1") for answer in done[21::2])
    assert ids(await store.search_lexical("hoodie", (), 10)) == by_words(store, "p1")
