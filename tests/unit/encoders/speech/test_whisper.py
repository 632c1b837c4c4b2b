"""Whisper as the packages of the extra `voice` carry it: what is heard, what is not, and what is checked first."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from encoders.errors import MissingPackage, ModelUnavailable
from encoders.media.sound import SAMPLE_RATE_HZ, Samples, decode_sound
from encoders.processes.recogniser import RecogniserProcess, SpeechConfig
from encoders.speech import whisper_files
from encoders.speech.loading import load_recogniser
from encoders.speech.port import BlockingRecogniser, SpokenVocabulary
from encoders.speech.selection import chosen_model
from tests.stack import shared_data

installed = pytest.mark.skipif(not whisper_files.is_available(), reason="the extra voice is not installed")
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SPOKEN = SpokenVocabulary(DIGITS, [1] * 10, [], [])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def listener(cache: Path) -> BlockingRecogniser:
    """It knows the words of digits."""
    return load_recogniser("whisper-base", vocabulary=SPOKEN, cache=cache)


def recording(name: str) -> Samples:
    return decode_sound((shared_data() / "voice" / name).read_bytes(), 30)


def noises() -> dict[str, Samples]:
    random = np.random.default_rng(0)
    at = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    return {
        "silence": np.zeros(len(at), np.int16),
        "quiet noise": (random.standard_normal(len(at)) * 50).astype(np.int16),
        "loud noise": (random.standard_normal(len(at)) * 5_000).astype(np.int16),
        "tone": (np.sin(2 * np.pi * 440 * at) * 8_000).astype(np.int16),
        "clicks": np.where(random.random(len(at)) < 2e-4, 20_000, 0).astype(np.int16),
    }


@installed
def test_free_speech_is_heard_word_for_word_whatever_the_catalogue_has(listener: BlockingRecogniser) -> None:
    heard = listener.transcribe(recording("librispeech-1995-1837-0001.wav")).text
    assert heard.startswith("It was the first great sorrow of his life It was not so much the loss of the cotton")


@installed
def test_chinese_is_told_from_english_and_written_in_simplified_characters(listener: BlockingRecogniser) -> None:
    assert listener.transcribe(recording("mid.wav")).text.startswith("大学生利用漏洞免费吃肯德基")


@installed
def test_digits_are_heard_among_the_words_for_them(listener: BlockingRecogniser) -> None:
    names = [(at, f"fsdd_{at}_jackson_0.wav") for at in range(10)]
    right = [listener.transcribe(recording(name)).text == DIGITS[at] for at, name in names]
    assert np.mean(right) >= 0.5


@installed
@pytest.mark.parametrize("name", noises())
def test_nothing_is_made_up_for_what_is_no_speech(listener: BlockingRecogniser, name: str) -> None:
    heard = listener.transcribe(noises()[name])
    assert heard.text == "" and "no speech" in heard.problem


@installed
def test_long_sounds_are_heard_window_by_window(listener: BlockingRecogniser) -> None:
    sentence = recording("librispeech-1995-1837-0001.wav")
    heard = listener.transcribe(np.tile(sentence, 5)).text
    assert heard.count("great sorrow") >= 4


@installed
async def test_it_listens_in_a_process_of_its_own_and_learns_words_there(cache: Path) -> None:
    async with RecogniserProcess(SpeechConfig(model="whisper-base"), cache) as recogniser:
        assert recogniser.is_adaptable and recogniser.key == "whisper-base"
        await recogniser.adapt(SPOKEN)
        assert (await recogniser.transcribe(recording("fsdd_7_jackson_0.wav"))).text == "seven"


@installed
def test_auto_is_whisper_where_it_is_installed() -> None:
    assert chosen_model("auto") == "whisper-base" and chosen_model("pocketsphinx") == "pocketsphinx"


def test_auto_is_pocketsphinx_where_whisper_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper_files, "is_installed", lambda package: False)
    assert chosen_model("auto") == "pocketsphinx"


@installed
def test_weights_that_are_not_those_of_the_package_are_never_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = whisper_files.PARTS
    monkeypatch.setattr(whisper_files, "PARTS", (first, dataclasses.replace(second, sha256="0" * 64)))
    with pytest.raises(ModelUnavailable, match=r"model\.bin\.part2 has the SHA-256 7727.* it is not read"):
        whisper_files.model_directory(tmp_path)
    assert not list(tmp_path.glob("*/model.bin"))


def test_a_package_that_is_missing_is_named_with_the_way_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [dataclasses.replace(part, package="no-such-package") for part in whisper_files.PARTS]
    monkeypatch.setattr(whisper_files, "PARTS", gone)
    monkeypatch.setattr(whisper_files, "SETTINGS", {})
    assert not whisper_files.is_available()
    with pytest.raises(MissingPackage, match=r"no-such-package 1\.0\.0 is not installed.*vitrine\[voice\]"):
        whisper_files.model_directory(tmp_path)
