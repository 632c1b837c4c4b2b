"""Judged queries: what is asked for and how relevant each product is, from the rows of tables. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from query_api.evaluation.ranking_metrics import Gains

QUERY_IDS = ("query_id", "qid", "topic_id", "topic")
QUERY_TEXTS = ("query", "text", "query_text", "search_term", "keyword")
PRODUCTS = ("product_id", "asin", "sku", "item_id", "doc_id", "docid", "id")
GAINS = ("gain", "grade", "relevance", "rel", "score", "label", "esci_label", "judgment", "rating")
"""Names that a column may have; where a row has several, the first that is filled counts."""
LABELS: Mapping[str, float] = {
    "e": 1.0,
    "exact": 1.0,
    "s": 0.1,
    "substitute": 0.1,
    "c": 0.01,
    "complement": 0.01,
    "i": 0.0,
    "irrelevant": 0.0,
}
"""Gains of the labels of ESCI.

Source: Reddy et al., 2022, "Shopping Queries Dataset: A Large-Scale ESCI Benchmark for Improving Product Search".
"""

Rows = Iterable[tuple[str, Mapping[str, Any]]]
"""Each row's place, as messages name it (`judgments.csv:12`), and its cells by column."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and its judged products."""

    query_id: str
    """The query's id in the files; its text where they have none."""
    text: str
    gains: Gains


@dataclass(slots=True)
class JudgedQueries:
    """The queries and judgments of two tables, joined.

    Attributes:
        queries: those that have judgments, in the order of their table.
        unusable_rows: a sentence for each row that cannot be used, with its place and the reason.
        unjudged_queries: how many queries have no judgment.
        unmatched_judgments: how many judgments are of queries that are not in the table of queries.
    """

    queries: list[JudgedQuery] = field(default_factory=list[JudgedQuery])
    unusable_rows: list[str] = field(default_factory=list[str])
    unjudged_queries: int = 0
    unmatched_judgments: int = 0


def join_judgments(queries: Rows, judgments: Rows) -> JudgedQueries:
    """Join a table of queries and one of judgments: by the query's id where both have one, else by its text."""
    judged = JudgedQueries()
    texts = _texts(queries, judged)
    gains = _gains(judgments, texts, judged)
    for query_id, text in texts.items():
        if query_id in gains:
            judged.queries.append(JudgedQuery(query_id, text, gains[query_id]))
    judged.unjudged_queries = len(texts) - len(judged.queries)
    return judged


def _texts(rows: Rows, judged: JudgedQueries) -> dict[str, str]:
    """Each query's text by its id; rows that cannot be used are noted in `judged`.

    A query may have several rows: it has, where one table holds both queries and judgments.
    """
    texts: dict[str, str] = {}
    for place, cells in rows:
        text = _cell(cells, QUERY_TEXTS)
        query_id = _cell(cells, QUERY_IDS) or text
        if text is None or query_id is None:
            judged.unusable_rows.append(f"{place}: no query; its column may be called {', '.join(QUERY_TEXTS)}")
        elif texts.setdefault(query_id, text) != text:
            judged.unusable_rows.append(f"{place}: query {query_id!r:.80} has two texts")
    return texts


def _gains(rows: Rows, texts: Mapping[str, str], judged: JudgedQueries) -> dict[str, dict[str, float]]:
    """Gains by query id and product id; rows that cannot be used or matched are noted in `judged`."""
    ids = {text: query_id for query_id, text in texts.items()}
    gains: dict[str, dict[str, float]] = {}
    for place, cells in rows:
        try:
            query, product, gain = _judgment(cells)
        except ValueError as error:
            judged.unusable_rows.append(f"{place}: {error}")
            continue
        query_id = query if query in texts else ids.get(query)
        if query_id is None:
            judged.unmatched_judgments += 1
        elif gains.setdefault(query_id, {}).setdefault(product, gain) != gain:
            judged.unusable_rows.append(f"{place}: {product!r:.80} was judged otherwise before, for the same query")
    return gains


def _judgment(cells: Mapping[str, Any]) -> tuple[str, str, float]:
    """(query id or text, product id, gain) of a row. Raises `ValueError` that says what it lacks."""
    query = _cell(cells, QUERY_IDS) or _cell(cells, QUERY_TEXTS)
    product, gain = _cell(cells, PRODUCTS), _cell(cells, GAINS)
    for what, value, names in (("query", query, QUERY_IDS), ("product", product, PRODUCTS), ("gain", gain, GAINS)):
        if value is None:
            raise ValueError(f"no {what}; its column may be called {', '.join(names)}")
    return str(query), str(product), read_gain(str(gain))


def read_gain(cell: str) -> float:
    """A gain from a number ≥ 0 or a label of ESCI. Raises `ValueError` for anything else."""
    if cell.lower() in LABELS:
        return LABELS[cell.lower()]
    try:
        gain = float(cell)
    except ValueError:
        gain = math.nan
    if not 0 <= gain < math.inf:
        raise ValueError(f"{cell[:60]!r} is no gain: a number of at least 0, or one of E, S, C, I")
    return gain


def _cell(cells: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The text of the first of the named columns that is filled; None: none is. Names are compared loosely."""
    plain = {re.sub(r"[\W_]+", "_", name).strip("_").lower(): cell for name, cell in cells.items()}
    for name in names:
        value = plain.get(name)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            continue
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else " ".join(str(value).split())
        if text:
            return text
    return None
