"""Milvus' own BM25 against a sparse vector weighed here, on the same terms: quality, speed, sameness across engines."""

from __future__ import annotations

import math
import os
import statistics
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pymilvus import CollectionSchema, DataType, Function, FunctionType, MilvusClient

from indexer.text_analysis.analyzer import BM25_B, BM25_K1, document_terms, query_terms
from query_api.evaluation.ranking_metrics import ndcg
from tests import milvus3
from tests.bench.report import publish_report
from vitrine.demo.catalogue import SEED
from vitrine.samples.catalogue import sample_products
from vitrine.samples.catalogue.queries import BilingualQuery, bilingual_queries

SIZES = [int(size) for size in os.environ.get("BENCH_LEXICAL_ROWS", "2400,10000,100000").split(",")]
MOST_OF_LITE_3 = 3_000
"""It takes a quarter of a second a query for so many rows."""
QUERIES, TIMED = 300, 100
LIMIT = 1_000
CHUNK = 256
CARD = "x" * 500
"""As long as a product's card, which each hit brings along."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Terms:
    """Documents as their terms, and the counts that weights are made of."""

    documents: Sequence[str]
    frequencies: Sequence[Counter[str]]
    containing: Counter[str]
    mean_length: float

    @classmethod
    def of(cls, documents: Sequence[str]) -> Terms:
        """Count."""
        frequencies = [Counter(text.split()) for text in documents]
        containing = Counter(term for count in frequencies for term in count)
        return cls(documents, frequencies, containing, sum(map(Counter.total, frequencies)) / len(documents))

    def weights(self, at: int) -> dict[int, float]:
        """A document as saturated term frequencies; the mean length is that of the moment, and would drift."""
        frequencies = self.frequencies[at]
        norm = BM25_K1 * (1 - BM25_B + BM25_B * frequencies.total() / self.mean_length)
        return {_number(term): tf * (BM25_K1 + 1) / (tf + norm) for term, tf in frequencies.items()}

    def query(self, text: str) -> dict[int, float]:
        """A query as inverse document frequencies; their counts would have to be kept for all products."""
        counts = Counter(query_terms(text).split())
        return {_number(term): count * self._idf(term) for term, count in counts.items()}

    def _idf(self, term: str) -> float:
        containing = self.containing[term]
        return math.log(1 + (len(self.documents) - containing + 0.5) / (containing + 0.5))


@dataclass(frozen=True)
class Variant:
    """A way to search by words."""

    name: str
    make: Callable[[MilvusClient], None]
    row: Callable[[Terms, int], Row]
    query: Callable[[Terms, str], Any]


def bm25_collection(client: MilvusClient) -> None:
    """As the project's own."""
    schema = _schema()
    schema.add_field(
        "text", DataType.VARCHAR, max_length=65_535, enable_analyzer=True, analyzer_params={"tokenizer": "standard"}
    )
    schema.add_function(Function("bm25", FunctionType.BM25, ["text"], ["weights"]))
    _create(client, schema, "BM25", {"bm25_k1": BM25_K1, "bm25_b": BM25_B})


def sparse_collection(client: MilvusClient) -> None:
    """Weights of our own, compared by inner product."""
    _create(client, _schema(), "IP", {})


VARIANTS = (
    Variant(
        "Milvus' BM25", bm25_collection, lambda terms, at: {"text": terms.documents[at]}, lambda _, q: query_terms(q)
    ),
    Variant(
        "own sparse weights",
        sparse_collection,
        lambda terms, at: {"weights": terms.weights(at)},
        lambda terms, q: terms.query(q),
    ),
)
ENGINES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "Lite 2.5": milvus3.lite_2_5,
    "Lite 3": milvus3.lite_3,
}


@pytest.mark.parametrize("size", SIZES)
def test_lexical_search_of_either_kind(size: int, tmp_path: Path):
    twins = {lang: _twins(size, lang) for lang in ("en", "zh")}
    rows: list[list[Any]] = []
    first: dict[tuple[str, str, str], list[list[str]]] = {}
    for engine in ENGINES if size <= MOST_OF_LITE_3 else ["Lite 2.5"]:
        for variant in VARIANTS:
            for lang, (terms, ids, queries) in twins.items():
                directory = tmp_path / f"{engine}-{variant.name}-{lang}".replace(" ", "-").replace("'", "")
                directory.mkdir()
                try:
                    with ENGINES[engine](directory) as address:
                        found = _measure(address, variant, terms, ids, [query.texts[lang] for query in queries])
                except milvus3.Unavailable as error:
                    print(f"{engine} left out: {error}")
                    break
                first[engine, variant.name, lang] = found.first
                quality = statistics.mean(
                    ndcg(ranked, dict.fromkeys(one.relevant, 1.0), 10)
                    for ranked, one in zip(found.first, queries, strict=True)
                )
                rows.append([engine, variant.name, lang, quality, found.rows_per_s, found.query_ms])
    same = {
        f"{lang}: first ten of {one[0]}, {one[1]}": _same(first[reference], ranked)
        for lang in twins
        for reference in [("Lite 2.5", VARIANTS[0].name, lang)]
        for one, ranked in first.items()
        if one[2] == lang and one != reference
    }
    columns = ["engine", "variant", "language", "nDCG@10", "rows/s", "query ms"]
    publish_report(f"lexical-{size}", columns, rows, [], same_as_bm25_of_lite_2_5=same)
    for name, share in same.items():
        print(f"{name}: {share:.3f} the same products as Milvus' BM25 of Lite 2.5")


@dataclass(frozen=True)
class _Found:
    rows_per_s: float
    query_ms: float
    first: list[list[str]]


def _measure(address: str, variant: Variant, terms: Terms, ids: Sequence[str], queries: Sequence[str]) -> _Found:
    client = MilvusClient(address, timeout=120)
    try:
        variant.make(client)
        started = time.perf_counter()
        for chunk in _chunks(len(ids)):
            rows = [{"product_id": ids[at], "card": CARD, **variant.row(terms, at)} for at in chunk]
            client.insert("products", rows, timeout=120)
        rows_per_s = len(ids) / (time.perf_counter() - started)
        ranked: list[list[str]] = []
        times_ms: list[float] = []
        for at, text in enumerate(queries):
            asked = variant.query(terms, text)
            started = time.perf_counter()
            found: Any = client.search(
                "products",
                data=[asked],
                anns_field="weights",
                limit=LIMIT if at < TIMED else 10,
                output_fields=["card"],
                consistency_level="Strong",
                timeout=120,
            )
            if at < TIMED:
                times_ms.append((time.perf_counter() - started) * 1_000)
            ranked.append(_first_ten(found[0]))
        return _Found(rows_per_s, statistics.median(times_ms), ranked)
    finally:
        client.close()


def _first_ten(hits: Sequence[Any]) -> list[str]:
    """Equal scores by id: engines order those as they like. Lite 3 gives BM25 as negative distances."""
    ordered = sorted(hits, key=lambda hit: (-round(abs(hit["distance"]), 3), hit.id))
    return [hit.id for hit in ordered[:10]]


def _twins(size: int, lang: str) -> tuple[Terms, list[str], list[BilingualQuery]]:
    catalogue = sample_products(size, SEED)
    documents = [document_terms(replace(product, lang=lang).event_data()) for product in catalogue]
    return Terms.of(documents), [product.product_id for product in catalogue], bilingual_queries(catalogue, QUERIES)


def _same(one: Sequence[Sequence[str]], other: Sequence[Sequence[str]]) -> float:
    shares = [len(set(a) & set(b)) / max(1, len(a)) for a, b in zip(one, other, strict=True)]
    return statistics.mean(shares)


def _schema() -> CollectionSchema:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("product_id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("card", DataType.VARCHAR, max_length=65_535)
    schema.add_field("weights", DataType.SPARSE_FLOAT_VECTOR)
    return schema


def _create(client: MilvusClient, schema: CollectionSchema, metric: str, params: dict[str, float]) -> None:
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("weights", index_type="SPARSE_INVERTED_INDEX", metric_type=metric, params=params)
    client.create_collection("products", schema=schema, index_params=indexes, timeout=120)
    client.load_collection("products", timeout=120)


def _chunks(count: int) -> Iterator[range]:
    return (range(start, min(count, start + CHUNK)) for start in range(0, count, CHUNK))


def _number(term: str) -> int:
    """A term's dimension; of 100,000 terms some two share one."""
    return zlib.crc32(term.encode()) & 0x7FFFFFFF
