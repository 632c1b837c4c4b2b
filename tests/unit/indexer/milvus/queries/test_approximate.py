"""An approximate index serves exact answers: shown on one that is as lossy as real ones were measured to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from encoders.spec import PART_SCALE, FloatArray, normalise_rows
from indexer.criteria import Filters, Ids, Range
from indexer.milvus.queries.approximate import IMAGE_FIELD, JOINT_FIELD, TEXT_FIELD, search_with_rescoring
from indexer.ports.products import ScoredIds

PRODUCTS, DIM, CLUSTERS = 20_000, 32, 150
LISTS, PROBED, ROUNDS = 128, 12, 4
SEEN = 4_000
"""How many products the index looks at before it filters."""
WEIGHTS = {"text": (1.0, 0.0), "image": (0.0, 1.0), "mixed": (0.5, 0.5), "negative": (1.0, -0.4)}
KEPT = (1.0, 0.5, 0.1, 0.01, 0.001)


def catalogue() -> FloatArray:
    """Fused vectors (n, 2·dim): clustered, the parts of a product alike but not the same, 30 % without a picture."""
    rng = np.random.default_rng(3)
    centres = normalise_rows(rng.standard_normal((CLUSTERS, DIM)).astype(np.float32))
    chosen = rng.integers(0, CLUSTERS, PRODUCTS)
    looks = np.where(rng.random(PRODUCTS) < 0.6, chosen, rng.integers(0, CLUSTERS, PRODUCTS))
    text, image = (normalise_rows(centres[at] + _noise(rng, PRODUCTS)) for at in (chosen, looks))
    image[rng.random(PRODUCTS) < 0.3] = 0
    return np.concatenate([text, image], axis=1) * PART_SCALE


def _noise(rng: np.random.Generator, rows: int) -> FloatArray:
    return (rng.standard_normal((rows, DIM)) / np.sqrt(DIM) * 0.8).astype(np.float32)


@dataclass
class LossyIndex:
    """Inverted lists over each field, of which a search probes a few, and filters what it has seen by then.

    Products are numbers, and their price is their number.
    """

    vectors: FloatArray
    exact_calls: int = 0

    def __post_init__(self) -> None:
        rng = np.random.default_rng(5)
        text, image = np.split(self.vectors, 2, axis=1)
        self._fields = {TEXT_FIELD: text, IMAGE_FIELD: image, JOINT_FIELD: self.vectors}
        self._centres = {name: _centres(rng, rows) for name, rows in self._fields.items()}
        self._lists = {name: _assigned(rows, self._centres[name]) for name, rows in self._fields.items()}

    async def nearest(self, field: str, vector: FloatArray, filters: Filters, limit: int) -> list[str]:
        probed = np.argsort(-(self._centres[field] @ vector))[:PROBED]
        seen = np.flatnonzero(np.isin(self._lists[field], probed))
        best = seen[np.argsort(-(self._fields[field][seen] @ vector))][:SEEN]
        return [str(number) for number in best if self._passes(filters)[number]][:limit]

    async def exact(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        self.exact_calls += not any(isinstance(criterion, Ids) for criterion in filters)
        passing = np.flatnonzero(self._passes(filters))
        scores = self.vectors[passing] @ vector
        best = np.argsort(-scores)[:limit]
        return ScoredIds([str(passing[at]) for at in best], scores[best])

    async def count_matching(self, filters: Filters) -> int:
        return int(self._passes(filters).sum())

    def _passes(self, filters: Filters) -> np.ndarray:
        passes = np.ones(len(self.vectors), bool)
        for criterion in filters:
            if isinstance(criterion, Range):
                passes[int(criterion.lt or 0) :] = False
            if isinstance(criterion, Ids):
                passes &= np.isin(np.arange(len(passes)), np.array([*map(int, criterion.product_ids)]))
        return passes


def _centres(rng: np.random.Generator, rows: FloatArray) -> FloatArray:
    """Of k-means after a few rounds (Lloyd, 1982, "Least squares quantization in PCM")."""
    centres = rows[rng.choice(len(rows), LISTS, replace=False)]
    for _ in range(ROUNDS):
        members = np.eye(LISTS, dtype=np.float32)[_assigned(rows, centres)]
        centres = (members.T @ rows) / np.maximum(members.sum(axis=0), 1)[:, None]
    return centres


def _assigned(rows: FloatArray, centres: FloatArray) -> np.ndarray:
    distances = (centres**2).sum(axis=1) - 2 * rows @ centres.T
    return distances.argmin(axis=1)


@pytest.fixture(scope="module")
def index() -> LossyIndex:
    return LossyIndex(catalogue())


def queries(index: LossyIndex, weights: tuple[float, float]) -> list[FloatArray]:
    rng = np.random.default_rng(11)
    text, image = np.split(index.vectors, 2, axis=1)
    pictured = np.flatnonzero(image.any(axis=1))
    near = [
        (normalise_rows(text[at : at + 1])[0], normalise_rows(image[at : at + 1])[0]) for at in rng.choice(pictured, 15)
    ]
    noise = [normalise_rows(_noise(rng, 1))[0] * 0.3 for _ in near]
    return [np.concatenate([(t + n) * weights[0], (i + n) * weights[1]]) for (t, i), n in zip(near, noise, strict=True)]


async def recall(index: LossyIndex, weights: tuple[float, float], kept: float, *, direct: bool = False) -> float:
    filters: Filters = () if kept == 1 else (Range("price", lt=PRODUCTS * kept),)
    found: list[float] = []
    for query in queries(index, weights):
        true = set((await index.exact(query, filters, 10)).ids)
        if direct:
            hits = set((await index.nearest(JOINT_FIELD, query, filters, 10))[:10])
        else:
            hits = set((await search_with_rescoring(index, query, filters, 10, exact_below=500)).ids)
        found.append(len(hits & true) / len(true))
    return float(np.mean(found))


async def test_the_index_by_itself_is_lossy(index: LossyIndex) -> None:
    assert await recall(index, WEIGHTS["image"], 1.0, direct=True) < 0.8
    assert await recall(index, WEIGHTS["mixed"], 0.01, direct=True) < 0.9


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
async def test_recall_is_that_of_exact_search(index: LossyIndex, weights: tuple[float, float], kept: float) -> None:
    assert await recall(index, weights, kept) >= 0.98


async def test_a_filter_that_leaves_few_has_each_of_them_scored_and_no_other(index: LossyIndex) -> None:
    [query, *_] = queries(index, WEIGHTS["text"])
    before = index.exact_calls
    found = await search_with_rescoring(index, query, (Range("price", lt=400),), 1_000, exact_below=500)
    assert len(found) == 400 and index.exact_calls == before + 1
    await search_with_rescoring(index, query, (), 10, exact_below=500)
    assert index.exact_calls == before + 1


async def test_weights_of_nothing_find_something(index: LossyIndex) -> None:
    assert len(await search_with_rescoring(index, np.zeros(2 * DIM, np.float32), (), 10, exact_below=500)) == 10
