"""Recognisers in a process of their own: PocketSphinx with a few words, and Whisper by configuration."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from encoders.errors import ModelUnavailable
from encoders.media.sound import SAMPLE_RATE_HZ, decode_sound
from encoders.processes.recogniser import RecogniserProcess, SpeechConfig
from encoders.speech.loading import load_recogniser
from encoders.speech.port import SpokenVocabulary
from query_api.understanding.spoken_words import SpokenWordCounts
from tests.stack import shared_data
from vitrine.samples.catalogue.products import sample_products

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SPOKEN = SpokenVocabulary(DIGITS, [1] * 10, [], [])
SPHINX = SpeechConfig(model="pocketsphinx")
NOISE = (np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ) * 500).astype(np.int16)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random Whisper checkpoint."""
    directory = tmp_path_factory.mktemp("whisper")
    words = {word: at for at, word in enumerate(["<s>", "</s>", "<pad>", *DIGITS, *map(str, range(40))])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(directory)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(directory)
    torch.manual_seed(0)
    size = {
        f"{side}_{part}": n
        for side in ("encoder", "decoder")
        for part, n in (("layers", 1), ("attention_heads", 2), ("ffn_dim", 32))
    }
    config = WhisperConfig(
        **size, vocab_size=len(words), d_model=16, max_target_positions=24, decoder_start_token_id=0, bos_token_id=0,
        eos_token_id=1, pad_token_id=2, suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.generation_config.update(max_length=12, forced_decoder_ids=None, suppress_tokens=None)
    model.save_pretrained(directory)
    return directory


async def test_spoken_digits_are_recognised_by_the_offline_default() -> None:
    directory = shared_data() / "voice"
    async with RecogniserProcess(SpeechConfig(model="pocketsphinx", ahead=False)) as recogniser:
        await recogniser.adapt(SPOKEN)
        assert not recogniser.is_running and recogniser.pids == []
        names = [(at, f"fsdd_{at}_jackson_{take}.wav") for at in range(10) for take in range(2)]
        heard = [
            (await recogniser.transcribe(decode_sound((directory / name).read_bytes(), 30))).text for _, name in names
        ]
    assert np.mean([text == DIGITS[at] for (at, _), text in zip(names, heard, strict=True)]) >= 0.5


async def test_what_is_learnt_later_is_recognised_by_another_process() -> None:
    async with RecogniserProcess(SPHINX) as recogniser:
        await recogniser.adapt(SpokenVocabulary(["kettle"], [1], [], []))
        await recogniser.transcribe(NOISE)
        (former,) = recogniser.pids
        await recogniser.adapt(SPOKEN)
        assert recogniser.pids != [former]
        await recogniser.transcribe(NOISE)


async def test_words_are_learnt_before_anybody_speaks() -> None:
    async with RecogniserProcess(SPHINX) as recogniser:
        assert not recogniser.is_running
        await recogniser.adapt(SPOKEN)
        (ahead,) = recogniser.pids
        await recogniser.transcribe(NOISE)
        assert recogniser.pids == [ahead]


async def test_a_process_listens_at_the_priority_of_its_parent() -> None:
    async with RecogniserProcess(SPHINX) as recogniser:
        await recogniser.adapt(SPOKEN)
        (pid,) = recogniser.pids
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0)


async def test_silence_is_not_understood_and_the_way_out_is_named() -> None:
    async with RecogniserProcess(SPHINX) as recogniser:
        await recogniser.adapt(SPOKEN)
        heard = await recogniser.transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16))
    assert heard.text == "" and "speech.model" in heard.problem


async def test_foreign_speech_is_doubted() -> None:
    data = (shared_data() / "voice" / "mid.wav").read_bytes()
    counts = SpokenWordCounts()
    for product in sample_products(300, seed=0):
        counts.add(product.event_data())
    async with RecogniserProcess(SPHINX) as recogniser:
        await recogniser.adapt(counts.spoken_words())
        assert "speech.model" in (await recogniser.transcribe(decode_sound(data, 30))).problem


def test_a_whisper_checkpoint_listens_by_configuration(whisper: Path) -> None:
    listener = load_recogniser(str(whisper), "cpu")
    heard = listener.transcribe(NOISE)
    assert heard == listener.transcribe(NOISE)
    assert heard.text or heard.problem
    assert listener.transcribe(np.zeros(SAMPLE_RATE_HZ, np.int16)).text == ""


def test_sounds_beyond_a_window_are_heard_window_by_window(whisper: Path) -> None:
    listener = load_recogniser(str(whisper), "cpu")
    once = listener.transcribe(np.tile(NOISE, 30)).text
    assert listener.transcribe(np.tile(NOISE, 60)).text == f"{once} {once}".strip()


async def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with RecogniserProcess(SpeechConfig(model=str(tmp_path))) as recogniser:
        with pytest.raises(ModelUnavailable, match="safetensors"):
            await recogniser.transcribe(NOISE)


@pytest.mark.parametrize("faults", [{"model": ""}, {"deadline_s": 0}])
def test_impossible_settings_are_refused(faults: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"speech\."):
        SpeechConfig(**faults)  # type: ignore[arg-type]
