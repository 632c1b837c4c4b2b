"""Held-out retrieval, the measure that a run stops by, and the near misses that batches are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from encoders.spec import FloatArray, pool_vectors
from encoders.training.data.batches import Neighbours
from encoders.training.data.catalogue import TrainingCatalogue
from encoders.training.evaluation.metrics import RetrievalReport, retrieval_report
from encoders.training.trainable import Trainable

_ROWS: Final = 64


@dataclass(frozen=True)
class CatalogueEmbeddings:
    """Every product as an index would keep it."""

    texts: FloatArray
    """(n, dim) unit rows; zero where there is no text."""
    pictures: FloatArray
    """(n, dim) likewise."""
    products: FloatArray | None = None
    """(n, dim) of joint models."""

    def scores(self, queries: FloatArray) -> FloatArray:
        """(q, n): halves weighted alike, as a search does by default."""
        if self.products is not None:
            return queries @ self.products.T
        return np.multiply(queries @ (self.texts + self.pictures).T, 0.5, dtype=np.float32)


@torch.no_grad()
def embed_catalogue(model: Trainable, material: TrainingCatalogue, *, joint: bool) -> CatalogueEmbeddings:
    """Embed all products, without varying anything."""
    model.train(False)
    listings, store = material.listings, material.pictures
    texts = _texts(model, [listing.text for listing in listings])
    owned = store.rows
    flat = [row for rows in owned for row in rows]
    vectors = _pictures(model, material, flat)
    ends = np.cumsum([len(rows) for rows in owned])
    pooled = np.zeros((len(listings), model.dim), np.float32)
    for row, (end, rows) in enumerate(zip(ends, owned, strict=True)):
        if rows:
            pooled[row] = pool_vectors(vectors[end - len(rows) : end])
    return CatalogueEmbeddings(texts, pooled, _products(model, material) if joint else None)


def hard_negatives(embeddings: CatalogueEmbeddings, identities: Sequence[str], count: int) -> Neighbours:
    """The nearest other products of each (n, count), equal ones left out; by exact search over the embeddings.

    Source: Xiong et al., "Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text Retrieval", 2021.
    """
    fused = np.concatenate([embeddings.texts, embeddings.pictures], axis=1)
    _, names = np.unique(np.asarray(identities), return_inverse=True)
    wanted = min(count, len(fused) - 1)
    neighbours = np.empty((len(fused), wanted), np.int64)
    for start in range(0, len(fused), 1024):
        scores = fused[start : start + 1024] @ fused.T
        scores[names[start : start + 1024, None] == names[None, :]] = -np.inf
        neighbours[start : start + 1024] = np.argpartition(-scores, wanted - 1, axis=1)[:, :wanted]
    return neighbours


@torch.no_grad()
def held_out_reports(
    model: Trainable, material: TrainingCatalogue, embeddings: CatalogueEmbeddings
) -> list[RetrievalReport]:
    """How well held-out texts and pictures find their products."""
    model.train(False)
    reports: list[RetrievalReport] = []
    if material.queries:
        queries = _texts(model, [text for text, _ in material.queries])
        reports.append(
            _report("held-out text → product", queries, [row for _, row in material.queries], material, embeddings)
        )
    if material.photos:
        queries = _pictures(model, material, [picture for picture, _ in material.photos])
        reports.append(
            _report("held-out picture → product", queries, [row for _, row in material.photos], material, embeddings)
        )
    return reports


def stopping_score(reports: Sequence[RetrievalReport]) -> float:
    """The one number that a run is stopped by: the mean of the reciprocal ranks of all kinds of search."""
    return float(np.mean([report.mean_reciprocal_rank for report in reports])) if reports else 0.0


def _report(
    name: str, queries: FloatArray, targets: Sequence[int], material: TrainingCatalogue, embeddings: CatalogueEmbeddings
) -> RetrievalReport:
    """A product whose words equal the target's is as right as the target: nothing tells them apart."""
    identities = np.asarray(material.identity_texts())
    scores = embeddings.scores(queries)
    ranks = np.empty(len(queries), np.int64)
    for row, target in enumerate(targets):
        is_target = identities == identities[target]
        ranks[row] = 1 + np.sum(scores[row, ~is_target] >= scores[row, is_target].max())
    return retrieval_report(name, ranks, len(identities), targets)


def _texts(model: Trainable, texts: Sequence[str]) -> FloatArray:
    out = np.zeros((len(texts), model.dim), np.float32)
    # Of like length together, so that short ones are not padded to a long one.
    order = sorted((row for row, text in enumerate(texts) if text), key=lambda row: len(texts[row]))
    for start in range(0, len(order), _ROWS):
        rows = order[start : start + _ROWS]
        out[rows] = model.embed_texts([texts[row] for row in rows]).float().cpu().numpy()
    return out


def _pictures(model: Trainable, material: TrainingCatalogue, rows: Sequence[int]) -> FloatArray:
    out = np.zeros((len(rows), model.dim), np.float32)
    for start in range(0, len(rows), _ROWS):
        levels = material.pictures.read_as_served(rows[start : start + _ROWS])
        out[start : start + _ROWS] = model.embed_images(levels).float().cpu().numpy()
    return out


def _products(model: Trainable, material: TrainingCatalogue) -> FloatArray:
    out = np.zeros((len(material.listings), model.dim), np.float32)
    for start in range(0, len(out), _ROWS):
        rows = range(start, min(len(out), start + _ROWS))
        owned = [(place, picture) for place, row in enumerate(rows) for picture in material.pictures.rows[row]]
        levels = material.pictures.read_as_served([picture for _, picture in owned])
        owners = torch.tensor([place for place, _ in owned], dtype=torch.long)
        texts = [material.listings[row].text for row in rows]
        out[start : start + _ROWS] = model.embed_products(texts, levels, owners).float().cpu().numpy()
    return out
