"""Labels from the live index: the neighbours of a product are looked up, and say what its merchant leaves open."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from encoders.spec import EmbeddingSpec, FloatArray, fuse_parts, normalise_rows, split_parts
from indexer.errors import IndexerError
from indexer.labels.calibration import Calibration
from indexer.labels.near_duplicates import ComparedProduct, are_duplicates, compared_product, duplicate_pairs
from indexer.labels.suggestions import LabelCandidate, is_open_field, label_candidates, suggest
from indexer.records import IndexRow, Suggestion
from indexer.rows import with_labels
from indexer.stated_labels import Labels, payload_labels, stated_labels
from indexer.text_analysis.analyzer import document_terms
from streams import metrics
from streams.config import LabellingConfig
from streams.labels.neighbours import NearestProducts, NeighbourQuery, NeighbourSearch

log = logging.getLogger(__name__)

MAX_TEXT_LENDERS = 5
"""Products whose texts stand in for one that is missing."""


class Labeller:
    """Finds suggestions and duplicates for products that are about to be written.

    The result depends on what the index holds at that moment; nothing else depends on the result. When a search fails,
    the products of its batch stay without labels: that is logged and counted, and delays the batch by one call's
    deadline at most.
    """

    def __init__(self, neighbourhood: NeighbourSearch, spec: EmbeddingSpec, config: LabellingConfig) -> None:
        self._neighbourhood = neighbourhood
        self._spec = spec
        self._config = config
        # A joint vector has no part for the text alone.
        self._borrows = config.borrow_texts and not spec.joint
        self.calibrations: Mapping[str, Calibration] = {}
        """By field; nothing is suggested for a field without one."""

    async def label(self, rows: Sequence[IndexRow]) -> list[IndexRow]:
        """The rows in their order, those of searchable products with their labels, duplicates and borrowed texts."""
        looked_up = [row for row in rows if row.searchable and self._needs_neighbours(row)]
        if not looked_up:
            return list(rows)
        try:
            queries = [_query_of(row) for row in looked_up]
            nearest = await self._neighbourhood.nearest(queries)
            if self._borrows:
                looked_up = await self._with_borrowed_texts(looked_up, nearest)
            labelled = {
                row.product_id: self._labelled(row, neighbours)
                for row, neighbours in zip(looked_up, nearest, strict=True)
            }
        except IndexerError as error:
            metrics.LABELLING_FAILURES.inc(len(looked_up))
            log.warning("labelling_failed", extra={"products": len(looked_up), "reason": str(error)[:300]})
            return list(rows)
        labelled = self._with_duplicates_in_batch(labelled)
        _count(labelled.values())
        return [labelled.get(row.product_id, row) for row in rows]

    def _needs_neighbours(self, row: IndexRow) -> bool:
        """Whether neighbours can add anything to a row; `attributes` as a whole are always open."""
        stated = stated_labels(row.stored.state.fields)
        wanted = self._config.duplicates or any(field not in stated for field in self._config.fields)
        return wanted or (self._borrows and lacks_text(row))

    async def _with_borrowed_texts(
        self, rows: Sequence[IndexRow], nearest: Sequence[NearestProducts]
    ) -> list[IndexRow]:
        """The rows; one with pictures and no text gets the mean text of products that look like it."""
        lender_ids = [
            [candidate.product_id for candidate, _ in neighbours.image] if lacks_text(row) else []
            for row, neighbours in zip(rows, nearest, strict=True)
        ]
        texts = await self._neighbourhood.text_embeddings({product_id for ids in lender_ids for product_id in ids})
        borrowed = [
            [texts[product_id] for product_id in ids if product_id in texts][:MAX_TEXT_LENDERS] for ids in lender_ids
        ]
        return [
            with_text_part(self._spec, row, lent) if lent else row for row, lent in zip(rows, borrowed, strict=True)
        ]

    def _labelled(self, row: IndexRow, nearest: NearestProducts) -> IndexRow:
        suggestions: tuple[Suggestion, ...] = ()
        if self._config.fields and self.calibrations:
            suggestions = suggest(
                self._open_candidates(row, nearest, stated_labels(row.stored.state.fields)),
                self.calibrations,
                self._config.suggest_above,
                self._config.accept_above,
            )
        return with_labels(row, suggestions, self._duplicates(row, nearest) if self._config.duplicates else ())

    def _open_candidates(self, row: IndexRow, nearest: NearestProducts, stated: Labels) -> list[LabelCandidate]:
        candidates = label_candidates(nearest.evidence(), row.lexical)
        return [candidate for candidate in candidates if is_open_field(candidate.field, stated, self._config.fields)]

    def _duplicates(self, row: IndexRow, nearest: NearestProducts) -> tuple[str, ...]:
        """Ids of the neighbours that look like the same goods."""
        text_scores = {candidate.product_id: candidate.score for candidate, _ in nearest.text}
        image_scores = {candidate.product_id: candidate.score for candidate, _ in nearest.image}
        payloads = {candidate.product_id: payload for candidate, payload in [*nearest.image, *nearest.words]}
        own = _compared(row)
        return tuple(
            product_id
            for product_id, payload in payloads.items()
            if are_duplicates(
                own,
                compared_product(
                    product_id, payload.title, payload_labels(payload), payload.group_id, payload.image_url is not None
                ),
                text_scores.get(product_id, 0.0),
                image_scores.get(product_id, 0.0),
                self._config.picture_similarity,
            )
        )

    def _with_duplicates_in_batch(self, rows: Mapping[str, IndexRow]) -> dict[str, IndexRow]:
        """The rows with the duplicates among themselves added: those of one batch are not in the index yet."""
        if not self._config.duplicates or len(rows) < 2:
            return dict(rows)
        ids, vectors = list(rows), np.stack([row.vector for row in rows.values()])
        duplicates = {product_id: dict.fromkeys(row.stored.duplicates) for product_id, row in rows.items()}
        compared = [_compared(row) for row in rows.values()]
        for first, second in duplicate_pairs(self._spec, compared, vectors, self._config.picture_similarity):
            duplicates[ids[first]][ids[second]] = None
            duplicates[ids[second]][ids[first]] = None
        return {
            product_id: with_labels(row, row.stored.suggestions, tuple(duplicates[product_id]))
            for product_id, row in rows.items()
        }


def _query_of(row: IndexRow) -> NeighbourQuery:
    terms = document_terms(row.stored.text_fields, spellings=False) if row.searchable else ""
    return NeighbourQuery(row.product_id, row.vector, terms)


def lacks_text(row: IndexRow) -> bool:
    """Whether a product has pictures and nothing to read."""
    return not row.stored.text_hash and bool(row.stored.image_keys)


def with_text_part(spec: EmbeddingSpec, row: IndexRow, texts: Sequence[FloatArray]) -> IndexRow:
    """A row whose text part is the mean of n ≥ 1 text embeddings (dim,)."""
    mean = normalise_rows(np.mean(texts, axis=0)[None])[0]
    return replace(row, vector=fuse_parts(spec, mean, split_parts(spec, row.vector)[1]))


def _compared(row: IndexRow) -> ComparedProduct:
    fields = row.stored.state.fields
    has_picture = bool(row.stored.image_keys)
    return compared_product(
        row.product_id, fields.get("title") or "", stated_labels(fields), fields.get("group_id"), has_picture
    )


def _count(rows: Iterable[IndexRow]) -> None:
    stored = [row.stored for row in rows]
    suggestions = [suggestion for product in stored for suggestion in product.suggestions]
    metrics.SUGGESTIONS.labels("accepted").inc(sum(suggestion.accepted for suggestion in suggestions))
    metrics.SUGGESTIONS.labels("told").inc(sum(not suggestion.accepted for suggestion in suggestions))
    metrics.DUPLICATES.inc(sum(bool(product.duplicates) for product in stored))
