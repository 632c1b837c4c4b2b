"""Candidates of a search: each with its exact scores, whichever of the searches found it."""

from __future__ import annotations

import numpy as np
import pytest

from encoders.port import HashEncoder
from encoders.spec import PartWeights, fused_query_vector
from indexer.criteria import SortOrder
from query_api.retrieval.candidate_set import RetrievalLimits, RetrievalQuery
from query_api.retrieval.hybrid_search import Retriever
from tests.shop import MakeShop, Shop


@pytest.fixture
async def many(make_shop: MakeShop) -> Shop:
    """Twelve products that share a word, and eight that do not."""
    shop = make_shop()
    for at in range(20):
        await shop.put(f"p{at:02d}", title=f"{'hoodie' if at < 12 else 'mug'} {'warm ' * at}", price=float(at % 7))
    return shop


async def test_each_candidate_of_cut_searches_has_both_of_its_scores(many: Shop) -> None:
    store, encoder = many.services.store, HashEncoder()
    [text] = encoder.encode_texts(["warm warm mug"])
    vector = fused_query_vector(encoder.spec, text, None, PartWeights(1, 0))
    found = await Retriever(store, RetrievalLimits(search=5)).retrieve(RetrievalQuery(vector, "hoodie"))
    dense = (await store.search_dense(vector, (), 100)).by_id()
    lexical = (await store.search_lexical("hoodie", (), 100)).by_id()
    assert found.is_truncated and 5 <= len(found.items) <= 10
    assert {candidate.product_id: candidate.dense for candidate in found.items} == pytest.approx(
        {candidate.product_id: dense[candidate.product_id] for candidate in found.items}, abs=1e-6
    )
    assert {candidate.product_id: candidate.lexical for candidate in found.items} == pytest.approx(
        {candidate.product_id: lexical.get(candidate.product_id, 0.0) for candidate in found.items}
    )


async def test_a_look_without_a_query_tells_how_many_there_are(many: Shop) -> None:
    retriever = Retriever(many.services.store, RetrievalLimits())
    found = await retriever.retrieve(RetrievalQuery(None, None, (), SortOrder("price"), browse_limit=3))
    assert [candidate.product_id for candidate in found.items] == ["p00", "p07", "p14"]
    assert found.match_count == 20 and found.unretrieved_count == 17 and not found.is_refreshable
    assert found.covers(3) and not found.covers(4)
    whole = await retriever.retrieve(RetrievalQuery(None, None, (), browse_limit=50))
    assert not whole.is_truncated and whole.unretrieved_count == 0 and whole.is_refreshable and whole.covers(1_000)


async def test_a_vector_of_zeros_finds_what_there_is(many: Shop) -> None:
    found = await Retriever(many.services.store, RetrievalLimits()).retrieve(
        RetrievalQuery(np.zeros(128, np.float32), None)
    )
    assert len(found.items) == 20
