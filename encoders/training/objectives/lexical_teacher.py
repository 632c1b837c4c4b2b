"""BM25 and latent semantic analysis over a catalogue's own texts, as teachers: what shares words, and what goes along.

Nothing but the texts is read. A small encoder that imitates both searches its own catalogue nearly as well as they do,
in one vector, together with pictures.

Source: Chen et al., "Salient Phrase Aware Dense Retrieval: Can a Dense Retriever Imitate a Sparse One?", 2022.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from encoders.training.config import Task
from encoders.training.data.batches import TrainingBatch
from encoders.training.data.listings import TrainingListing

_TOKEN: Final = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_K1, _B = 1.2, 0.6
_DIMENSIONS: Final = 256
_MOST_TERMS: Final = 50_000
_LONGEST_STEM: Final = 3


class LexicalTeacher:
    """Similarities of queries to product texts: the mean of BM25 and LSA, each of one spread."""

    def __init__(self, listings: Sequence[TrainingListing], seed: int = 0) -> None:
        documents = [Counter(index_terms(listing_text(listing))) for listing in listings]
        frequency = Counter(term for document in documents for term in document)
        self._terms = {term: column for column, (term, _) in enumerate(frequency.most_common(_MOST_TERMS))}
        held = np.array([frequency[term] for term in self._terms], np.float32)
        count = len(documents)
        self._bm25_idf = np.log(1 + (count - held + 0.5) / (held + 0.5)).astype(np.float32)
        self._tfidf_idf = (np.log((1 + count) / (1 + held)) + 1).astype(np.float32)
        lengths = np.array([sum(document.values()) for document in documents], np.float32)
        self._bm25 = self._sparse(
            documents, lambda document, row: _bm25_weights(document, lengths[row] / lengths.mean())
        )
        tfidf = self._sparse(documents, lambda document, row: self._weighed(document))
        self._axes = _principal_directions(tfidf, seed)
        self._latent = torch.nn.functional.normalize(tfidf @ self._axes, dim=1)

    def similarities(self, batch: TrainingBatch, task: Task) -> Tensor | None:
        """(queries, texts) of the task that brings those together; None for all others."""
        if (task.left, task.right) != ("query", "text"):
            return None
        queries, texts = batch.sides["query"].texts, batch.sides["text"].rows
        assert queries is not None
        return self.scores(queries)[:, torch.from_numpy(batch.products[texts])]

    def scores(self, queries: Sequence[str]) -> Tensor:
        """(q, n) over all listings; the share of its best possible BM25 score plus the LSA cosine."""
        documents = [Counter(index_terms(query)) for query in queries]
        query_weights = torch.from_numpy(self._dense(documents, lambda document: dict(document)) * self._bm25_idf)
        exact = (self._bm25 @ query_weights.T).T
        best = query_weights.sum(dim=1, keepdim=True) * (_K1 + 1)
        tfidf = torch.from_numpy(self._dense(documents, self._weighed))
        latent = torch.nn.functional.normalize(tfidf @ self._axes, dim=1) @ self._latent.T
        return exact / best.clamp_min(1e-6) + latent

    def _weighed(self, document: Counter[str]) -> dict[str, float]:
        """Sublinear TF-IDF, unit length."""
        weights = {
            term: (1 + np.log(count)) * float(self._tfidf_idf[self._terms[term]])
            for term, count in document.items()
            if term in self._terms
        }
        length = float(np.sqrt(sum(weight**2 for weight in weights.values()))) or 1.0
        return {term: weight / length for term, weight in weights.items()}

    def _dense(
        self, documents: Sequence[Counter[str]], weigh: Callable[[Counter[str]], Mapping[str, float]]
    ) -> NDArray[np.float32]:
        rows = np.zeros((len(documents), len(self._terms)), np.float32)
        for row, document in enumerate(documents):
            for term, weight in weigh(document).items():
                if term in self._terms:
                    rows[row, self._terms[term]] = weight
        return rows

    def _sparse(
        self, documents: Sequence[Counter[str]], weigh: Callable[[Counter[str], int], Mapping[str, float]]
    ) -> Tensor:
        indices: list[tuple[int, int]] = []
        values: list[float] = []
        for row, document in enumerate(documents):
            for term, weight in weigh(document, row).items():
                if term in self._terms:
                    indices.append((row, self._terms[term]))
                    values.append(weight)
        places = torch.tensor(indices).T.reshape(2, -1)
        shape = (len(documents), len(self._terms))
        return torch.sparse_coo_tensor(places, values, shape, dtype=torch.float32, check_invariants=True).coalesce()


def listing_text(listing: TrainingListing) -> str:
    """All that is said of a product."""
    return "\n".join((listing.text, *listing.passages))


def index_terms(text: str) -> list[str]:
    """Lower-case words without an English plural's s; Chinese by character."""
    return [_singular(token) for token in _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())]


def _singular(token: str) -> str:
    if len(token) <= _LONGEST_STEM or not token.endswith("s") or token.endswith(("ss", "us", "is")):
        return token
    return token[:-3] + "y" if token.endswith("ies") and len(token) > 4 else token[:-1]


def _bm25_weights(document: Counter[str], length: float) -> dict[str, float]:
    """Term weights of BM25 without their rarity, which the query brings.

    Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    norm = _K1 * (1 - _B + _B * float(length))
    return {term: count * (_K1 + 1) / (count + norm) for term, count in document.items()}


def _principal_directions(weights: Tensor, seed: int) -> Tensor:
    """The strongest directions (terms, dim) of a sparse matrix (n, terms), by a randomised decomposition.

    Source: Deerwester et al., "Indexing by Latent Semantic Analysis", 1990; Halko, Martinsson and Tropp, 2011.
    """
    generator = torch.get_rng_state()
    torch.manual_seed(seed)
    wanted = min(_DIMENSIONS, *weights.shape)
    _, _, axes = torch.svd_lowrank(weights, q=wanted, niter=4)
    torch.set_rng_state(generator)
    return axes
