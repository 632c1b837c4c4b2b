"""Candidates of one retrieval request, kept in the process, and which changed products they have to do with."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from indexer.filters import matches
from indexer.records import IndexRow
from indexer.text_analysis.analyzer import query_terms
from query_api.cache.change_feed import ChangedProduct
from query_api.cache.pages import Page, PageKey
from query_api.cards.card import TasteColumns
from query_api.cards.first_hits import FirstHits
from query_api.retrieval.candidate_columns import CandidateColumns
from query_api.retrieval.candidate_set import CandidateSet, RetrievalQuery

BYTES_PER_ID = 96
"""What an id takes in memory, at most, with its place in a set, where other entries have it as well."""
BYTES_PER_CANDIDATE = 136
"""What a candidate takes, its id included, at most."""
BYTES_PER_ORDERED = 16
"""What its place in columns of its own takes, with both scores, beside its id."""
ENTRY_BYTES = 1_024
"""What an entry takes beside its candidates and its vector."""
SCORE_TOLERANCE = 1e-3
"""Part of a score by which engines may differ from arithmetic here, for the order of sums or half precision."""


class ForTastes(NamedTuple):
    """What a shopper's order is made of, with no look at a card."""

    items: CandidateColumns
    """The candidates that are shown."""
    products: TasteColumns
    """What tastes look at of them."""
    first: tuple[str, ...] = ()
    """The first hits of the impersonal order."""
    first_hits: FirstHits | None = None
    """What those have in common."""
    asked_for: tuple[str, ...] = ()
    """Those of them that the query names."""
    unwanted: frozenset[str] = frozenset()
    """Those of them with what it says that it does not want."""

    @property
    def byte_size(self) -> int:
        """What it takes in memory, at most; the ids are the entry's."""
        return self.products.byte_size + BYTES_PER_ORDERED * len(self.items)


@dataclass(slots=True, eq=False)
class LiveEntry:
    """Candidates as of a position in the change log, but for the products that they were `touched` by since.

    A changed product touches them if it is among them, or if it may have to be: as it passes the filters and reaches
    the floor of the dense search or shares a word. What does not touch them leaves them as a search would find them.
    """

    key: str
    query: RetrievalQuery
    """What was looked for, with its vector."""
    candidates: CandidateSet
    asked_with: frozenset[str]
    """Products that the query is made of: with one of them, it is another query."""
    expires_s: float = math.inf
    """When they are searched anew all the same, by the clock of who keeps them."""
    touched: set[str] = field(default_factory=set[str])
    """Ids of products that have to be looked at before the candidates are used."""
    pages: dict[PageKey, Page] = field(default_factory=dict[PageKey, Page])
    """Finished pages made of them as they are, the oldest first."""
    for_tastes: ForTastes | None = None
    """The same for shoppers' orders; None: nobody asked for one yet."""
    product_ids: frozenset[str] = field(init=False)
    terms: frozenset[str] = field(init=False)
    """Of the words that lexical search looked for."""
    floor: float = field(init=False)
    """The dense score from which on a product belongs; infinite: none does for its vector."""
    byte_size: int = field(init=False)
    """What it takes in memory, at most, without its pages."""

    def __post_init__(self) -> None:
        # One text for all entries that have the product.
        self.product_ids = frozenset(map(sys.intern, self.candidates.items.ids))
        self.terms = frozenset(query_terms(self.query.text).split()) if self.query.text else frozenset()
        self.floor = _floor(self.query, self.candidates)
        vector_bytes = 0 if self.query.vector is None else 2 * self.query.vector.nbytes
        self.byte_size = ENTRY_BYTES + (BYTES_PER_CANDIDATE + BYTES_PER_ID) * len(self.candidates.items) + vector_bytes

    @property
    def admits_all(self) -> bool:
        """Whether every product belongs that passes the filters."""
        return self.floor == -math.inf

    def admits(self, row: IndexRow) -> bool:
        """Whether a product that passes the filters may belong."""
        if not row.searchable:
            return False
        if self.admits_all or not self.terms.isdisjoint(row.lexical.split()):
            return True
        vector = self.query.vector
        return vector is not None and bool(np.dot(vector, row.vector) >= self.floor)

    def passes(self, row: IndexRow) -> bool:
        """Whether a product passes the filters."""
        return matches(row, self.query.filters)

    def touched_by(self, changed: Iterable[ChangedProduct]) -> set[str]:
        """The ids of those that touch it."""
        return {
            product.product_id
            for product in changed
            if product.row is None
            or product.product_id in self.product_ids
            or product.product_id in self.asked_with
            or (self.admits(product.row) and self.passes(product.row))
        }

    def can_be_refreshed(self, max_changes: int) -> bool:
        """Whether looking at the products that touched it is enough: else they have to be searched anew."""
        if not self.touched:
            return True
        is_same_query = self.asked_with.isdisjoint(self.touched)
        return is_same_query and self.candidates.is_refreshable and len(self.touched) <= max_changes


def _floor(query: RetrievalQuery, candidates: CandidateSet) -> float:
    if query.is_browse or (query.vector is not None and candidates.dense_floor is None):
        return -math.inf
    if query.vector is None or candidates.dense_floor is None:
        return math.inf
    floor = candidates.dense_floor
    return floor - SCORE_TOLERANCE * max(abs(floor), float(np.linalg.norm(query.vector)))
