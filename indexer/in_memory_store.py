"""The in-memory double of the product store: exact, and within one process."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray
from indexer.criteria import Filters, Ids, SortOrder, WithoutWords
from indexer.filters import matches
from indexer.ports.products import Candidate, ProductCounts, ScoredIds
from indexer.records import IndexRow, StoredProduct, StoredRow, pack_product, unpack_product
from indexer.text_analysis.analyzer import BM25_B, BM25_K1, query_terms
from indexer.validation import check_rows


class InMemoryProductStore:
    """`ProductStore` in a dictionary; the same scores as the real one, without its durability."""

    generation = "memory"

    def __init__(self, spec: EmbeddingSpec, *, has_full_text: bool = True) -> None:
        self._spec = spec
        self.has_full_text = has_full_text
        self._rows: dict[str, IndexRow] = {}
        self._frequencies: dict[str, Counter[str]] = {}
        """How often each product has its terms; made once, as a search looks at all of them."""

    async def close(self) -> None:
        """Nothing to give back."""

    async def read(self, product_ids: Sequence[str]) -> dict[str, tuple[StoredProduct, FloatArray]]:
        rows = [self._rows[product_id] for product_id in product_ids if product_id in self._rows]
        return {row.product_id: (row.stored, row.vector.copy()) for row in rows}

    async def scan(self, after: str, limit: int) -> dict[str, tuple[StoredProduct, FloatArray]]:
        return await self.read(sorted(product_id for product_id in self._rows if product_id > after)[:limit])

    async def read_rows(self, product_ids: Sequence[str]) -> dict[str, StoredRow]:
        known = await self.read(product_ids)
        return {name: StoredRow(stored, vector, self._rows[name].lexical) for name, (stored, vector) in known.items()}

    async def read_states(self, product_ids: Sequence[str]) -> dict[str, StoredProduct]:
        return {product_id: stored for product_id, (stored, _) in (await self.read(product_ids)).items()}

    async def scan_states(self, after: str, limit: int) -> dict[str, StoredProduct]:
        return {product_id: stored for product_id, (stored, _) in (await self.scan(after, limit)).items()}

    async def write(self, rows: Sequence[IndexRow], until: float = math.inf) -> None:
        check_rows(self._spec, rows)
        # Through the stored form, whose bounds are the real store's.
        self._rows |= {row.product_id: replace(row, stored=unpack_product(pack_product(row.stored))) for row in rows}
        self._frequencies |= {row.product_id: Counter(row.lexical.split()) for row in rows}

    async def search_dense(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        rows = self._matching(filters)
        # Each row by itself: a product of matrices rounds a row in another way among others.
        scores: list[float] = (np.stack([row.vector for row in rows]) * vector).sum(1).tolist() if rows else []
        return _top_k(zip(rows, scores, strict=True), limit)

    async def search_lexical(self, text: str, filters: Filters, limit: int) -> ScoredIds:
        return await self.search_terms(query_terms(text), filters, limit)

    async def search_terms(self, terms: str, filters: Filters, limit: int) -> ScoredIds:
        scores = self._bm25(terms.split()) if self.has_full_text else {}
        return _top_k(
            ((row, scores[row.product_id]) for row in self._matching(filters) if row.product_id in scores), limit
        )

    async def search_dense_all(self, vectors: FloatArray, filters: Filters, limit: int) -> list[list[Candidate]]:
        return [self._with_payloads(await self.search_dense(vector, filters, limit)) for vector in vectors]

    async def search_terms_all(self, terms: Sequence[str], filters: Filters, limit: int) -> list[list[Candidate]]:
        return [self._with_payloads(await self.search_terms(query, filters, limit)) for query in terms]

    async def score_dense(self, vector: FloatArray, product_ids: Sequence[str]) -> dict[str, float]:
        return (await self.search_dense(vector, (Ids(tuple(product_ids)),), len(product_ids))).by_id()

    async def score_lexical(self, text: str, product_ids: Sequence[str]) -> dict[str, float]:
        return (await self.search_lexical(text, (Ids(tuple(product_ids)),), len(product_ids))).by_id()

    async def browse(self, filters: Filters, limit: int, order: SortOrder | None = None) -> list[str]:
        rows = sorted(self._matching(filters), key=lambda row: (*_sort_key(row, order), row.product_id))
        return [row.product_id for row in rows[:limit]]

    async def read_payloads(self, product_ids: Sequence[str]) -> dict[str, bytes]:
        return self._payloads(await self.browse((Ids(tuple(product_ids)),), len(product_ids)))

    async def scan_payloads(self, filters: Filters, limit: int) -> dict[str, bytes]:
        return self._payloads(await self.browse(filters, limit))

    async def count_matching(self, filters: Filters) -> int:
        return len(self._matching(filters))

    async def count(self) -> ProductCounts:
        searchable = sum(row.searchable for row in self._rows.values())
        tombstones = sum(row.stored.state.deleted and not row.searchable for row in self._rows.values())
        return ProductCounts(searchable, len(self._rows) - searchable - tombstones)

    def _payloads(self, product_ids: Iterable[str]) -> dict[str, bytes]:
        return {product_id: self._rows[product_id].hit_payload for product_id in product_ids}

    def _with_payloads(self, found: ScoredIds) -> list[Candidate]:
        payloads = self._payloads(found.ids)
        return [Candidate(product_id, score, payloads[product_id]) for product_id, score in found.by_id().items()]

    def _matching(self, filters: Filters) -> list[IndexRow]:
        if not self.has_full_text:
            filters = tuple(criterion for criterion in filters if not isinstance(criterion, WithoutWords))
        return [row for row in self._rows.values() if matches(row, filters)]

    def _bm25(self, query: Sequence[str]) -> dict[str, float]:
        """Scores of the products that have a term of the query.

        Source: Robertson and Zaragoza, 2009, "The Probabilistic Relevance Framework"; the idf is that of Milvus.
        """
        frequencies = self._frequencies
        lengths = {product_id: terms.total() for product_id, terms in frequencies.items()}
        mean = sum(lengths.values()) / max(1, len(lengths)) or 1.0
        containing = {term: sum(term in document for document in frequencies.values()) for term in query}
        scores: dict[str, float] = {}
        for product_id, terms in frequencies.items():
            norm = BM25_K1 * (1 - BM25_B + BM25_B * lengths[product_id] / mean)
            for term in query:
                if tf := terms[term]:
                    idf = math.log(1 + (len(frequencies) - containing[term] + 0.5) / (containing[term] + 0.5))
                    scores[product_id] = scores.get(product_id, 0.0) + idf * tf * (BM25_K1 + 1) / (tf + norm)
        return scores


def _sort_key(row: IndexRow, order: SortOrder | None) -> tuple[bool, float]:
    number = row.numbers.get(order.field) if order else None
    return number is None, 0.0 if number is None else -number if order and order.descending else number


def _top_k(scored: Iterable[tuple[IndexRow, float]], limit: int) -> ScoredIds:
    best = sorted(scored, key=lambda pair: -pair[1])[:limit]
    return ScoredIds([row.product_id for row, _ in best], np.array([score for _, score in best], np.float32))
