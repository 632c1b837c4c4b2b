"""A ranker learns from judged queries and the vectors of the index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import torch

from encoders.loading import load_ranker
from encoders.ranking.ranker import FusionRanker, RankerConfig
from encoders.ranking.training import RankerTrainingConfig, train_ranker
from query_api.evaluation.judgments import JudgedQuery
from tests.shop import Shop, png
from vitrine.commands.train.ranker_training import ranker_examples
from vitrine.errors import VitrineError

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


async def test_gains_become_relevance_and_near_products_that_nobody_judged_are_wrong(shop: Shop):
    asked, products, judged = await ranker_examples(shop.services, QUERIES)
    assert asked.text.shape == (2, 64) and products.image.shape == (len(COLOURS), 64)
    found = {(one.query, one.relevance) for one in judged}
    assert found == {(0, 1.0), (0, 0.5), (0, 0.0), (1, 1.0), (1, 0.0)}
    assert len(judged) == 2 * len(COLOURS), "a judged product that is not indexed teaches nothing"


async def test_what_is_learned_is_what_query_workers_load(shop: Shop, tmp_path: Path):
    torch.manual_seed(0)
    asked, products, judged = await ranker_examples(shop.services, QUERIES)
    spec = shop.services.encoder.spec
    ranker = FusionRanker(RankerConfig(spec.key, spec.dim, width=16, dropout=0.0))
    losses = train_ranker(ranker, asked, products, judged, RankerTrainingConfig(epochs=60, learning_rate=5e-3))
    assert losses[-1] < losses[0] - 1
    ranker.save(tmp_path)
    assert load_ranker(str(tmp_path), spec)


async def test_judgments_of_other_products_are_refused(shop: Shop):
    with pytest.raises(VitrineError, match="no judged product is in the index"):
        await ranker_examples(shop.services, [JudgedQuery("1", "mug", {"other": 1.0})])
