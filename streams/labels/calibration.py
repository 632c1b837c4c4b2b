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

from encoders.port import AsyncEncoder
from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts, split_parts
from indexer.errors import IndexerError
from indexer.labels.calibration import Calibration, fit_calibration
from indexer.labels.suggestions import LabelCandidate, is_correct, is_wanted_attribute, label_candidates
from indexer.ports import ProductStore
from indexer.rows import embedding_text
from indexer.stated_labels import Labels, stated_labels, without_label
from indexer.text_analysis.analyzer import document_terms
from streams import metrics
from streams.config import LabellingConfig
from streams.labels.labelling import Labeller, NeighbourQuery, NeighbourSearch

log = logging.getLogger(__name__)

SAMPLE_PRODUCTS = 400
"""Products that are looked at."""
MIN_PRODUCTS = 40
"""With fewer products that state a field, nothing is known of it."""
PROBES, HITS_PER_PROBE, PAGE_PRODUCTS = 16, 50, 64
CHUNK_PRODUCTS = 16
"""Products encoded and looked up at once, so that indexing waits for no more."""
RETRY_S, REFRESH_S = 5.0, 3_600.0
"""When to look again: soon while products are few, then now and then."""
GROWTH_FACTOR = 1.25
_SEED = 1


@dataclass(frozen=True, slots=True)
class SampledProduct:
    """A product of the index, its fields and its fused vector (2·dim,)."""

    product_id: str
    fields: dict[str, Any]
    vector: FloatArray


@dataclass(frozen=True, slots=True)
class HeldOutTrial:
    """A product as if it did not state some fields, and what it states."""

    query: NeighbourQuery
    held_out_fields: frozenset[str]
    stated_labels: Labels


class LabelCalibrator:
    """Keeps a labeller's calibrations up to date in the background."""

    def __init__(
        self,
        store: ProductStore,
        encoder: AsyncEncoder,
        neighbourhood: NeighbourSearch,
        labeller: Labeller,
        config: LabellingConfig,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._neighbourhood = neighbourhood
        self._labeller = labeller
        self._config = config
        self._sample_size = 0

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
            await asyncio.sleep(REFRESH_S if self._sample_size >= SAMPLE_PRODUCTS else RETRY_S)

    async def measure(self) -> None:
        """Look at a sample of products, unless it would be much the same. Raises `StoreUnavailable`."""
        sample = await sample_products(self._store, self._encoder.spec)
        if len(sample) < max(MIN_PRODUCTS, min(SAMPLE_PRODUCTS, GROWTH_FACTOR * self._sample_size)):
            return
        cases: dict[str, list[tuple[LabelCandidate, bool]]] = defaultdict(list)
        counted: dict[str, set[str]] = defaultdict(set)
        for start in range(0, len(sample), CHUNK_PRODUCTS):
            for trial, found in await self._candidates_of_trials(sample[start : start + CHUNK_PRODUCTS]):
                for one in found:
                    # For attributes that too few products state, all of them together stand in.
                    for name in {one.field, one.field.partition(".")[0]}:
                        cases[name].append((one, is_correct(one, trial.stated_labels)))
                        counted[name].add(trial.query.product_id)
        self._labeller.calibrations = {
            name: _fit(some) for name, some in cases.items() if len(counted[name]) >= MIN_PRODUCTS
        }
        self._sample_size = len(sample)
        metrics.CALIBRATED_PRODUCTS.set(len(sample))
        log.info("labels_calibrated", extra={"products": len(sample), "fields": sorted(self._labeller.calibrations)})

    async def _candidates_of_trials(
        self, sample: Sequence[SampledProduct]
    ) -> list[tuple[HeldOutTrial, list[LabelCandidate]]]:
        """Products with fields left out, and the candidates for those."""
        trials = await self._trials(sample)
        nearest = await self._neighbourhood.nearest([one.query for one in trials])
        found = [
            label_candidates(some.evidence(), trial.query.terms) for trial, some in zip(trials, nearest, strict=True)
        ]
        return [
            (trial, [one for one in some if one.field in trial.held_out_fields])
            for trial, some in zip(trials, found, strict=True)
        ]

    async def _trials(self, sample: Sequence[SampledProduct]) -> list[HeldOutTrial]:
        spec = self._encoder.spec
        bare = [
            (one, left_out)
            for one in sample
            for left_out in _held_out_field_sets(stated_labels(one.fields), self._config.fields)
        ]
        fields = [_without(one.fields, left_out) for one, left_out in bare]
        texts = [embedding_text(one) for one in fields]
        rows, _ = await self._encoder.encode(texts, [])
        return [
            HeldOutTrial(
                NeighbourQuery(one.product_id, _vector(spec, row if text else None, one.vector), document_terms(rest)),
                left_out,
                truth,
            )
            for (one, left_out), rest, text, row in zip(bare, fields, texts, rows, strict=True)
            for truth in [stated_labels(one.fields)]
        ]


async def sample_products(store: ProductStore, spec: EmbeddingSpec) -> list[SampledProduct]:
    """Products from all over the catalogue: those farthest in random directions. Raises `StoreUnavailable`."""
    directions = np.random.default_rng(_SEED).standard_normal((PROBES, spec.fused_dim)).astype(np.float32)
    answers = await store.search_dense_all(directions, (), HITS_PER_PROBE)
    # One of each direction after another, so that the first of them are from all over, too.
    ids = list(dict.fromkeys(one.product_id for some in zip_longest(*answers) for one in some if one))[:SAMPLE_PRODUCTS]
    found: list[SampledProduct] = []
    for start in range(0, len(ids), PAGE_PRODUCTS):
        page = await store.read(ids[start : start + PAGE_PRODUCTS])
        found += [SampledProduct(name, stored.state.fields, vector) for name, (stored, vector) in page.items()]
    return found


def _vector(spec: EmbeddingSpec, text: FloatArray | None, stored: FloatArray) -> FloatArray:
    """The fused vector (2·dim,) of a product with another text; of a joint space, of that text alone."""
    return fuse_parts(spec, text, text if spec.joint else split_parts(spec, stored)[1])


def _held_out_field_sets(own: Labels, wanted: Sequence[str]) -> Iterator[frozenset[str]]:
    """The fields to be left out at a time: each wanted one that is stated; all attributes, where all are wanted."""
    for name in wanted:
        left_out = {field for field in own if field == name or is_wanted_attribute(field, (name,))}
        if left_out:
            yield frozenset(left_out)


def _without(fields: dict[str, Any], left_out: frozenset[str]) -> dict[str, Any]:
    for name in left_out:
        fields = without_label(fields, name)
    return fields


def _fit(cases: Sequence[tuple[LabelCandidate, bool]]) -> Calibration:
    return fit_calibration(
        np.array([one.features for one, _ in cases], np.float64), np.array([right for _, right in cases], np.float64)
    )
