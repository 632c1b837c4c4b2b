"""Whether an encoder understands the catalogue's texts, and what follows for hybrid search."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from encoders.port import HashEncoder
from encoders.spec import FloatArray, PartWeights, normalise_rows
from indexer.text_analysis.analyzer import query_terms
from query_api.contract.requests import SearchRequest, Weights
from query_api.embedding.batcher import EncoderBatcher
from query_api.embedding.text_trust import (
    MIN_SAMPLE,
    MIN_TRUST,
    TextTrust,
    TrustMeasurement,
    measure_agreement,
    scale_by_trust,
    split_into_halves,
)
from query_api.wiring.components import open_searcher
from tests.shop import MakeShop, Shop

TOPICS = {f"topic{number}": [f"word{number}x{at}" for at in range(20)] for number in range(12)}
CHINESE = ["红色", "连衣裙", "纯棉", "长袖", "条纹", "女士", "夏季", "百搭", "宽松", "圆领"]


class TopicEncoder(HashEncoder):
    """Knows which words are of one topic."""

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        return super().encode_texts([" ".join(word.partition("x")[0] for word in text.split()) for text in texts])


async def fill(shop: Shop, count: int) -> None:
    """Products whose words are of one topic each."""
    choose = random.Random(1)
    for at in range(count):
        own = choose.sample(TOPICS[f"topic{at % len(TOPICS)}"], 8)
        await shop.put(f"p{at}", title=" ".join(own[:4]), description=" ".join(own[4:]))


async def trust_of(shop: Shop, text: str = "word") -> float:
    batcher = EncoderBatcher(shop.encoder, shop.executor)
    trust = TextTrust(shop.services.store, batcher)
    await trust.measure()
    return trust.factor_for(text)


async def test_an_encoder_that_just_recognises_words_is_not_trusted(make_shop: MakeShop):
    shop = make_shop()
    await fill(shop, 120)
    assert await trust_of(shop) == MIN_TRUST


async def test_an_encoder_that_knows_what_belongs_together_is_trusted(make_shop: MakeShop):
    shop = make_shop(encoder=TopicEncoder())
    await fill(shop, 120)
    assert await trust_of(shop) == 1


async def test_of_a_small_catalogue_nothing_can_be_told(make_shop: MakeShop):
    shop = make_shop()
    await fill(shop, MIN_SAMPLE - 1)
    assert await trust_of(shop) == 1


def test_set_phrases_are_in_neither_half() -> None:
    texts = [f"first{at} second{at} third{at} fourth{at} easy to clean made to last" for at in range(40)]
    for left, right in split_into_halves(texts, chinese=False):
        found = {word.rstrip("0123456789") for word in f"{left} {right}".split()}
        assert found == {"first", "second", "third", "fourth"}


async def test_chinese_is_judged_by_itself(make_shop: MakeShop):
    shop = make_shop(encoder=TopicEncoder())
    await fill(shop, 60)
    choose = random.Random(1)
    for at in range(60):
        await shop.put(f"zh{at}", title=" ".join(choose.sample(CHINESE, 6)))
    assert await trust_of(shop, "红色") == MIN_TRUST
    assert await trust_of(shop, "red") == 1


async def test_hybrid_search_with_an_encoder_that_knows_nothing_keeps_the_lexical_order(make_shop: MakeShop):
    shop = make_shop()
    await fill(shop, 120)
    words = " ".join(TOPICS["topic3"][:6])
    async with open_searcher(shop.services) as searcher:
        lexical = await searcher.search(SearchRequest(text=words, k=10, mode="lexical"))
        hybrid = await searcher.search(SearchRequest(text=words, k=10, explain=True))
    assert [hit.product_id for hit in hybrid.hits] == [hit.product_id for hit in lexical.hits]
    for hit in hybrid.hits:
        parts = hit.explanation
        assert hit.score == pytest.approx(parts.text + parts.image + parts.lexical + parts.personal)
        assert abs(parts.text) <= 0.3 * MIN_TRUST * 1.001


def test_weights_that_a_request_names_are_taken_as_they_are():
    assert scale_by_trust(PartWeights(0.5, 0.2), Weights(text=0.5), 0.1) == PartWeights(0.5, pytest.approx(0.02))


def test_halves_of_a_text_share_no_term():
    text = "Blue t-shirt, blue T-shirts and dresses for a dress 红色连衣裙 红色"
    for chinese in (False, True):
        ((left, right),) = split_into_halves([text], chinese)
        assert left and right
        assert not set(query_terms(left).split()) & set(query_terms(right).split())


def test_halves_read_as_the_text_does():
    ((left, right),) = split_into_halves(["warm red hoodie with deep pockets"], False)
    places = ["warm red hoodie with deep pockets".index(word) for word in left.split()]
    assert places == sorted(places)
    ((left, right),) = split_into_halves(["红色连衣裙 纯棉"], True)
    assert " " not in left + right


def test_a_text_of_one_word_has_no_halves():
    assert list(split_into_halves(["mug mugs", ""], False)) == []


def test_the_area_of_perfect_and_of_blind_encoders():
    rows = normalise_rows(np.random.default_rng(1).standard_normal((200, 32)).astype(np.float32))
    others = normalise_rows(np.random.default_rng(2).standard_normal((200, 32)).astype(np.float32))
    assert measure_agreement(rows, rows).roc_auc == 1
    assert measure_agreement(rows, others).roc_auc == pytest.approx(0.5, abs=0.06)
    same = np.tile(rows[:1], (200, 1))
    assert measure_agreement(same, same).roc_auc == 0.5


@pytest.mark.parametrize(("area", "trust"), [(0.3, MIN_TRUST), (0.5, MIN_TRUST), (0.54, MIN_TRUST), (0.9, 1.0)])
def test_trust_needs_more_than_chance(area: float, trust: float):
    assert TrustMeasurement(200, area, 0.02).trust == trust


def test_trust_is_in_tenths():
    assert TrustMeasurement(200, 0.56, 0.01).trust == pytest.approx(0.8)
