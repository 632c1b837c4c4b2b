"""Which index type a catalogue should have, by what was measured on it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from query_api.evaluation.index_recall import RecallRow

ENOUGH_RECALL = 0.98
"""With this recall, judged queries cannot tell the loss from none."""
ENOUGH_PRODUCTS = 20_000
"""With fewer, most of a search's time goes into its hits, and tells nothing of how long a scan of more would take."""


@dataclass(frozen=True, slots=True)
class IndexAdvice:
    """Settings to use."""

    settings: Mapping[str, str | int]
    """By `section.name`."""
    reason: str
    """A clause that says why, without a capital or a full stop."""


def lowest_recall(rows: Sequence[RecallRow]) -> float:
    """The recall of the kind of query and filter that has the least."""
    return min(row.recall for row in rows)


def highest_median_ms(rows: Sequence[RecallRow]) -> float:
    """The median latency of the slowest kind of query and filter."""
    return max(row.p50_ms for row in rows)


def advise_index(
    products: int, index_type: str, tried: Sequence[tuple[Mapping[str, int], Sequence[RecallRow]]], budget_ms: float
) -> IndexAdvice:
    """Choose the index type and its search parameters.

    Of an approximate index, the fastest parameters with `ENOUGH_RECALL` are chosen; where none have it, FLAT is. An
    exact index stays as long as it is fast enough.

    Args:
        products: how many there are.
        index_type: of the index that was measured.
        tried: search parameters with what was measured under them; one without parameters for FLAT.
        budget_ms: how long the slowest kind of search may take at the median.
    """
    if index_type == "FLAT":
        return _advise_exact(products, highest_median_ms(tried[0][1]), budget_ms)
    enough = [(parameters, rows) for parameters, rows in tried if lowest_recall(rows) >= ENOUGH_RECALL]
    if not enough:
        best, rows = max(tried, key=lambda trial: lowest_recall(trial[1]))
        why = f"recall is {lowest_recall(rows):.3f} at best: {index_type} loses too much here, and FLAT nothing"
        return IndexAdvice({"milvus.index_type": "FLAT"}, why if not best else f"{why}, even with {_shown(best)}")
    chosen, rows = min(enough, key=lambda trial: highest_median_ms(trial[1]))
    why = f"recall {lowest_recall(rows):.3f} at the least, {highest_median_ms(rows):.1f} ms"
    return IndexAdvice(
        {"milvus.index_type": index_type, **{f"milvus.{name}": value for name, value in chosen.items()}}, why
    )


def _advise_exact(products: int, took_ms: float, budget_ms: float) -> IndexAdvice:
    if took_ms <= budget_ms and products < ENOUGH_PRODUCTS:
        why = (
            f"a search takes {took_ms:.1f} ms and misses nothing; {products:,} products do not tell when that gets slow"
        )
        return IndexAdvice({"milvus.index_type": "FLAT"}, why)
    # A scan takes as much longer as there are more products.
    most = round(products * budget_ms / took_ms, -3)
    if took_ms <= budget_ms:
        why = (
            f"a search takes {took_ms:.1f} ms and misses nothing; it stays within {budget_ms:g} ms to some {most:,.0f}"
        )
        return IndexAdvice({"milvus.index_type": "FLAT"}, f"{why} products on this server")
    why = (
        f"a search of all {products:,} products takes {took_ms:.1f} ms, more than {budget_ms:g}: from some {most:,.0f}"
    )
    return IndexAdvice({"milvus.index_type": "HNSW"}, f"{why} on, an approximate index on a Milvus cluster pays")


def _shown(parameters: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in parameters.items())
