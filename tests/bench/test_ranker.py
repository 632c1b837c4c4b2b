"""The fusion ranker over the shipped encoder: what re-ranking the best candidates does, and what it costs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.loading import load_encoder
from encoders.port import Encoder
from encoders.ranking.ranker import FusionRanker, RankerConfig, RankerInputs, VectorRanker
from encoders.ranking.training import RankerTrainingConfig, RelevanceJudgment, train_ranker
from encoders.spec import FloatArray, PartWeights, fuse_parts, fused_query_vector
from encoders.training.evaluation.metrics import bootstrap_interval
from query_api.config import QueryConfig
from tests.bench.fusion_training import HELD_OUT, TRAINED, rendered_store
from tests.bench.report import publish_report
from vitrine.samples.catalogue import sample_products
from vitrine.samples.catalogue.queries import LANGUAGES, bilingual_queries

QUERIES = int(os.environ.get("BENCH_QUERIES", "300"))
LEARNED = 1_200
"""Products whose queries it learns from."""
CANDIDATES, K = 50, 10


@dataclass(frozen=True)
class Judged:
    """Queries over a catalogue, with the products that are right."""

    queries: FloatArray
    """(n, 2·dim) query vectors."""
    asked: FloatArray
    """(n, dim) their texts."""
    products: FloatArray
    """(m, 2·dim) fused vectors."""
    right: Sequence[frozenset[int]]

    def candidates(self) -> np.ndarray:
        """The best products of each query (n, CANDIDATES), the best first."""
        return np.argsort(-(self.queries @ self.products.T), axis=1, kind="stable")[:, :CANDIDATES]


@pytest.mark.timeout(3600)
def test_a_ranker_reorders_the_best_candidates():
    torch.set_num_threads(1)
    encoder = load_encoder("mini", "cpu")
    learned, held_out = _judged(encoder, TRAINED, 1), _judged(encoder, HELD_OUT, 1001)
    ranker = FusionRanker(RankerConfig(encoder.spec.key, encoder.spec.dim))
    losses = train_ranker(ranker, *_sides(encoder, learned), _judgments(learned), RankerTrainingConfig())
    scorer = VectorRanker(ranker, encoder.spec)
    found = held_out.candidates()
    before = np.array([_ndcg(found[row], held_out.right[row]) for row in range(len(found))])
    started = time.perf_counter()
    after = np.array(
        [_ndcg(_reranked(scorer, held_out, row, some), held_out.right[row]) for row, some in enumerate(found)]
    )
    cost_ms = (time.perf_counter() - started) * 1000 / len(found)
    low, high = bootstrap_interval(after - before)
    row = [before.mean(), after.mean(), f"{(after - before).mean():+.3f} [{low:.3f}, {high:.3f}]", cost_ms]
    columns = [f"nDCG@{K} before", "after", "difference", f"ms for {CANDIDATES} candidates"]
    publish_report("ranker", columns, [row], [], losses=losses, queries=len(found))


def _reranked(scorer: VectorRanker, judged: Judged, row: int, found: np.ndarray) -> np.ndarray:
    vectors = judged.products[found]
    scores = vectors @ judged.queries[row]
    scores = scores + QueryConfig().ranker_weight * scorer.scores(judged.queries[row], vectors)
    return found[np.argsort(-scores, kind="stable")]


def _ndcg(found: np.ndarray, right: frozenset[int]) -> float:
    gains = [1 / np.log2(place + 2) for place, row in enumerate(found[:K]) if int(row) in right]
    return sum(gains) / sum(1 / np.log2(place + 2) for place in range(min(K, len(right))))


def _judged(encoder: Encoder, count: int, seed: int) -> Judged:
    catalogue, store = sample_products(count, seed)[:LEARNED], rendered_store(count, seed)
    pairs = zip(store.items, catalogue, strict=False)
    texts = [item.chinese if product.lang == "zh" else item.english for item, product in pairs]
    words = encoder.encode_texts([text[-1] for text in texts])
    seen = encoder.encode_images([encoder.preparer(Image.fromarray(views[0])) for views in store.pictures[:LEARNED]])
    products = np.stack([fuse_parts(encoder.spec, text, image) for text, image in zip(words, seen, strict=True)])
    twins = bilingual_queries(catalogue, QUERIES, seed)
    row_of = {product.product_id: row for row, product in enumerate(catalogue)}
    asked = encoder.encode_texts([twin.texts[lang] for twin in twins for lang in LANGUAGES])
    config = QueryConfig()
    weights = PartWeights(config.text_query_text, config.text_query_image)
    queries = np.stack([fused_query_vector(encoder.spec, one, None, weights) for one in asked])
    right = [frozenset(row_of[product_id] for product_id in twin.relevant) for twin in twins for _ in LANGUAGES]
    return Judged(queries, asked, products, right)


def _judgments(judged: Judged) -> list[RelevanceJudgment]:
    """The right products of each query, and the wrong ones among its candidates."""
    made: list[RelevanceJudgment] = []
    for query, candidate in enumerate(judged.candidates()):
        right = judged.right[query]
        made += [RelevanceJudgment(query, row, 1.0) for row in right]
        made += [RelevanceJudgment(query, int(row), 0.0) for row in candidate if int(row) not in right]
    return made


def _sides(encoder: Encoder, judged: Judged) -> tuple[RankerInputs, RankerInputs]:
    asked, dim = torch.from_numpy(judged.asked), encoder.spec.dim
    products = torch.from_numpy(judged.products)
    text, image = (torch.nn.functional.normalize(one, dim=-1) for one in (products[:, :dim], products[:, dim:]))
    return RankerInputs(asked, asked), RankerInputs(text, image)
