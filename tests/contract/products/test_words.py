"""What every `ProductStore` finds by words, and what one without full text does."""

import numpy as np
import pytest

from indexer.criteria import Ids, WithoutWords
from indexer.filter_parsing import parse_filters
from indexer.hit_payload import decode_hit_payload
from indexer.ports.products import ProductStore
from indexer.text_analysis.analyzer import query_terms
from tests.contract.products.rows import SPEC, ids, product


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
