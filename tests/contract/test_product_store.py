"""What every `ProductStore` must do: the double, Milvus Lite 2.5, Milvus Lite 3, and a Milvus server without full text.

The server is there under `make test-milvus`; what is about words is left out for it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme
from pymilvus import MilvusClient

from encoders.spec import EmbeddingSpec
from indexer.criteria import IdAfter, Ids, NotIds, SortOrder, WithoutWords
from indexer.errors import IndexMismatch, InvalidRecord, StoreUnavailable
from indexer.filter_parsing import parse_filters
from indexer.hit_payload import decode_hit_payload
from indexer.in_memory_store import InMemoryProductStore
from indexer.milvus.connection import MilvusConfig, connect_blocking, connect_milvus
from indexer.milvus.limits import MilvusLimits
from indexer.milvus.store import MilvusProductStore, open_active_store
from indexer.ports.products import Candidate, ProductCounts, ProductStore, ScoredIds
from indexer.records import EventStamp, IndexRow, ProductChange, ProductState, StoredProduct
from indexer.rows import build_row
from indexer.text_analysis.analyzer import query_terms
from tests import milvus3
from tests.milvus_proxy import SecureMilvus

SPEC = EmbeddingSpec("hash", "1", 4)
HOSTILE = (
    'say "hi"',
    "it's",
    "back\\slash",
    "end\\",
    '\\"',
    "new\nline",
    "50%",
    "%s",
    '" or searchable == true or "',
    "{curly} [square]",
    "红色",
    "😀",
    "x\u2028y",
    "a=b",
    "nul\x00l",
    "x" * 500 + "1",
    "x" * 500 + "2",
)


@pytest.fixture(scope="module")
def lite_2_5(tmp_path_factory) -> Iterator[str]:
    yield from _server(milvus3.lite_2_5, tmp_path_factory.mktemp("milvus2"))


@pytest.fixture(scope="module")
def lite_3(tmp_path_factory) -> Iterator[str]:
    yield from _server(milvus3.lite_3, tmp_path_factory.mktemp("milvus3"))


def _server(start: Callable[[Path], AbstractContextManager[str]], directory: Path) -> Iterator[str]:
    try:
        with start(directory) as address:
            yield address
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))


def config_of(request: pytest.FixtureRequest, server: str, **settings: Any) -> MilvusConfig:
    """How a server is used, by the name of its fixture."""
    settings = {"deadline_s": 10, "full_text": server != "real_milvus"} | settings
    return MilvusConfig(request.getfixturevalue(server), **settings)


@pytest.fixture(params=["lite_2_5", "lite_3", "real_milvus"])
def milvus(request: pytest.FixtureRequest) -> MilvusConfig:
    """An empty Milvus."""
    config = config_of(request, request.param)
    with closing(MilvusClient(config.uri, timeout=10)) as client:
        for name in client.list_collections():
            client.drop_collection(name)
    return config


@pytest.fixture
def limits() -> MilvusLimits:
    """Nobody else makes an index here, so there is nothing to wait for."""
    return MilvusLimits(settle_s=0.0)


@pytest.fixture(scope="module")
def behind_tls(lite_2_5: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusConfig]:
    """A Milvus that takes TLS and a token, and nothing else."""
    ca, ca_file = trustme.CA(), tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    with SecureMilvus(lite_2_5, "shop:s3cret").show(ca.issue_cert("localhost")) as proxy:
        yield MilvusConfig(proxy.uri, token=proxy.token, ssl_cafile=str(ca_file), deadline_s=10)


@pytest.fixture(params=["memory", "lite_2_5", "lite_3", "behind_tls", "real_milvus"])
async def store(request: pytest.FixtureRequest, limits: MilvusLimits) -> AsyncIterator[ProductStore]:
    if request.param == "memory":
        yield InMemoryProductStore(SPEC)
        return
    if request.param == "behind_tls":
        async for opened in _opened(request.getfixturevalue("behind_tls"), limits):
            yield opened
        return
    async for opened in _opened(config_of(request, request.param), limits):
        yield opened


@pytest.fixture
def words(store: ProductStore) -> None:
    """For tests of nothing but words."""
    if not store.has_full_text:
        pytest.skip("this Milvus finds nothing by words")


@pytest.fixture(params=[("lite_2_5", "IVF_FLAT"), ("lite_2_5", "AUTOINDEX"), ("lite_3", "HNSW")], ids="-".join)
async def indexed_store(request: pytest.FixtureRequest) -> AsyncIterator[MilvusProductStore]:
    """One with an approximate index, which is asked however few products there are."""
    server, index_type = request.param
    config = config_of(request, server, index_type=index_type, exact_below=0)
    async for opened in _opened(config, MilvusLimits(proposed=10, settle_s=0.0)):
        yield opened


async def _opened(config: MilvusConfig, limits: MilvusLimits) -> AsyncIterator[MilvusProductStore]:
    """An empty store."""
    with closing(connect_blocking(config)) as client:
        for name in client.list_collections():
            client.drop_collection(name)
    opened = await open_active_store(config, SPEC, create=True, limits=limits)
    yield opened
    await opened.close()


def product(product_id: str, vector: Any = 0, *, deletes: bool = False, **fields: Any) -> IndexRow:
    change = ProductChange(
        product_id, EventStamp(1, "shop", product_id), fields, replaces_all_fields=True, deletes=deletes
    )
    stored = StoredProduct(ProductState().merge(change), text_hash="h")
    return build_row(product_id, stored, np.full(SPEC.fused_dim, vector, np.float32))


def ids(found: ScoredIds | Sequence[str | Candidate]) -> list[str]:
    if isinstance(found, ScoredIds):
        return [*found.ids]
    return [one if isinstance(one, str) else one.product_id for one in found]


def by_words(store: ProductStore, *product_ids: str) -> list[str]:
    """What a search by words finds: these products, or nothing where the index has no words."""
    return [*product_ids] if store.has_full_text else []


async def title(store: ProductStore, product_id: str) -> str:
    return decode_hit_payload((await store.read_payloads([product_id]))[product_id]).title


async def matching(store: ProductStore, raw: dict[str, Any]) -> set[str]:
    return set(ids(await store.browse(parse_filters(raw), 100)))


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


async def test_dense_search_orders_by_inner_product_exactly(store):
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((50, SPEC.fused_dim)).astype(np.float32)
    await store.write([product(f"p{number}", vector, title="x") for number, vector in enumerate(vectors)])
    query = generator.standard_normal(SPEC.fused_dim).astype(np.float32)
    found = await store.search_dense(query, (), 20)
    best = np.argsort(-(vectors @ query))[:20]
    assert ids(found) == [f"p{number}" for number in best]
    assert found.scores.tolist() == pytest.approx((vectors @ query)[best].tolist(), abs=1e-5)


@pytest.mark.usefixtures("words")
async def test_lexical_search_ranks_rare_words_above_common_ones_with_positive_scores(store):
    await store.write([product(f"p{number}", title="running shoe") for number in range(5)])
    await store.write([product("trail", title="Trail running shoes"), product("hat", title="Hat")])
    found = await store.search_lexical("trail shoe", (), 10)
    assert ids(found)[0] == "trail"
    assert set(ids(found)) == {"trail", *(f"p{number}" for number in range(5))}
    assert (found.scores > 0).all()
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("womens dress", "Women's Dresses"),
        ("tshirt", "T-Shirt"),
        ("连衣裙", "夏季红色连衣裙"),
        ("红裙", "夏季红色连衣裙"),
        ("cafe", "Café noir"),
        ("mh01", "Hoodie MH01"),
        ("толстовка", "Толстовка"),
    ],
)
async def test_lexical_search_finds_the_product(store, query, title):
    await store.write([product("p1", title=title), product("other", title="Umbrella 雨伞")])
    assert ids(await store.search_lexical(query, (), 10)) == ["p1"]


@pytest.mark.parametrize("query", ["", "   ", "!?", "0", "unheardof", "x" * 5_000, "a " * 20_000])
async def test_a_query_of_no_known_word_finds_nothing(store, query):
    await store.write([product("p1", title="Hoodie")])
    assert ids(await store.search_lexical(query, (), 10)) == []


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


async def test_every_field_filters(store):
    await store.write(
        [
            product(
                "a",
                title="a",
                brand="Luma",
                lang="en",
                currency="USD",
                group_id="g1",
                tags=["eco", "new"],
                in_stock=True,
                category="Men/Tops/Hoodies",
                attributes={"Colour": "Red", "size": ["S", "M"]},
                price=10.0,
                rating=4.5,
                rating_count=12,
                created_at="2026-01-02T00:00:00Z",
            ),
            product("b", title="b", brand="Puma", category="Men/Shoes", in_stock=False, price=50.0, rating=0.0),
            product("c", title="c"),
        ]
    )
    for raw, expected in [
        ({}, {"a", "b", "c"}),
        ({"brand": "LUMA"}, {"a"}),
        ({"brand": ["luma", "puma"]}, {"a", "b"}),
        ({"brand": ["luma", "puma"], "in_stock": False}, {"b"}),
        ({"lang": "en", "currency": "usd", "group_id": "g1", "tags": "eco"}, {"a"}),
        ({"category": "Men"}, {"a", "b"}),
        ({"category": "men / tops/"}, {"a"}),
        ({"category": "Tops"}, set()),
        ({"attributes.colour": "red"}, {"a"}),
        ({"attributes.Size": ["M", "XL"]}, {"a"}),
        ({"price": {"lt": 50}}, {"a"}),
        ({"price": {"lte": 50}}, {"a", "b"}),
        ({"price": {"gte": -1}}, {"a", "b"}),
        ({"price": {"gt": 10, "lt": 1e15}}, {"b"}),
        ({"price": 10}, {"a"}),
        ({"rating": {"lt": 1e-7}}, {"b"}),
        ({"rating_count": {"gt": 11.5}}, {"a"}),
        ({"created_at": {"gte": "2026-01-02T00:00:00Z"}}, {"a"}),
        ({"created_at": {"gt": "2026-01-02T00:00:00Z"}}, set()),
    ]:
        assert await matching(store, raw) == expected, raw


async def test_hostile_values_match_themselves_and_nothing_else(store):
    rows = [
        product(f"p{number}", title="x", brand=value, attributes={value[:200]: [value, "same"]})
        for number, value in enumerate(HOSTILE)
    ]
    await store.write(rows)
    for number, value in enumerate(HOSTILE):
        assert await matching(store, {"brand": value}) == {f"p{number}"}, value
        assert await matching(store, {f"attributes.{value[:200]}": value}) == {f"p{number}"}, value
    assert await store.browse((Ids(('" or "1" == "1',)),), 10) == []
    assert await store.browse((Ids(()),), 10) == []


async def test_filters_hold_for_each_kind_of_search(store):
    await store.write([product(f"p{n}", n, title="hoodie", price=float(n), brand=f"b{n % 2}") for n in range(20)])
    wanted = parse_filters({"brand": "b1", "price": {"lt": 10}})
    expected = ["p9", "p7", "p5", "p3", "p1"]
    assert ids(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), wanted, 100)) == expected
    by_word = sorted(ids(await store.search_lexical("hoodie", wanted, 100)), reverse=True)
    assert by_word == by_words(store, *expected)
    assert len(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 7)) == 7
    assert ids(await store.search_lexical("hoodie", (Ids(("p3", "nope")),), 100)) == by_words(store, "p3")


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


async def test_workers_that_start_at_once_share_one_index(milvus):
    stores = await asyncio.gather(*(open_active_store(milvus, SPEC, create=True) for _ in range(4)))
    for number, store in enumerate(stores):
        await store.write([product(f"p{number}", title="hoodie")])
    assert [len(await store.browse((), 10)) for store in stores] == [4] * 4
    assert {store.generation for store in stores} == {"products_g1"}
    for store in stores:
        await store.close()


async def test_an_index_that_is_not_there_is_said_to_be_missing(milvus):
    with pytest.raises(StoreUnavailable, match="no index yet"):
        await open_active_store(milvus, SPEC, create=False)
    opened = await open_active_store(milvus, SPEC, create=True)
    with closing(MilvusClient(milvus.uri, timeout=10)) as client:
        client.drop_collection(opened.generation)
    with pytest.raises(StoreUnavailable, match="index is not there"):
        await opened.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 10)
    await opened.close()


async def test_an_index_of_another_encoder_is_refused(milvus):
    await (await open_active_store(milvus, SPEC, create=True)).close()
    with pytest.raises(IndexMismatch, match=r"hash@1.*other@2"):
        await open_active_store(milvus, EmbeddingSpec("other", "2", 4), create=True)


@pytest.mark.parametrize("start", [milvus3.lite_2_5, milvus3.lite_3])
async def test_acknowledged_writes_survive_a_killed_server_and_the_store_goes_on(start, tmp_path):
    port = milvus3.free_port()
    try:
        with start(tmp_path, port) as address:
            opened = await open_active_store(MilvusConfig(address, deadline_s=10), SPEC, create=True)
            await opened.write([product("p1", title="hoodie")])
    except milvus3.Unavailable as reason:
        pytest.skip(str(reason))
    with pytest.raises(StoreUnavailable):
        await opened.search_lexical("hoodie", (), 10)
    with start(tmp_path, port):
        assert ids(await _once_available(lambda: opened.search_lexical("hoodie", (), 10))) == ["p1"]
        await opened.write([product("p2", title="hoodie")])
        assert await opened.count() == ProductCounts(2, 0)
        await opened.close()


async def test_a_server_that_is_not_there_or_hangs_is_unavailable_within_the_deadline():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        config = MilvusConfig(f"http://127.0.0.1:{silent.getsockname()[1]}", deadline_s=0.5)
        for _ in ("nobody listens", "nobody answers"):
            async with asyncio.timeout(5):
                with pytest.raises(StoreUnavailable):
                    await open_active_store(config, SPEC, create=True)
                with pytest.raises(StoreUnavailable):
                    await _unopened(config).search_lexical("hoodie", (), 10)
            silent.listen()


async def _once_available(call: Callable[[], Awaitable[ScoredIds]]) -> ScoredIds:
    """Try again as the error says; a connection that broke waits a second before it is made anew."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await call()
            except StoreUnavailable as error:
                await asyncio.sleep(error.retry_after_s / 10)


def _unopened(config: MilvusConfig) -> MilvusProductStore:
    return MilvusProductStore(connect_milvus(config), config, SPEC, "products_g1")


async def test_an_empty_index_is_searched_without_a_fault(store):
    assert ids(await store.search_lexical("kettle", (), 10)) == []
    assert await store.browse((), 10) == []
    assert await store.read_payloads([]) == await store.scan_payloads((), 10) == {}
    assert await store.count() == ProductCounts(0, 0)


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


@pytest.mark.usefixtures("words")
async def test_a_lexical_score_is_the_sum_of_its_terms_scores(store):
    titles = {"p1": "Red t-shirt, red sleeves", "p2": "红色连衣裙 dress", "p3": "shirt dress", "p4": "kettle"}
    await store.write([product(product_id, title=title, brand="Acme red") for product_id, title in titles.items()])
    query = "red red T-shirt 红色连衣裙 dresses"
    terms = query_terms(query).split()
    # Under the same filter: Lite 3 counts how common a term is among what passes.
    page = (Ids(("p1", "p2", "p3")),)
    whole = (await store.search_lexical(query, page, 10)).by_id()
    sums = dict.fromkeys(whole, 0.0)
    for term in dict.fromkeys(terms):
        found = await store.search_terms(" ".join([term] * terms.count(term)), page, 3)
        for product_id, score in found.by_id().items():
            sums[product_id] += score
    assert set(whole) == {"p1", "p2", "p3"} and sums == pytest.approx(whole, rel=1e-6)
    assert ids(await store.search_terms("", (), 10)) == []


@pytest.fixture(params=["memory", "lite_2_5", "real_milvus"])
async def wordless(request: pytest.FixtureRequest, limits: MilvusLimits) -> AsyncIterator[ProductStore]:
    """A store that finds nothing by words."""
    if request.param == "memory":
        yield InMemoryProductStore(SPEC, has_full_text=False)
        return
    async for opened in _opened(config_of(request, request.param, full_text=False), limits):
        yield opened


async def test_without_full_text_words_find_nothing_and_leave_nothing_out_and_all_else_is_as_ever(wordless):
    assert not wordless.has_full_text
    await wordless.write([product("p1", 1, title="Red hoodie", price=5.0), product("p2", 2, title="Blue hoodie")])
    query = np.ones(SPEC.fused_dim, np.float32)
    assert ids(await wordless.search_lexical("hoodie", (), 10)) == []
    assert await wordless.search_terms_all(["hoodi", ""], (), 10) == [[], []]
    assert await wordless.score_lexical("hoodie", ["p1"]) == {}
    assert ids(await wordless.search_dense(query, (WithoutWords(("red",)),), 10)) == ["p2", "p1"]
    assert await wordless.count_matching((WithoutWords(("red",)),)) == 2
    assert ids(await wordless.search_dense(query, parse_filters({"price": {"lt": 9}}), 10)) == ["p1"]
    # The terms are kept, for an index that is made of this one.
    assert (await wordless.read_rows(["p1"]))["p1"].lexical == product("p1", title="Red hoodie").lexical


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, "no full text.*milvus.full_text = false"), ({"full_text": False, "index_type": "HNSW"}, "several vectors")],
)
async def test_a_server_that_is_too_old_for_an_index_is_refused_at_once(real_milvus, settings, said):
    config = MilvusConfig(real_milvus, deadline_s=10, **settings)
    with closing(connect_blocking(config)) as client:
        for name in client.list_collections():
            client.drop_collection(name)
    with pytest.raises(IndexMismatch, match=rf"2\.3\.5.*{said}"):
        await open_active_store(config, SPEC, create=True)


LACKING = [
    ("floral", {"plain", "rose", "vneck", "chinese"}),
    ("Florals", {"plain", "rose", "vneck", "chinese"}),
    ("red floral", {"plain", "rose", "blue", "vneck", "chinese"}),
    ("碎花", {"plain", "rose", "red", "blue", "vneck"}),
    ("花", {"plain", "red", "blue", "vneck"}),
    ("v-neck", {"plain", "rose", "red", "blue", "chinese"}),
    ("neck", {"plain", "rose", "red", "blue", "chinese"}),
    ("!?", {"plain", "rose", "red", "blue", "vneck", "chinese"}),
    ("unheardof", {"plain", "rose", "red", "blue", "vneck", "chinese"}),
]


@pytest.fixture
def dresses() -> list[IndexRow]:
    titles = {
        "plain": "Plain dress",
        "red": "Red floral dress",
        "blue": "Blue dress",
        "rose": "Rose dress 花",
        "vneck": "V-neck dress",
        "chinese": "dress 红色碎花连衣裙",
    }
    rows = [product(name, 1, title=title) for name, title in titles.items() if name != "blue"]
    return [*rows, product("blue", 1, title=titles["blue"], description="with a floral print")]


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize(
    "limits", [MilvusLimits(settle_s=0.0), MilvusLimits(listed=1, settle_s=0.0)], ids=["at once", "one by one"]
)
async def test_products_that_hold_words_are_left_out_of_searches_and_counts(store, dresses):
    await store.write(dresses)
    for text, expected in LACKING:
        for found in [
            await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (WithoutWords((text,)),), 100),
            await store.search_lexical("dress", (WithoutWords((text,)),), 100),
            await store.browse((WithoutWords((text,)),), 100),
        ]:
            assert set(ids(found)) == expected, text
        assert await store.count_matching((WithoutWords((text,)),)) == len(expected)
    both = (WithoutWords(("floral", "v-neck")), Ids(("plain", "red", "vneck", "rose")))
    assert set(ids(await store.search_lexical("dress", both, 100))) == {"plain", "rose"}
    assert len(await store.search_dense(np.ones(SPEC.fused_dim, np.float32), (WithoutWords(("floral",)),), 3)) == 3


async def test_products_can_be_left_out_by_their_ids(store, dresses):
    await store.write(dresses)
    wanted = (NotIds(("red", "blue", "nope", '" or "1" == "1')),)
    expected = {"plain", "rose", "vneck", "chinese"}
    assert set(ids(await store.browse(wanted, 100))) == expected
    assert set(ids(await store.search_lexical("dress", wanted, 100))) == set(by_words(store, *expected))
    assert len(await store.browse((NotIds(()),), 100)) == 6


async def test_products_by_their_ids_get_the_scores_that_a_search_gives_them(store, request):
    await store.write([product(f"p{at}", at / 10, title="red " * (at % 3) + "hoodie") for at in range(20)])
    await store.write([product("gone", 1, deletes=True)])
    query, some = np.ones(SPEC.fused_dim, np.float32), ["p3", "p11", "gone", "never"]
    dense = (await store.search_dense(query, (), 100)).by_id()
    assert await store.score_dense(query, some) == pytest.approx(
        {product_id: dense[product_id] for product_id in ("p3", "p11")}
    )
    assert await store.score_lexical("", some) == await store.score_dense(query, ["never"]) == {}
    if not store.has_full_text:
        return
    lexical, words = (await store.search_lexical("red", (), 100)).by_id(), await store.score_lexical("red", some)
    # Lite 3 takes how rare a term is from just the products that pass, so its scores depend on the filter.
    assert words == pytest.approx({"p11": lexical["p11"]}) or request.node.callspec.params["store"].startswith("lite_3")
    assert set(words) == {"p11"}


@pytest.mark.parametrize("limits", [MilvusLimits(sort_sample=20, sort_spare=5, settle_s=0.0)], ids=["few"])
async def test_products_are_browsed_by_id_or_by_a_number_whatever_their_number(store):
    generator = np.random.default_rng(7)
    # Few prices, so that many are equal, and some products without one.
    prices = [None if chance < 0.1 else float(chance * 10 // 1) for chance in generator.random(400)]
    names = [f"p{number:03d}" for number in generator.permutation(400)]
    await store.write([product(name, title="x", price=price) for name, price in zip(names, prices, strict=True)])
    known = sorted(zip(names, prices, strict=True))
    assert ids(await store.browse((), 250)) == [name for name, _ in known[:250]]
    for sign, order in ((1, SortOrder("price")), (-1, SortOrder("price", descending=True))):
        expected = [name for name, _ in sorted(known, key=lambda pair: (pair[1] is None, sign * (pair[1] or 0.0)))]
        for limit in (1, 7, 60, 390, 500):
            assert ids(await store.browse((), limit, order)) == expected[:limit], (order, limit)
    cheap = parse_filters({"price": {"lt": 4}})
    expected = [
        name for name, price in sorted(known, key=lambda pair: pair[1] or 0.0) if price is not None and price < 4
    ]
    assert ids(await store.browse(cheap, 30, SortOrder("price"))) == expected[:30]
    assert await store.count_matching(cheap) == len(expected)


async def test_the_nearest_products_are_found_exactly_whatever_the_weights_and_filters(store):
    await _check_nearest(store)


async def test_an_approximate_index_gives_exact_answers_also_after_changes(indexed_store):
    await _check_nearest(indexed_store)
    await indexed_store.write([product("p7", 9, title="x", price=7.0), product("p8", deletes=True)])
    found = await indexed_store.search_dense(np.ones(SPEC.fused_dim, np.float32), (), 300)
    assert ids(found)[0] == "p7" and "p8" not in ids(found) and len(found) == 299
    assert (await indexed_store.read(["p7"]))["p7"][1].tolist() == [9.0] * SPEC.fused_dim


async def _check_nearest(store: ProductStore) -> None:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((300, SPEC.fused_dim)).astype(np.float32)
    vectors[::3, SPEC.dim :] = 0
    await store.write([product(f"p{at}", vector, title="x", price=float(at)) for at, vector in enumerate(vectors)])
    query = generator.standard_normal(SPEC.fused_dim).astype(np.float32)
    for weights in ((1, 0), (0, 1), (1, 1), (1, -0.5)):
        weighted = query * np.repeat(np.array(weights, np.float32), SPEC.dim)
        for kept in (300, 150, 30, 3):
            found = await store.search_dense(weighted, parse_filters({"price": {"lt": kept}}), 10)
            scores = vectors[:kept] @ weighted
            best = np.sort(scores)[::-1][:10]
            assert found.scores.tolist() == pytest.approx(best.tolist(), abs=1e-5), (weights, kept)
            own = [scores[int(product_id[1:])] for product_id in found.ids]
            assert found.scores.tolist() == pytest.approx(own, abs=1e-5)


async def test_several_vectors_are_searched_with_at_once(store: ProductStore):
    await store.write([product("p1", [1, 0, 0, 0, 0, 0, 0, 0], title="a"), product("p2", [0, 1, 0, 0, 0, 0, 0, 0])])
    await store.write([product("p3", [0.5, 0.4, 0, 0, 0, 0, 0, 0], title="b", price=3.0)])
    vectors = np.eye(8, dtype=np.float32)[:2]
    one, other = await store.search_dense_all(vectors, (), 2)
    assert [ids(one), ids(other)] == [["p1", "p3"], ["p3", "p1"]]
    assert [found.score for found in one] == pytest.approx([1.0, 0.5])
    assert decode_hit_payload(one[0].payload).title == "a"
    assert await store.search_dense_all(vectors[:0], (), 2) == []
    cheap = parse_filters({"price": {"lt": 5}})
    assert [ids(hits) for hits in await store.search_dense_all(vectors, cheap, 2)] == [["p3"], ["p3"]]


@pytest.mark.usefixtures("words")
async def test_several_texts_are_searched_for_at_once_the_empty_ones_too(store: ProductStore):
    await store.write([product("p1", title="red kettle"), product("p2", title="blue lamp")])
    asked = [query_terms(text) for text in ("kettle", "", "lamp", "sofa")]
    assert [ids(hits) for hits in await store.search_terms_all(asked, (), 5)] == [["p1"], [], ["p2"], []]
    assert await store.search_terms_all(["", ""], (), 5) == [[], []]
    single = await store.search_terms(query_terms("kettle"), (), 5)
    [kettle] = (await store.search_terms_all(asked, (), 5))[0]
    assert {kettle.product_id: kettle.score} == single.by_id()
    assert decode_hit_payload(kettle.payload).title == "red kettle"


async def test_an_empty_store_answers_several_searches_with_nothing(store: ProductStore):
    assert await store.search_terms_all(["kettl", "lamp"], (), 5) == [[], []]
    assert await store.search_dense_all(np.ones((3, 8), np.float32), (), 5) == [[], [], []]


async def test_an_approximate_index_answers_several_searches_alike(indexed_store: MilvusProductStore):
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((40, SPEC.fused_dim)).astype(np.float32)
    await indexed_store.write([product(f"p{at:02}", row, title="a") for at, row in enumerate(rows)])
    several = await indexed_store.search_dense_all(rows[:3], (), 4)
    alone = [await indexed_store.search_dense(row, (), 4) for row in rows[:3]]
    assert [{hit.product_id: hit.score for hit in hits} for hits in several] == [found.by_id() for found in alone]
    assert {decode_hit_payload(hit.payload).title for hits in several for hit in hits} == {"a"}
