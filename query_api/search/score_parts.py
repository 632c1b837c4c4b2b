"""Why hits have their scores: what each part adds, and what each matched term adds to the lexical part."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from encoders.spec import EmbeddingSpec, FloatArray
from indexer.criteria import Ids
from indexer.ports.products import ProductStore
from indexer.text_analysis.analyzer import FIELD_WEIGHTS, document_terms, neighbour_forms, query_terms, surface_forms
from query_api.contract.responses import Explanation, MatchedTerm
from query_api.embedding.product_vectors import part_scores
from query_api.retrieval.candidate_set import RetrievalQuery
from query_api.search.ranking import RankedCandidate

MAX_SCORED_TERMS = 32
"""How many of a query's terms are scored one by one; those that are over are scored together."""
REMAINING_TERMS = "…"
"""Stands for the terms that were scored together."""

TermScores = Mapping[str, Mapping[str, float]]
"""BM25 by product and by term as the query writes it; a product's sum to its BM25."""


class ScoreExplainer:
    """Says what each part adds to the scores of hits."""

    def __init__(self, store: ProductStore, spec: EmbeddingSpec) -> None:
        self._store = store
        self.spec = spec
        """Of the vectors in the store."""

    async def explain(self, retrieval: RetrievalQuery, hits: Sequence[RankedCandidate]) -> dict[str, Explanation]:
        """The parts of the hits' scores, by product id.

        Args:
            retrieval: by which they were found, with its vector.
            hits: few, a page of them: each matched term is searched for among them.

        Raises:
            StoreUnavailable: the product store does not answer.
        """
        product_ids = [hit.candidate.product_id for hit in hits]
        has_lexical_part = any(hit.lexical_part for hit in hits)
        terms = _terms_by_surface(retrieval.text or "" if has_lexical_part else "")
        stored, scores = await asyncio.gather(
            self._store.read(product_ids), _term_scores(self._store, terms, product_ids)
        )

        def explained(hit: RankedCandidate) -> Explanation:
            product, vector = stored.get(hit.candidate.product_id, (None, None))
            text, image = _dense_parts(self.spec, hit, retrieval.vector, vector)
            fields = product.text_fields if product else {}
            matched = _matched_terms(hit, scores[hit.candidate.product_id], terms, fields)
            by_score = sorted(matched, key=lambda term: -term.score)
            return Explanation(text, image, hit.lexical_part, hit.personal_part, by_score, hit.ranker_part)

        # Analysing a page of long products takes a while, and other queries wait for this thread.
        return await asyncio.to_thread(lambda: {hit.candidate.product_id: explained(hit) for hit in hits})


def fields_containing(fields: Mapping[str, Any], terms: str) -> list[str]:
    """The names of a product's fields that have at least one of these terms.

    Args:
        fields: the product's fields, as JSON values; attributes are looked at one by one.
        terms: terms as `query_terms` gives them, separated by blanks.
    """
    wanted = set(terms.split())
    return [name for name, own in _terms_by_field(fields).items() if not wanted.isdisjoint(own)]


def _terms_by_field(fields: Mapping[str, Any]) -> dict[str, set[str]]:
    return {name: set(document_terms(field).split()) for name, field in _searched_fields(fields)}


async def _term_scores(store: ProductStore, by_surface: Mapping[str, str], product_ids: Sequence[str]) -> TermScores:
    """What each term adds to the products' BM25, by the store's own account: it is a sum over the query's terms."""
    page = (Ids(tuple(product_ids)),)
    searches = (store.search_terms(terms, page, len(product_ids)) for terms in by_surface.values())
    scores: dict[str, dict[str, float]] = {product_id: {} for product_id in product_ids}
    for surface, rows in zip(by_surface, await asyncio.gather(*searches), strict=True):
        for product_id, score in rows.by_id().items():
            scores[product_id][surface] = score
    return scores


def _terms_by_surface(text: str) -> dict[str, str]:
    """The terms of a query by how it writes them, repeated as it repeats them."""
    written, counts = surface_forms(text) | neighbour_forms(text), Counter(query_terms(text).split())
    repeated = {term: " ".join([term] * count) for term, count in counts.items()}
    alone = {written.get(term, term): repeated.pop(term) for term in list(repeated)[:MAX_SCORED_TERMS]}
    return alone | ({REMAINING_TERMS: " ".join(repeated.values())} if repeated else {})


def _dense_parts(
    spec: EmbeddingSpec, hit: RankedCandidate, query: FloatArray | None, vector: FloatArray | None
) -> tuple[float, float]:
    """What text and picture add. The store's own dense score is what was ranked by: the parts are made to sum to it.

    Args:
        query: query vector (2·dim,).
        vector: the product's (2·dim,).
    """
    dense = hit.candidate.dense
    if query is None or vector is None:
        return dense, 0.0
    text, image = part_scores(spec, query, vector)
    return (text, dense - text) if image else (dense, 0.0)


def _matched_terms(
    hit: RankedCandidate, scores: Mapping[str, float], by_surface: Mapping[str, str], fields: Mapping[str, Any]
) -> Iterator[MatchedTerm]:
    """The lexical part shared out by BM25, of which it is a multiple."""
    total = sum(scores.values())
    # Once for all terms: a description is long.
    own = _terms_by_field(fields) if any(scores.values()) else {}
    for surface, score in scores.items():
        if hit.lexical_part and score:
            wanted = set(by_surface[surface].split())
            places = [name for name, terms in own.items() if not wanted.isdisjoint(terms)]
            yield MatchedTerm(surface, hit.lexical_part * score / total, places)


def _searched_fields(fields: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The fields that lexical search looks at, each as a product of its own; attributes one by one."""
    for name in FIELD_WEIGHTS:
        if name != "attributes":
            yield name, {name: fields.get(name)}
    attributes: Mapping[str, Any] = fields.get("attributes") or {}
    for name, value in attributes.items():
        yield f"attributes.{name}", {"attributes": {name: value}}
