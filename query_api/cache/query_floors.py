"""Which queries' floors a product's vector reaches: all queries at once, by one product of matrices."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

import numpy as np

from encoders.spec import FloatArray

Owner = TypeVar("Owner")

_FIRST_ROWS = 64


class QueryFloors(Generic[Owner]):
    """Vectors of queries, each with a floor and whose it is."""

    def __init__(self) -> None:
        self._vectors: FloatArray = np.zeros((0, 0), np.float32)
        self._floors = np.zeros(0)
        self._owners: list[Owner | None] = []
        self._free: list[int] = []

    def add(self, owner: Owner, vector: FloatArray, floor: float) -> int:
        """Watch a query; its place, by which it is removed.

        Args:
            vector: (2·dim,) float32, of the same size for all.
            floor: the inner product with a product's vector from which on the product reaches it.
        """
        if not self._free:
            self._grow(len(vector))
        at = self._free.pop()
        self._vectors[at], self._floors[at], self._owners[at] = vector, floor, owner
        return at

    def remove(self, at: int) -> None:
        """No longer watch the query at a place."""
        self._floors[at], self._owners[at] = math.inf, None
        self._free.append(at)

    def reached_by(self, vectors: FloatArray) -> list[list[Owner]]:
        """For each product, whose queries it reaches.

        Args:
            vectors: (n, 2·dim), of products.
        """
        if not self._owners:
            return [[] for _ in vectors]
        reached = vectors @ self._vectors.T >= self._floors
        return [[owner for at in np.flatnonzero(row) if (owner := self._owners[at]) is not None] for row in reached]

    def _grow(self, size: int) -> None:
        rows = len(self._owners)
        added = max(_FIRST_ROWS, rows)
        vectors = np.zeros((rows + added, size), np.float32)
        if rows:
            vectors[:rows] = self._vectors
        self._vectors = vectors
        self._floors = np.concatenate([self._floors, np.full(added, math.inf)])
        self._owners += [None] * added
        self._free += range(rows + added - 1, rows - 1, -1)
