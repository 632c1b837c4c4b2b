"""A verdict of the gate, in words; and what it stops."""

import pytest

from indexer.milvus.registry import Generation
from query_api.generations.quality_gate import GateResult
from vitrine.errors import VitrineError
from vitrine.generations.gate import check_verdict, verdict_summary

NEW = Generation("products_g2", "hash@1", 8, 1)


def verdict(ndcg: tuple[float, float] | None = None, shortfalls: tuple[str, ...] = ()) -> GateResult:
    return GateResult(10, 200, 0.75, (0.5, 0.625), ndcg, shortfalls)


def test_a_verdict_says_both_generations_in_a_line():
    assert verdict_summary(verdict()) == (
        "200 queries: overlap@10 0.750, own title in the first 10: 62.5% (before 50.0%)"
    )
    assert verdict_summary(verdict(ndcg=(0.5, 0.25))).endswith("nDCG@10 0.250 (before 0.500)")


def test_a_generation_that_falls_short_is_stopped_with_the_reasons_and_the_ways_out():
    check_verdict(NEW, verdict())
    with pytest.raises(VitrineError, match=r"products_g2 is not switched to: too bad; worse.*--force.*--cancel"):
        check_verdict(NEW, verdict(shortfalls=("too bad", "worse")))
