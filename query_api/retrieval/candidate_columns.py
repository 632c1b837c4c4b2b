"""Candidates side by side: a column of ids and one of each raw score. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import overload

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from encoders.spec import FloatArray

Places = NDArray[np.intp]

_SEPARATOR = "\n"
"""Between packed ids; no product id has it."""

PackedColumns = tuple[bytes, bytes, bytes]
"""Ids, dense and lexical scores, as `CandidateColumns.pack` writes them."""


class ScoredCandidate(Struct, frozen=True, gc=False):
    """A candidate with its raw scores."""

    product_id: str
    dense: float
    """Weighted similarity, exact; 0 without a vector."""
    lexical: float
    """BM25, exact; 0 where it shares no term with the text."""


class CandidateColumns(Sequence[ScoredCandidate]):
    """Candidates by product id, each once, as columns; one of them is an object only when it is asked for.

    A stable sort by any score leaves equal ones by product id.
    """

    __slots__ = ("dense", "ids", "lexical")

    def __init__(self, ids: list[str], dense: FloatArray, lexical: FloatArray) -> None:
        """Args: ids: (n,) ascending and distinct; dense, lexical: raw scores (n,) float32."""
        self.ids = ids
        self.dense = dense
        self.lexical = lexical

    @classmethod
    def of(cls, candidates: Iterable[ScoredCandidate]) -> CandidateColumns:
        """The columns of distinct candidates in any order."""
        rows = sorted(candidates, key=lambda one: one.product_id)
        dense = np.array([row.dense for row in rows], np.float32)
        return cls([row.product_id for row in rows], dense, np.array([row.lexical for row in rows], np.float32))

    @classmethod
    def unscored(cls, product_ids: Iterable[str]) -> CandidateColumns:
        """Products without scores."""
        ids = sorted(product_ids)
        return cls(ids, np.zeros(len(ids), np.float32), np.zeros(len(ids), np.float32))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> ScoredCandidate: ...

    @overload
    def __getitem__(self, at: slice) -> CandidateColumns: ...

    def __getitem__(self, at: int | slice) -> ScoredCandidate | CandidateColumns:
        if isinstance(at, slice):
            return CandidateColumns(self.ids[at], self.dense[at], self.lexical[at])
        return ScoredCandidate(self.ids[at], float(self.dense[at]), float(self.lexical[at]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CandidateColumns) and self.pack() == other.pack()

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def without(self, product_ids: Collection[str]) -> CandidateColumns:
        """All but some products."""
        gone = set(product_ids)
        if not gone or gone.isdisjoint(self.ids):
            return self
        return self.kept(np.array([product_id not in gone for product_id in self.ids], bool))

    def kept(self, mask: NDArray[np.bool_]) -> CandidateColumns:
        """Those for which `mask` (n,) is true."""
        return CandidateColumns(
            [self.ids[at] for at in np.flatnonzero(mask).tolist()], self.dense[mask], self.lexical[mask]
        )

    def joined(self, others: CandidateColumns) -> CandidateColumns:
        """These candidates and others, none of which is among them."""
        return self.joined_at(others)[0] if others else self

    def joined_at(self, others: CandidateColumns) -> tuple[CandidateColumns, Places, Places]:
        """The same, and at which places of it these are, (n,), and the others, (m,)."""
        ids = [*self.ids, *others.ids]
        order = sorted(range(len(ids)), key=ids.__getitem__)
        dense = np.concatenate([self.dense, others.dense])[order]
        lexical = np.concatenate([self.lexical, others.lexical])[order]
        places = np.empty(len(ids), np.intp)
        places[order] = np.arange(len(ids))
        joined = CandidateColumns([ids[at] for at in order], dense, lexical)
        return joined, places[: len(self)], places[len(self) :]

    def pack(self) -> PackedColumns:
        """The bytes that `unpack` reads: 8 a candidate, and its id."""
        return _SEPARATOR.join(self.ids).encode(), self.dense.tobytes(), self.lexical.tobytes()

    @classmethod
    def unpack(cls, packed: PackedColumns) -> CandidateColumns:
        """The columns that `pack` wrote.

        Raises:
            ValueError: they are of different lengths.
        """
        ids, dense, lexical = packed
        columns = cls(
            ids.decode().split(_SEPARATOR) if ids else [],
            np.frombuffer(dense, np.float32),
            np.frombuffer(lexical, np.float32),
        )
        if not len(columns.ids) == len(columns.dense) == len(columns.lexical):
            raise ValueError(f"{len(columns.ids)} ids with {len(columns.dense)} and {len(columns.lexical)} scores")
        return columns
