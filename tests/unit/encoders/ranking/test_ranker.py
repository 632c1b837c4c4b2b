"""A ranker learns relevance from each modality, and is bound to the vectors that it was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.errors import ModelUnavailable, SpecMismatch
from encoders.loading import load_ranker as load_for_queries
from encoders.ranking.ranker import FusionRanker, RankerConfig, RankerInputs, VectorRanker, load_ranker
from encoders.ranking.training import RankerTrainingConfig, RelevanceJudgment, train_ranker
from encoders.ranking.voice import MAX_FRAMES, SAMPLE_RATE_HZ, VoiceTower, log_mel
from encoders.spec import EmbeddingSpec, PartWeights, fuse_parts, fused_query_vector

SPEC = EmbeddingSpec("hash", "1", 16)
KINDS, EACH = 4, 6
MELS = 12


def ranker() -> FusionRanker:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return FusionRanker(RankerConfig(SPEC.key, SPEC.dim, width=24, voice_width=16, mels=MELS, dropout=0.0))


def directions(seed: int) -> torch.Tensor:
    """A random direction for each kind of product."""
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(KINDS, SPEC.dim, generator=generator), dim=1)


def tone(kind: int, seed: int) -> np.ndarray:
    """How a kind sounds when it is spoken: a pitch of its own, in noise."""
    noise = np.random.default_rng(seed)
    times = np.arange(int(0.12 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.3 * np.sin(2 * np.pi * 300 * 2**kind * times) + 0.01 * noise.standard_normal(len(times))).astype(
        np.float32
    )


PRODUCTS = RankerInputs(directions(1).repeat(EACH, 1), directions(2).repeat(EACH, 1))
"""Row r is of kind r mod KINDS."""
NOTHING = torch.zeros(KINDS, SPEC.dim)


def judgments() -> list[RelevanceJudgment]:
    count = len(PRODUCTS.text)
    return [
        RelevanceJudgment(query, row, float(row % KINDS == query)) for query in range(KINDS) for row in range(count)
    ]


def accuracy(model: FusionRanker, queries: RankerInputs) -> float:
    """Share of the queries whose best product is of their kind."""
    best: list[bool] = []
    with torch.no_grad():
        for query in range(KINDS):
            asked = queries.select(torch.full((len(PRODUCTS.text),), query))
            best.append(int(model(asked, PRODUCTS).argmax()) % KINDS == query)
    return float(np.mean(best))


@pytest.mark.parametrize("modality", ["text", "image", "voice"])
def test_relevance_is_learned_from_any_one_modality(modality: str):
    # Other directions than the products': what belongs together is learned, not given.
    voices = [log_mel(tone(kind, kind), MELS) for kind in range(KINDS)]
    queries = {
        "text": RankerInputs(directions(3), NOTHING),
        "image": RankerInputs(NOTHING, directions(4)),
        "voice": RankerInputs(NOTHING, NOTHING, voices),
    }[modality]
    model = ranker()
    losses = train_ranker(
        model, queries, PRODUCTS, judgments(), RankerTrainingConfig(epochs=100, batch=32, learning_rate=5e-3)
    )
    assert losses[-1] < losses[0] - 1, "what the spread of equals leaves is not to be had"
    assert accuracy(model, queries) == 1.0
    if modality == "voice":
        again = RankerInputs(NOTHING, NOTHING, [log_mel(tone(kind, 90 + kind), MELS) for kind in range(KINDS)])
        assert accuracy(model, again) == 1.0, "another recording of the same"


def test_training_is_the_same_for_the_same_seed():
    queries = RankerInputs(directions(3), NOTHING, [None] * KINDS)
    runs = [train_ranker(ranker(), queries, PRODUCTS, judgments(), RankerTrainingConfig(epochs=2)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_scores_of_index_vectors_are_relevances_whatever_the_query_weights(tmp_path: Path):
    ranker().save(tmp_path)
    scorer = load_for_queries(str(tmp_path), SPEC)
    assert isinstance(scorer, VectorRanker)
    products = np.stack([fuse_parts(SPEC, row.numpy(), None) for row in directions(1)])
    one, other = (
        fused_query_vector(SPEC, directions(3)[0].numpy(), None, PartWeights(*w)) for w in ((0.3, 0.1), (1.0, 1.0))
    )
    scores = scorer.scores(one, products)
    assert scores.shape == (KINDS,) and scores.dtype == np.float32 and ((scores > 0) & (scores < 1)).all()
    np.testing.assert_allclose(scores, scorer.scores(other, products), atol=1e-6)
    spoken = scorer.scores(one, products, log_mel(tone(1, 1), MELS))
    assert not np.allclose(scores, spoken)


def test_what_is_saved_is_loaded_with_the_same_scores(tmp_path: Path):
    model = ranker().eval()
    model.save(tmp_path)
    queries = RankerInputs(directions(3), directions(4), [None, log_mel(tone(0, 0), MELS), None, None])
    with torch.no_grad():
        expected = model(queries, PRODUCTS.select(torch.arange(KINDS)))
        assert torch.equal(load_ranker(tmp_path)(queries, PRODUCTS.select(torch.arange(KINDS))), expected)


def test_a_ranker_of_other_vectors_stops():
    with pytest.raises(SpecMismatch, match=r"hash@1, the index has those of hash@1\+joint.*query\.ranker"):
        VectorRanker(ranker(), EmbeddingSpec("hash", "1", SPEC.dim, joint=True))


def test_what_is_no_ranker_is_refused(tmp_path: Path):
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        load_ranker(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(ModelUnavailable, match="type 'clip', no ranker"):
        load_ranker(tmp_path)
    ranker().save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        load_ranker(tmp_path)


def test_log_mel_hears_pitch_and_not_loudness():
    low, high = (log_mel(tone(kind, 0)) for kind in (0, 3))
    assert low.shape == (1 + (int(0.12 * SAMPLE_RATE_HZ) - 400) // 160, 40)
    assert low.mean(0).argmax() < high.mean(0).argmax()
    np.testing.assert_allclose(log_mel(2 * tone(0, 0)), low, atol=1e-2)


@pytest.mark.parametrize(("samples", "frames"), [(0, 1), (1, 1), (400, 1), (60 * SAMPLE_RATE_HZ, MAX_FRAMES - 2)])
def test_log_mel_takes_recordings_of_any_length(samples: int, frames: int):
    heard = log_mel(np.zeros(samples, np.float32))
    assert len(heard) == frames and np.isfinite(heard).all()


def test_a_recording_is_heard_the_same_alone_and_beside_longer_ones():
    tower = VoiceTower(MELS, 8)
    short, long = log_mel(tone(0, 0), MELS), log_mel(np.tile(tone(1, 0), 3), MELS)
    with torch.no_grad():
        together = tower([long, None, short])
        assert torch.allclose(together[2], tower([short])[0], atol=1e-6)
    assert not together[1].any()
