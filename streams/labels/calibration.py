"""How often suggestions are right, measured on products of the index that state what would be suggested.

For a sample of products each wanted field is left out, as if the merchant had not stated it: the text is encoded anew
without it, neighbours are looked up, and the candidates are compared with what the merchant states. So a confidence is
a measured frequency for this encoder and this catalogue; no weights ship with the program.
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
from indexer.ports.products import ProductStore
from indexer.rows import embedding_text
from indexer.stated_labels import Labels, stated_labels, without_label
from indexer.text_analysis.analyzer import document_terms
from streams import metrics
from streams.config import LabellingConfig
from streams.labels.labelling import Labeller
from streams.labels.neighbours import NeighbourQuery, NeighbourSearch

log = logging.getLogger(__name__)

SAMPLE_PRODUCTS = 400
MIN_PRODUCTS = 40
"""A field that fewer products of the sample state gets no calibration."""
PROBES, HITS_PER_PROBE = 16, 50
"""Random directions that the sample is searched in, and products of each."""
PAGE_PRODUCTS = 64
"""Products read by one call."""
CHUNK_PRODUCTS = 16
"""Products encoded and looked up at once: so long, at most, indexing waits for the encoder."""
RETRY_S, REFRESH_S = 5.0, 3_600.0
"""Between two measurements: while the sample is not full, and afterwards."""
GROWTH_FACTOR = 1.25
"""A sample that is not full is measured only if it is so much larger than the last one."""
_SEED = 1


@dataclass(frozen=True, slots=True)
class SampledProduct:
    """A product of the index, its fields and its fused vector (2·dim,)."""

    product_id: str
    fields: dict[str, Any]
    vector: FloatArray


@dataclass(frozen=True, slots=True)
class HeldOutTrial:
    """A product as if its merchant did not state some fields, and all labels that the merchant states."""

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
                # Whatever it is, indexing goes on with the calibrations that there are.
                log.exception("label_calibration_failed")
            await asyncio.sleep(REFRESH_S if self._sample_size >= SAMPLE_PRODUCTS else RETRY_S)

    async def measure(self) -> None:
        """Fit the calibrations to a sample of products, unless it would be much the same as the last one.

        Raises:
            StoreUnavailable: the index does not answer.
        """
        sample = await sample_products(self._store, self._encoder.spec)
        if len(sample) < max(MIN_PRODUCTS, min(SAMPLE_PRODUCTS, GROWTH_FACTOR * self._sample_size)):
            return
        cases: dict[str, list[tuple[LabelCandidate, bool]]] = defaultdict(list)
        products: dict[str, set[str]] = defaultdict(set)
        for start in range(0, len(sample), CHUNK_PRODUCTS):
            for trial, candidates in await self._candidates_of_trials(sample[start : start + CHUNK_PRODUCTS]):
                for candidate in candidates:
                    # All attributes together, too: they stand in for attributes that too few products state.
                    for name in {candidate.field, candidate.field.partition(".")[0]}:
                        cases[name].append((candidate, is_correct(candidate, trial.stated_labels)))
                        products[name].add(trial.query.product_id)
        self._labeller.calibrations = {
            name: _fit(field_cases) for name, field_cases in cases.items() if len(products[name]) >= MIN_PRODUCTS
        }
        self._sample_size = len(sample)
        metrics.CALIBRATED_PRODUCTS.set(len(sample))
        log.info("labels_calibrated", extra={"products": len(sample), "fields": sorted(self._labeller.calibrations)})

    async def _candidates_of_trials(
        self, sample: Sequence[SampledProduct]
    ) -> list[tuple[HeldOutTrial, list[LabelCandidate]]]:
        """Products with fields left out, and the candidates for those fields."""
        trials = await self._trials(sample)
        nearest = await self._neighbourhood.nearest([trial.query for trial in trials])
        outcomes: list[tuple[HeldOutTrial, list[LabelCandidate]]] = []
        for trial, neighbours in zip(trials, nearest, strict=True):
            candidates = label_candidates(neighbours.evidence(), trial.query.terms)
            outcomes.append(
                (trial, [candidate for candidate in candidates if candidate.field in trial.held_out_fields])
            )
        return outcomes

    async def _trials(self, sample: Sequence[SampledProduct]) -> list[HeldOutTrial]:
        """A trial for each set of fields that is left out of a product; all texts are encoded in one call."""
        held_out = [
            (product, names)
            for product in sample
            for names in _held_out_field_sets(stated_labels(product.fields), self._config.fields)
        ]
        fields = [_without(product.fields, names) for product, names in held_out]
        texts = [embedding_text(remaining) for remaining in fields]
        embeddings, _ = await self._encoder.encode(self._encoder.prompts.for_documents(texts), [])
        return [
            HeldOutTrial(
                NeighbourQuery(
                    product.product_id,
                    _vector(self._encoder.spec, embedding if text else None, product.vector),
                    document_terms(remaining, spellings=False),
                ),
                names,
                stated_labels(product.fields),
            )
            for (product, names), remaining, text, embedding in zip(held_out, fields, texts, embeddings, strict=True)
        ]


async def sample_products(store: ProductStore, spec: EmbeddingSpec) -> list[SampledProduct]:
    """Up to `SAMPLE_PRODUCTS` products from all over the catalogue: those farthest in random directions.

    Raises:
        StoreUnavailable: the index does not answer.
    """
    directions = np.random.default_rng(_SEED).standard_normal((PROBES, spec.fused_dim)).astype(np.float32)
    answers = await store.search_dense_all(directions, (), HITS_PER_PROBE)
    # The first hit of each direction, then the second of each: any beginning of the sample is from all over, too.
    hits = [hit for rank in zip_longest(*answers) for hit in rank if hit]
    ids = list(dict.fromkeys(hit.product_id for hit in hits))[:SAMPLE_PRODUCTS]
    sample: list[SampledProduct] = []
    for start in range(0, len(ids), PAGE_PRODUCTS):
        page = await store.read(ids[start : start + PAGE_PRODUCTS])
        sample += [
            SampledProduct(product_id, stored.state.fields, vector) for product_id, (stored, vector) in page.items()
        ]
    return sample


def _vector(spec: EmbeddingSpec, text: FloatArray | None, stored: FloatArray) -> FloatArray:
    """The fused vector (2·dim,) of a product with another text; of a joint space, of that text alone."""
    return fuse_parts(spec, text, text if spec.joint else split_parts(spec, stored)[1])


def _held_out_field_sets(stated: Labels, wanted: Sequence[str]) -> Iterator[frozenset[str]]:
    """The fields to leave out together: each wanted one that is stated; all attributes, where all are wanted."""
    for name in wanted:
        held_out = {field for field in stated if field == name or is_wanted_attribute(field, (name,))}
        if held_out:
            yield frozenset(held_out)


def _without(fields: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    for name in names:
        fields = without_label(fields, name)
    return fields


def _fit(cases: Sequence[tuple[LabelCandidate, bool]]) -> Calibration:
    features = np.array([candidate.features for candidate, _ in cases], np.float64)
    return fit_calibration(features, np.array([correct for _, correct in cases], np.float64))
