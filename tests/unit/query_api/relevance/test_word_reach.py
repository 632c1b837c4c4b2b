"""What products can score for words is asked of the store, within bounds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from indexer.criteria import Filters
from indexer.in_memory_store import InMemoryProductStore
from indexer.ports.products import Candidate, ScoredIds
from query_api.relevance.word_reach import LEADING, MAX_TERMS, NONE_KEPT_S, TermScores
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


async def test_that_no_product_has_both_words_is_not_asked_for_each_time(make_shop: MakeShop) -> None:
    asked, now_s = list[str](), [0.0]

    class Store(InMemoryProductStore):
        async def search_terms(self, terms: str, filters: Filters, limit: int) -> ScoredIds:
            if limit == LEADING:
                asked.append(terms)
            return await super().search_terms(terms, filters, limit)

    scores = TermScores(Store(make_shop().encoder.spec), lambda: now_s[0])
    for at_s in (0.0, 1.0, NONE_KEPT_S + 1):
        now_s[0] = at_s
        assert not (await scores.reach("summer dress", 1_000)).leading
    assert asked == ["summer dress", "dress"] * 2
