"""What the live index holds that is like a product: near by text, near by picture, or with the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from encoders.spec import PART_SCALE, EmbeddingSpec, FloatArray, split_parts
from indexer.hit_payload import HitPayload, decode_hit_payload
from indexer.labels.suggestions import Neighbour
from indexer.ports.products import Candidate, ProductStore
from indexer.stated_labels import payload_labels

NEIGHBOURS = 16
"""Products that are looked at for each kind of evidence. With 32 and 64, long categories are suggested less often."""
MAX_TERMS = 64
"""Of a product's words, those searched for: titles come first."""
QUERIES_PER_CALL = 64
"""Products looked up by one call: a larger one makes shoppers' searches wait too long for the index."""


@dataclass(frozen=True, slots=True)
class NeighbourQuery:
    """A product whose neighbours are wanted."""

    product_id: str
    vector: FloatArray
    """Fused (2·dim,)."""
    terms: str
    """Its own words, as `document_terms` gives them without further spellings."""


@dataclass(frozen=True, slots=True)
class NearestProducts:
    """The neighbours of a product by kind of evidence, best first; the product itself is not among them."""

    text: Sequence[tuple[Candidate, HitPayload]]
    image: Sequence[tuple[Candidate, HitPayload]]
    words: Sequence[tuple[Candidate, HitPayload]]

    def evidence(self) -> dict[str, list[Neighbour]]:
        """The neighbours with their labels by kind of evidence, as votes are counted."""
        kinds = {"text": self.text, "image": self.image, "words": self.words}
        return {
            kind: [Neighbour(candidate.score, payload_labels(payload)) for candidate, payload in neighbours]
            for kind, neighbours in kinds.items()
        }


class NeighbourSearch:
    """Looks up the neighbours of products, by two searches of the index for up to `QUERIES_PER_CALL` products."""

    def __init__(self, store: ProductStore, spec: EmbeddingSpec) -> None:
        self._store = store
        self._spec = spec

    async def nearest(self, queries: Sequence[NeighbourQuery]) -> list[NearestProducts]:
        """The neighbours of each product. Raises `StoreUnavailable`."""
        nearest: list[NearestProducts] = []
        for start in range(0, len(queries), QUERIES_PER_CALL):
            nearest += await self._search(queries[start : start + QUERIES_PER_CALL])
        return nearest

    async def text_embeddings(self, product_ids: Iterable[str]) -> dict[str, FloatArray]:
        """Unit text parts (dim,) by id, of the products that have a text of their own. Raises `StoreUnavailable`."""
        wanted = sorted(product_ids)
        stored_products = await self._store.read(wanted) if wanted else {}
        return {
            product_id: split_parts(self._spec, vector)[0]
            for product_id, (stored, vector) in stored_products.items()
            if stored.text_hash
        }

    async def _search(self, queries: Sequence[NeighbourQuery]) -> list[NearestProducts]:
        parts = [part for query in queries for part in self._part_queries(query.vector)]
        present = [part for part in parts if np.any(part)]
        # One more than wanted: the product itself may be in the index, as it was before.
        answers = iter(await self._store.search_dense_all(np.array(present, np.float32), (), NEIGHBOURS + 1))
        by_part = [next(answers) if np.any(part) else [] for part in parts]
        terms = [_first_terms(query.terms) for query in queries]
        by_words = await self._store.search_terms_all(terms, (), NEIGHBOURS + 1)
        return [
            NearestProducts(
                text=_neighbours(query.product_id, text),
                image=_neighbours(query.product_id, image),
                words=_neighbours(query.product_id, words),
            )
            for query, text, image, words in zip(queries, by_part[::2], by_part[1::2], by_words, strict=True)
        ]

    def _part_queries(self, vector: FloatArray) -> Iterator[FloatArray]:
        """Two query vectors (2·dim,): their inner products are the cosines of the text parts and the image parts."""
        for half in (slice(0, self._spec.dim), slice(self._spec.dim, None)):
            query = np.zeros_like(vector)
            query[half] = vector[half] / PART_SCALE**2
            yield query


def _neighbours(product_id: str, candidates: Sequence[Candidate]) -> list[tuple[Candidate, HitPayload]]:
    """The first `NEIGHBOURS` candidates other than the product itself, with their decoded payloads."""
    return [
        (candidate, decode_hit_payload(candidate.payload))
        for candidate in candidates
        if candidate.product_id != product_id
    ][:NEIGHBOURS]


def _first_terms(terms: str) -> str:
    return " ".join(list(dict.fromkeys(terms.split()))[:MAX_TERMS])
