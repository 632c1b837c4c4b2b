"""What every `ProductStore` finds by vectors: the nearest products, exactly."""

import numpy as np
import pytest

from indexer.filter_parsing import parse_filters
from indexer.hit_payload import decode_hit_payload
from indexer.milvus.store import MilvusProductStore
from indexer.ports.products import ProductStore
from tests.contract.products.rows import SPEC, ids, product


async def test_dense_search_orders_by_inner_product_exactly(store):
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((50, SPEC.fused_dim)).astype(np.float32)
    await store.write([product(f"p{number}", vector, title="x") for number, vector in enumerate(vectors)])
    query = generator.standard_normal(SPEC.fused_dim).astype(np.float32)
    found = await store.search_dense(query, (), 20)
    best = np.argsort(-(vectors @ query))[:20]
    assert ids(found) == [f"p{number}" for number in best]
    assert found.scores.tolist() == pytest.approx((vectors @ query)[best].tolist(), abs=1e-5)


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


async def test_an_approximate_index_answers_several_searches_alike(indexed_store: MilvusProductStore):
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((40, SPEC.fused_dim)).astype(np.float32)
    await indexed_store.write([product(f"p{at:02}", row, title="a") for at, row in enumerate(rows)])
    several = await indexed_store.search_dense_all(rows[:3], (), 4)
    alone = [await indexed_store.search_dense(row, (), 4) for row in rows[:3]]
    assert [{hit.product_id: hit.score for hit in hits} for hits in several] == [found.by_id() for found in alone]
    assert {decode_hit_payload(hit.payload).title for hits in several for hit in hits} == {"a"}
