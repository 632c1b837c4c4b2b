"""What products can score for words is asked of the store, within bounds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from indexer.criteria import Filters
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.products import Candidate
from query_api.relevance.word_reach import MAX_TERMS, TermScores
from tests.shop import MakeShop


class CountingStore(InMemoryProductStore):
    """Counts what it is asked for."""

    asked = 0

    async def search_terms_all(self, terms: Sequence[str], filters: Filters, limit: int) -> list[list[Candidate]]:
        self.asked += len(terms)
        return await super().search_terms_all(terms, filters, limit)


async def test_a_long_query_makes_a_bounded_number_of_searches_and_its_further_words_count_alike(
    make_shop: MakeShop,
) -> None:
    spec = make_shop().encoder.spec
    store = CountingStore(spec)
    short = await TermScores(store).reach(" ".join(f"unknown{at}" for at in range(MAX_TERMS)), 1_000)
    assert store.asked == MAX_TERMS
    long = await TermScores(store).reach(" ".join(f"unknown{at}" for at in range(4 * MAX_TERMS)), 1_000)
    assert store.asked == 2 * MAX_TERMS
    assert long.best == pytest.approx(4 * short.best) and long.word_count == 4 * MAX_TERMS
