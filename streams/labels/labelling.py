"""Labels from the live index: products that are alike are looked up, and say what a new one leaves open."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoders.spec import PART_SCALE, EmbeddingSpec, FloatArray, fuse_parts, normalise_rows, split_parts
from indexer.errors import IndexerError
from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.labels.calibration import Calibration
from indexer.labels.near_duplicates import ComparedProduct, are_duplicates, compared_product, duplicate_pairs
from indexer.labels.suggestions import LabelCandidate, Neighbour, is_open_field, label_candidates, suggest
from indexer.ports import Candidate as Found
from indexer.ports import ProductStore
from indexer.records import IndexRow, Suggestion
from indexer.rows import with_labels
from indexer.stated_labels import Labels, payload_labels, stated_labels
from streams import metrics
from streams.config import LabellingConfig

log = logging.getLogger(__name__)

NEIGHBOURS = 16
"""Products that are looked at for each kind of evidence. With 32 and 64, long categories are suggested less often."""
MAX_TERMS = 64
"""Of a product's words, those looked for: titles come first."""
MAX_TEXT_LENDERS = 5
"""Products whose texts stand in for one that is missing."""
QUERIES_PER_CALL = 64
"""Products looked up by one call: more take the index from those who search it for too long."""


@dataclass(frozen=True, slots=True)
class NearestProducts:
    """What the index holds that is like a product, by kind of evidence, best first; the product itself is not in it."""

    text: Sequence[tuple[Found, HitPayload]]
    image: Sequence[tuple[Found, HitPayload]]
    words: Sequence[tuple[Found, HitPayload]]

    def evidence(self) -> dict[str, list[Neighbour]]:
        """As votes are counted."""
        kinds = {"text": self.text, "image": self.image, "words": self.words}
        return {
            kind: [Neighbour(found.score, payload_labels(card)) for found, card in some] for kind, some in kinds.items()
        }


@dataclass(frozen=True, slots=True)
class NeighbourQuery:
    """A product whose like is looked for."""

    product_id: str
    vector: FloatArray
    """Fused (2·dim,)."""
    terms: str
    """As `document_text` gives them."""


class NeighbourSearch:
    """Looks up what is like products: two searches of the index for a batch of them."""

    def __init__(self, store: ProductStore, spec: EmbeddingSpec) -> None:
        self._store = store
        self._spec = spec

    async def nearest(self, asked: Sequence[NeighbourQuery]) -> list[NearestProducts]:
        """What is nearest to each. Raises `StoreUnavailable`."""
        found: list[NearestProducts] = []
        for start in range(0, len(asked), QUERIES_PER_CALL):
            found += await self._search(asked[start : start + QUERIES_PER_CALL])
        return found

    async def _search(self, asked: Sequence[NeighbourQuery]) -> list[NearestProducts]:
        parts = [part for one in asked for part in self._parts(one.vector)]
        present = [part for part in parts if np.any(part)]
        # The product itself may be there, as it was before.
        answers = iter(await self._store.search_dense_all(np.array(present, np.float32), (), NEIGHBOURS + 1))
        by_part = [next(answers) if np.any(part) else [] for part in parts]
        words = await self._store.search_terms_all([_first_terms(one.terms) for one in asked], (), NEIGHBOURS + 1)
        return [
            NearestProducts(
                *(_neighbours(one.product_id, some) for some in (by_part[2 * at], by_part[2 * at + 1], words[at]))
            )
            for at, one in enumerate(asked)
        ]

    async def text_embeddings(self, product_ids: Iterable[str]) -> dict[str, FloatArray]:
        """Unit text parts (dim,) of the products that have a text of their own. Raises `StoreUnavailable`."""
        wanted = sorted(product_ids)
        found = await self._store.read(wanted) if wanted else {}
        return {one: split_parts(self._spec, vector)[0] for one, (stored, vector) in found.items() if stored.text_hash}

    def _parts(self, vector: FloatArray) -> Iterator[FloatArray]:
        """Query vectors whose inner product is the cosine of the text parts, and of the image parts."""
        for half in (slice(0, self._spec.dim), slice(self._spec.dim, None)):
            query = np.zeros_like(vector)
            query[half] = vector[half] / PART_SCALE**2
            yield query


class Labeller:
    """Finds suggestions and duplicates for products that are about to be written.

    What it finds depends on what the index holds just then; nothing else rests on it. A search that fails leaves the
    products of its batch without; it is logged and counted, and holds nothing up for longer than a call may take.
    """

    def __init__(self, neighbourhood: NeighbourSearch, spec: EmbeddingSpec, config: LabellingConfig) -> None:
        self._neighbourhood = neighbourhood
        self._spec = spec
        self._config = config
        # A joint vector has no part for the text alone.
        self._borrows = config.borrow_texts and not spec.joint
        self.calibrations: Mapping[str, Calibration] = {}
        """By field; none yet: nothing is suggested."""

    async def label(self, rows: Sequence[IndexRow]) -> list[IndexRow]:
        """The rows with what was found out about their products; those that are not searchable as they are."""
        looked_at = [row for row in rows if row.searchable and self._needs_neighbours(row)]
        if not looked_at:
            return list(rows)
        try:
            asked = [NeighbourQuery(row.product_id, row.vector, row.lexical) for row in looked_at]
            nearest = await self._neighbourhood.nearest(asked)
            if self._borrows:
                looked_at = await self._with_borrowed_texts(looked_at, nearest)
            labelled = {row.product_id: self._labelled(row, one) for row, one in zip(looked_at, nearest, strict=True)}
        except IndexerError as error:
            metrics.LABELLING_FAILURES.inc(len(looked_at))
            log.warning("labelling_failed", extra={"products": len(looked_at), "reason": str(error)[:300]})
            return list(rows)
        labelled = self._with_duplicates_in_batch(labelled)
        _count(labelled.values())
        return [labelled.get(row.product_id, row) for row in rows]

    def _needs_neighbours(self, row: IndexRow) -> bool:
        """Whether a search for its like can find anything out: attributes may always be open."""
        own = stated_labels(row.stored.state.fields)
        wanted = self._config.duplicates or any(one not in own for one in self._config.fields)
        return wanted or (self._borrows and lacks_text(row))

    async def _with_borrowed_texts(
        self, rows: Sequence[IndexRow], nearest: Sequence[NearestProducts]
    ) -> list[IndexRow]:
        """The rows, where one has pictures and no text with the texts of what looks like it."""
        lenders = [
            [found.product_id for found, _ in one.image] if lacks_text(row) else []
            for row, one in zip(rows, nearest, strict=True)
        ]
        texts = await self._neighbourhood.text_embeddings({one for some in lenders for one in some})
        borrowed = [[texts[one] for one in some if one in texts][:MAX_TEXT_LENDERS] for some in lenders]
        return [
            with_text_part(self._spec, row, some) if some else row for row, some in zip(rows, borrowed, strict=True)
        ]

    def _labelled(self, row: IndexRow, nearest: NearestProducts) -> IndexRow:
        own = stated_labels(row.stored.state.fields)
        suggestions: tuple[Suggestion, ...] = ()
        if self._config.fields and self.calibrations:
            suggestions = suggest(
                self._open_candidates(row, nearest, own),
                self.calibrations,
                self._config.suggest_above,
                self._config.accept_above,
            )
        return with_labels(row, suggestions, self._duplicates(row, nearest) if self._config.duplicates else ())

    def _open_candidates(self, row: IndexRow, nearest: NearestProducts, own: Labels) -> list[LabelCandidate]:
        found = label_candidates(nearest.evidence(), row.lexical)
        return [one for one in found if is_open_field(one.field, own, self._config.fields)]

    def _duplicates(self, row: IndexRow, nearest: NearestProducts) -> tuple[str, ...]:
        texts = {found.product_id: found.score for found, _ in nearest.text}
        images = {found.product_id: found.score for found, _ in nearest.image}
        cards = {found.product_id: card for some in (nearest.image, nearest.words) for found, card in some}
        own = self._listing(row)
        return tuple(
            product_id
            for product_id, card in cards.items()
            if are_duplicates(
                own,
                compared_product(
                    product_id, card.title, payload_labels(card), card.group_id, card.image_url is not None
                ),
                texts.get(product_id, 0.0),
                images.get(product_id, 0.0),
                self._config.picture_similarity,
            )
        )

    def _listing(self, row: IndexRow) -> ComparedProduct:
        fields = row.stored.state.fields
        has_picture = bool(row.stored.image_keys)
        return compared_product(
            row.product_id, fields.get("title") or "", stated_labels(fields), fields.get("group_id"), has_picture
        )

    def _with_duplicates_in_batch(self, rows: Mapping[str, IndexRow]) -> dict[str, IndexRow]:
        """Rows of one batch are not in the index yet, and may be duplicates of each other."""
        if not self._config.duplicates or len(rows) < 2:
            return dict(rows)
        ids, vectors = list(rows), np.stack([row.vector for row in rows.values()])
        found = {one: dict.fromkeys(row.stored.duplicates) for one, row in rows.items()}
        listings = [self._listing(row) for row in rows.values()]
        for one, other in duplicate_pairs(self._spec, listings, vectors, self._config.picture_similarity):
            found[ids[one]][ids[other]] = None
            found[ids[other]][ids[one]] = None
        return {one: with_labels(row, row.stored.suggestions, tuple(found[one])) for one, row in rows.items()}


def lacks_text(row: IndexRow) -> bool:
    """Whether a product has pictures and nothing to read."""
    return not row.stored.text_hash and bool(row.stored.image_keys)


def with_text_part(spec: EmbeddingSpec, row: IndexRow, texts: Sequence[FloatArray]) -> IndexRow:
    """A row whose text part is the mean of others' (dim,), n ≥ 1."""
    mean = normalise_rows(np.mean(texts, axis=0)[None])[0]
    return replace(row, vector=fuse_parts(spec, mean, split_parts(spec, row.vector)[1]))


def _neighbours(product_id: str, found: Sequence[Found]) -> list[tuple[Found, HitPayload]]:
    return [(one, decode_hit_payload(one.payload)) for one in found if one.product_id != product_id][:NEIGHBOURS]


def _first_terms(terms: str) -> str:
    return " ".join(list(dict.fromkeys(terms.split()))[:MAX_TERMS])


def _count(rows: Iterable[IndexRow]) -> None:
    told = [one for row in rows for one in row.stored.suggestions]
    metrics.SUGGESTIONS.labels("accepted").inc(sum(one.accepted for one in told))
    metrics.SUGGESTIONS.labels("told").inc(sum(not one.accepted for one in told))
    metrics.DUPLICATES.inc(sum(bool(row.stored.duplicates) for row in rows))
