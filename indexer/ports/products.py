"""The product store as the rest of the system knows it.

It has an in-memory double that passes the same contract tests as the real one, as all ports have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from msgspec import Struct

from encoders.spec import FloatArray
from indexer.criteria import Filters, SortOrder
from indexer.records import IndexRow, StoredProduct, StoredRow


@dataclass(frozen=True, slots=True, eq=False)
class ScoredIds:
    """What a search found, best first, as two columns: the n-th score is the n-th product's."""

    ids: Sequence[str]
    """Product ids, (n,)."""
    scores: FloatArray
    """Inner products for dense search, BM25 (≥ 0) for lexical search; (n,) float32."""

    def __len__(self) -> int:
        return len(self.ids)

    def by_id(self) -> dict[str, float]:
        """Scores by product id, in the same order."""
        return dict(zip(self.ids, self.scores.tolist(), strict=True))


NOTHING_FOUND = ScoredIds((), np.empty(0, np.float32))
"""What a search finds where there is nothing."""


class Candidate(Struct, frozen=True, gc=False):
    """A product that one of several searches in a call found, with its payload."""

    product_id: str
    score: float
    """As `ScoredIds.scores`."""
    payload: bytes
    """`IndexRow.hit_payload`."""


@dataclass(frozen=True, slots=True)
class ProductCounts:
    """How many products the index holds, tombstones apart."""

    searchable: int
    incomplete: int


class ProductStore(Protocol):
    """One generation of the product index.

    Durable: what `write` returned from survives a crash of any process. Idempotent: rows replace rows by product id.
    Reads see every write that returned before. Cancellation leaves a write wholly done or wholly undone for each row.
    Safe for concurrent use by the tasks of one event loop; there is no compare-and-set, so each product has one writer.
    Every call raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    @property
    def has_full_text(self) -> bool:
        """Whether products are found by words. Where they are not, searches by words find nothing, and `WithoutWords`
        leaves nothing out."""
        ...

    async def read(self, product_ids: Sequence[str]) -> dict[str, tuple[StoredProduct, FloatArray]]:
        """What is stored of these products, tombstones too, with fused vectors (2·dim,); unknown ids are absent."""
        ...

    async def scan(self, after: str, limit: int) -> dict[str, tuple[StoredProduct, FloatArray]]:
        """The next products by id, as `read` gives them: at most `limit` of those greater than `after`, in order.

        To go through all, pass the last id of each page to the next; an empty page is the end. Products that are
        written meanwhile are seen as they are when their page is read.
        """
        ...

    async def read_rows(self, product_ids: Sequence[str]) -> dict[str, StoredRow]:
        """Like `read`, with the terms too."""
        ...

    async def read_states(self, product_ids: Sequence[str]) -> dict[str, StoredProduct]:
        """Like `read`, without the vectors, which are most of the bytes."""
        ...

    async def scan_states(self, after: str, limit: int) -> dict[str, StoredProduct]:
        """Like `scan`, without the vectors."""
        ...

    async def write(self, rows: Sequence[IndexRow], until: float = math.inf) -> None:
        """Insert or replace rows; ids must be distinct.

        Args:
            rows: what to write.
            until: the time of the monotonic clock, seconds, by which the write has landed or is given up.

        Raises:
            InvalidRecord: before anything is written.
        """
        ...

    async def search_dense(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        """Searchable products by inner product with `vector` (2·dim,), greatest first; `limit` ≤ 1,000."""
        ...

    async def search_lexical(self, text: str, filters: Filters, limit: int) -> ScoredIds:
        """Searchable products that share a term with the analysed `text`, by BM25, greatest first; `limit` ≤ 1,000."""
        ...

    async def search_terms(self, terms: str, filters: Filters, limit: int) -> ScoredIds:
        """Like `search_lexical`, by analysed terms separated by blanks; a score is the sum of its terms' scores."""
        ...

    async def search_dense_all(self, vectors: FloatArray, filters: Filters, limit: int) -> list[list[Candidate]]:
        """As `search_dense`, for vectors (n, 2·dim), n ≤ 256: an answer each, by one call if the index is exact, with
        the payloads of what is found."""
        ...

    async def search_terms_all(self, terms: Sequence[str], filters: Filters, limit: int) -> list[list[Candidate]]:
        """As `search_terms`, for up to 256 of them in one call, with payloads: an answer each; none for empty ones."""
        ...

    async def score_dense(self, vector: FloatArray, product_ids: Sequence[str]) -> dict[str, float]:
        """Inner products with `vector` (2·dim,) of those of ≤ 1,000 products that are searchable."""
        ...

    async def score_lexical(self, text: str, product_ids: Sequence[str]) -> dict[str, float]:
        """BM25 of those of ≤ 1,000 products that share a term with the analysed `text`, as `search_lexical` has it."""
        ...

    async def browse(self, filters: Filters, limit: int, order: SortOrder | None = None) -> list[str]:
        """The ids of the first `limit` ≤ 16,384 searchable products that match, by a number or else by id."""
        ...

    async def read_payloads(self, product_ids: Sequence[str]) -> dict[str, bytes]:
        """`IndexRow.hit_payload` of those of the products that are searchable, in no order."""
        ...

    async def scan_payloads(self, filters: Filters, limit: int) -> dict[str, bytes]:
        """The first `limit` ≤ 16,384 searchable products that match, by id, in order, with their payloads."""
        ...

    async def count_matching(self, filters: Filters) -> int:
        """How many searchable products match."""
        ...

    async def count(self) -> ProductCounts:
        """How many products there are."""
        ...
