"""A ranker learns from judged queries and the vectors of the index."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import torch

from encoders.loading import load_ranker
from encoders.ranking.ranker import FusionRanker, RankerConfig, RankerInputs
from encoders.ranking.training import RankerTrainingConfig, RelevanceJudgment, train_ranker
from query_api.config import QueryConfig
from query_api.contract.requests import Weights
from query_api.embedding.query_vectors import part_weights
from query_api.errors import NotEnoughData
from query_api.evaluation.judgments import JudgedQuery
from query_api.evaluation.ranker_examples import RankerExamples, ranker_examples
from tests.shop import Shop, png

COLOURS = ("red", "blue", "green", "black")


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    for colour in COLOURS:
        await shop.put(f"mug-{colour}", png(colour), title=f"{colour} mug")
    yield shop
    shop.close()


QUERIES = [
    JudgedQuery("1", "something warm", {"mug-red": 2.0, "mug-black": 1.0, "gone": 1.0}),
    JudgedQuery("2", "something cold", {"mug-blue": 1.0}),
]


async def examples_of(shop: Shop, queries: Sequence[JudgedQuery]) -> RankerExamples:
    encoder = shop.services.encoder
    embeddings = encoder.encode_texts([query.text for query in queries])
    weights = part_weights(QueryConfig(), Weights(), ("text",))
    return await ranker_examples(shop.services.store, encoder.spec, queries, embeddings, weights)


async def test_gains_become_relevance_and_near_products_that_nobody_judged_are_wrong(shop: Shop):
    examples = await examples_of(shop, QUERIES)
    assert examples.texts.shape == examples.images.shape == (len(COLOURS), 64)
    rated = {(pair.query, pair.relevance) for pair in examples.pairs}
    assert rated == {(0, 1.0), (0, 0.5), (0, 0.0), (1, 1.0), (1, 0.0)}
    assert len(examples.pairs) == 2 * len(COLOURS), "a judged product that is not indexed teaches nothing"


async def test_judgments_of_other_products_are_refused(shop: Shop):
    with pytest.raises(NotEnoughData, match="no judged product is in the index"):
        await examples_of(shop, [JudgedQuery("1", "mug", {"other": 1.0})])


async def test_what_is_learned_from_them_is_what_query_workers_load(shop: Shop, tmp_path: Path):
    torch.manual_seed(0)
    examples = await examples_of(shop, QUERIES)
    spec = shop.services.encoder.spec
    asked = torch.from_numpy(shop.services.encoder.encode_texts([query.text for query in QUERIES]))
    products = RankerInputs(torch.from_numpy(examples.texts), torch.from_numpy(examples.images))
    judgments = [RelevanceJudgment(*pair) for pair in examples.pairs]
    ranker = FusionRanker(RankerConfig(spec.key, spec.dim, width=16, dropout=0.0))
    config = RankerTrainingConfig(epochs=60, learning_rate=5e-3)
    losses = train_ranker(ranker, RankerInputs(asked, asked), products, judgments, config)
    assert losses[-1] < losses[0] - 1
    ranker.save(tmp_path)
    assert load_ranker(str(tmp_path), spec)
