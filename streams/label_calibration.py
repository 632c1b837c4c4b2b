"""How often suggestions are right, measured on products of the index that state what would be suggested.

Of a sample of products each wanted field is left out, as if the merchant had not stated it: the text is encoded anew
without it, neighbours are looked up, and the candidates are compared with the truth. So confidences are those of this
encoder and this catalogue, whatever they are, and no weights come along with the program.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from encoders.port import BatchEncoder
from encoders.spec import EmbeddingSpec, FloatArray, fuse, split
from indexer.calibration import Calibration, calibrate
from indexer.errors import IndexerError
from indexer.lexical import document_text
from indexer.ports import ProductStore
from indexer.rows import embedding_text
from indexer.suggestions import Candidate, Labels, candidates, is_attribute, is_right, stated, without
from streams import metrics
from streams.config import LabellingConfig
from streams.labelling import Asked, Labeller, Neighbourhood

log = logging.getLogger(__name__)

ENOUGH = 400
"""Products that are looked at."""
LEAST = 40
"""With fewer products that state a field, nothing is known of it."""
PROBES, PROBE_LIMIT, PAGE = 16, 50, 64
CHUNK = 16
"""Products encoded and looked up at once, so that indexing waits for no more."""
AGAIN_S, LATER_S = 5.0, 3_600.0
"""When to look again: soon while products are few, then now and then."""
GROWN = 1.25
_SEED = 1


@dataclass(frozen=True, slots=True)
class Sampled:
    """A product of the index, its fields and its fused vector (2·dim,)."""

    product_id: str
    fields: dict[str, Any]
    vector: FloatArray


@dataclass(frozen=True, slots=True)
class Trial:
    """A product as if it did not state some fields, and what it states."""

    asked: Asked
    left_out: frozenset[str]
    truth: Labels


class LabelCalibrator:
    """Keeps a labeller's calibrations up to date in the background."""

    def __init__(
        self,
        store: ProductStore,
        encoder: BatchEncoder,
        neighbourhood: Neighbourhood,
        labeller: Labeller,
        config: LabellingConfig,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._neighbourhood = neighbourhood
        self._labeller = labeller
        self._config = config
        self._sampled = 0

    async def run(self) -> None:
        """Measure, and measure again as the catalogue grows, until cancelled."""
        while True:
            try:
                if self._config.fields:
                    await self.measure()
            except IndexerError as error:
                log.warning("label_calibration_waits", extra={"reason": str(error)[:300]})
            except Exception:
                # Indexing goes on with the calibrations that there are, whatever it is.
                log.exception("label_calibration_failed")
            await asyncio.sleep(LATER_S if self._sampled >= ENOUGH else AGAIN_S)

    async def measure(self) -> None:
        """Look at a sample of products, unless it would be much the same. Raises `StoreUnavailable`."""
        sample = await sample_products(self._store, self._encoder.spec)
        if len(sample) < max(LEAST, min(ENOUGH, GROWN * self._sampled)):
            return
        cases: dict[str, list[tuple[Candidate, bool]]] = defaultdict(list)
        counted: dict[str, set[str]] = defaultdict(set)
        for start in range(0, len(sample), CHUNK):
            for trial, found in await self._tried(sample[start : start + CHUNK]):
                for one in found:
                    # For attributes that too few products state, all of them together stand in.
                    for name in {one.field, one.field.partition(".")[0]}:
                        cases[name].append((one, is_right(one, trial.truth)))
                        counted[name].add(trial.asked.product_id)
        self._labeller.calibrations = {
            name: _fitted(some) for name, some in cases.items() if len(counted[name]) >= LEAST
        }
        self._sampled = len(sample)
        metrics.CALIBRATED_PRODUCTS.set(len(sample))
        log.info("labels_calibrated", extra={"products": len(sample), "fields": sorted(self._labeller.calibrations)})

    async def _tried(self, sample: Sequence[Sampled]) -> list[tuple[Trial, list[Candidate]]]:
        """Products with fields left out, and the candidates for those."""
        trials = await self._trials(sample)
        nearest = await self._neighbourhood.of([one.asked for one in trials])
        found = [candidates(some.evidence(), trial.asked.terms) for trial, some in zip(trials, nearest, strict=True)]
        return [
            (trial, [one for one in some if one.field in trial.left_out])
            for trial, some in zip(trials, found, strict=True)
        ]

    async def _trials(self, sample: Sequence[Sampled]) -> list[Trial]:
        spec = self._encoder.spec
        bare = [(one, left_out) for one in sample for left_out in _units(stated(one.fields), self._config.fields)]
        fields = [_without(one.fields, left_out) for one, left_out in bare]
        texts = [embedding_text(one) for one in fields]
        rows, _ = await self._encoder.encode(texts, [])
        return [
            Trial(
                Asked(one.product_id, _vector(spec, row if text else None, one.vector), document_text(rest)),
                left_out,
                truth,
            )
            for (one, left_out), rest, text, row in zip(bare, fields, texts, rows, strict=True)
            for truth in [stated(one.fields)]
        ]


async def sample_products(store: ProductStore, spec: EmbeddingSpec) -> list[Sampled]:
    """Products from all over the catalogue: those farthest in random directions. Raises `StoreUnavailable`."""
    directions = np.random.default_rng(_SEED).standard_normal((PROBES, spec.fused_dim)).astype(np.float32)
    answers = await store.search_dense_all(directions, (), PROBE_LIMIT)
    # One of each direction after another, so that the first of them are from all over, too.
    ids = list(dict.fromkeys(one.product_id for some in zip_longest(*answers) for one in some if one))[:ENOUGH]
    found: list[Sampled] = []
    for start in range(0, len(ids), PAGE):
        page = await store.read(ids[start : start + PAGE])
        found += [Sampled(name, stored.state.fields, vector) for name, (stored, vector) in page.items()]
    return found


def _vector(spec: EmbeddingSpec, text: FloatArray | None, stored: FloatArray) -> FloatArray:
    """The fused vector (2·dim,) of a product with another text; of a joint space, of that text alone."""
    return fuse(spec, text, text if spec.joint else split(spec, stored)[1])


def _units(own: Labels, wanted: Sequence[str]) -> Iterator[frozenset[str]]:
    """The fields to be left out at a time: each wanted one that is stated; all attributes, where all are wanted."""
    for name in wanted:
        left_out = {field for field in own if field == name or is_attribute(field, (name,))}
        if left_out:
            yield frozenset(left_out)


def _without(fields: dict[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    for name in left_out:
        fields = without(fields, name)
    return fields


def _fitted(cases: Sequence[tuple[Candidate, bool]]) -> Calibration:
    return calibrate(
        np.array([one.features for one, _ in cases], np.float64), np.array([right for _, right in cases], np.float64)
    )
