"""Gradient-boosted trees scored by numpy: all rows and all trees at once. Pure.

Source: Lucchese et al., 2015, "QuickScorer: A Fast Algorithm to Rank Documents with Additive Ensembles of Regression
Trees". Each tree's leaves are the bits of a mask. A test that fails clears those that it makes unreachable, and the
lowest bit that is left is the leaf. Here what all failing tests of a feature clear is looked up by the feature's place
among its sorted thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Values = NDArray[np.float64]
Masks = NDArray[np.unsignedinteger[Any]]
MAX_LEAVES = 64


class Tree(Struct, frozen=True):
    """A regression tree of inner nodes, the root first, and leaves from left to right.

    A row goes left at a node if its value is at most the threshold. Raises `ValueError` where it is no tree.
    """

    feature: list[int]
    """Of each inner node, which column it looks at."""
    threshold: list[float]
    nan_left: list[bool]
    """Whether a row without a value goes left."""
    left: list[int]
    right: list[int]
    """Children: ≥ 0 an inner node, -1 − i the leaf i."""
    leaf: list[float]
    """The leaves' values; one alone: there are no nodes."""

    def __post_init__(self) -> None:
        nodes = len(self.feature)
        if {len(column) for column in (self.threshold, self.nan_left, self.left, self.right)} != {nodes}:
            raise ValueError("a tree's columns are of different lengths")
        if not 1 <= len(self.leaf) <= MAX_LEAVES:
            raise ValueError(f"a tree has {len(self.leaf)} leaves; it takes 1 to {MAX_LEAVES}")
        if [*self.leaves_under(0 if nodes else -1)] != [*range(len(self.leaf))]:
            raise ValueError("a tree's leaves are not in their order")

    def leaves_under(self, child: int) -> Iterator[int]:
        """The leaves under a child, from left to right. Raises `ValueError` where there is no way to them."""
        stack, steps = [child], 0
        while stack:
            at, steps = stack.pop(), steps + 1
            if steps > 2 * MAX_LEAVES or not -len(self.leaf) <= at < len(self.feature):
                raise ValueError("a tree's nodes make no tree")
            if at < 0:
                yield -1 - at
            else:
                stack += [self.right[at], self.left[at]]


class _Test(NamedTuple):
    """An inner node: the leaves of a tree that are still reachable where its test fails."""

    threshold: float
    nan_left: bool
    tree: int
    mask: int


class _Column(NamedTuple):
    """All tests of one feature."""

    feature: int
    thresholds: Values
    """(m,) ascending."""
    reachable: Masks
    """(m + 2, trees): after how many thresholds are passed, which leaves are left; the last row: with no value."""


class TreeScorer:
    """The sum of trees, for rows of features. May be called from any thread."""

    def __init__(self, trees: Sequence[Tree]) -> None:
        most = max((len(tree.leaf) for tree in trees), default=1)
        self._bits = next(bits for bits in (8, 16, 32, 64) if bits >= most)
        self._dtype = np.dtype(f"u{self._bits // 8}")
        self._trees = len(trees)
        self._columns = [*_columns(trees, self._dtype)]
        self._leaves = np.zeros((len(trees), self._bits))
        for row, tree in zip(self._leaves, trees, strict=True):
            row[: len(tree.leaf)] = tree.leaf
        self._first = np.arange(len(trees), dtype=np.intp) * self._bits
        self._lowest_bit = _lowest_bits(min(self._bits, 16))

    def scores(self, rows: Values) -> Values:
        """The trees' sum for each row, (n,).

        Args:
            rows: (n, features), NaN where there is no value.
        """
        masks = np.full((len(rows), self._trees), np.iinfo(self._dtype).max, self._dtype)
        left, by_feature, missing = np.empty_like(masks), np.ascontiguousarray(rows.T), np.isnan(rows.T)
        for column in self._columns:
            values = by_feature[column.feature]
            places = cast(NDArray[np.intp], np.searchsorted(column.thresholds, values, side="left"))
            places[missing[column.feature]] = len(column.thresholds) + 1
            # `clip` as otherwise what is taken is buffered.
            masks &= column.reachable.take(places, axis=0, out=left, mode="clip")
        return self._leaves.ravel().take(self._exit_leaves(masks) + self._first).sum(axis=1)

    def _exit_leaves(self, masks: Masks) -> NDArray[np.intp]:
        if self._bits <= 16:
            return self._lowest_bit[masks]
        # The exponent of the lowest bit alone.
        return np.frexp((masks & (~masks + self._dtype.type(1))).astype(np.float64))[1].astype(np.intp) - 1


def _lowest_bits(bits: int) -> NDArray[np.intp]:
    """The place of each number's lowest bit; any for 0."""
    lowest: Values = np.array([number & -number for number in range(2**bits)], np.float64)
    return np.frexp(lowest)[1].astype(np.intp) - 1


def _columns(trees: Sequence[Tree], dtype: np.dtype[Any]) -> Iterator[_Column]:
    by_feature: dict[int, list[_Test]] = {}
    for number, tree in enumerate(trees):
        for at, feature in enumerate(tree.feature):
            cleared = sum(1 << leaf for leaf in tree.leaves_under(tree.left[at]))
            mask = int(np.iinfo(dtype).max) & ~cleared
            test = _Test(tree.threshold[at], tree.nan_left[at], number, mask)
            by_feature.setdefault(feature, []).append(test)
    for feature, tests in sorted(by_feature.items()):
        tests.sort(key=lambda test: test.threshold)
        reachable = np.full((len(tests) + 2, len(trees)), np.iinfo(dtype).max, dtype)
        for passed, test in enumerate(tests, start=1):
            reachable[passed] = reachable[passed - 1]
            reachable[passed, test.tree] &= dtype.type(test.mask)
            if not test.nan_left:
                reachable[-1, test.tree] &= dtype.type(test.mask)
        yield _Column(feature, np.array([test.threshold for test in tests]), reachable)
