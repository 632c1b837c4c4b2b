"""Sound files of unknown origin: any usual format within bounds, and a reason for every other."""

from __future__ import annotations

import os

import numpy as np
import pytest

from encoders.errors import InvalidAudio
from encoders.media.sound import SAMPLE_RATE_HZ, decode_sound, trim_silence
from tests.unit.sounds import clip, encoded, tone

FORMATS = [("mp3", "libmp3lame"), ("ogg", "libopus"), ("webm", "libopus"), ("mp4", "aac"), ("flac", "flac")]


@pytest.mark.parametrize(("container", "codec"), FORMATS, ids=lambda name: name)
def test_usual_formats_are_decoded_at_one_rate(container: str, codec: str) -> None:
    samples = decode_sound(encoded(container, codec), 5)
    assert samples.dtype == np.int16 and len(samples) == pytest.approx(SAMPLE_RATE_HZ, rel=0.1)
    assert np.abs(samples.astype(np.int32)).max() > 4_000


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (16_000, 6)])
def test_any_rate_and_number_of_channels_becomes_mono(rate: int, channels: int) -> None:
    assert len(decode_sound(tone(0.5, rate, channels), 5)) == pytest.approx(SAMPLE_RATE_HZ / 2, rel=0.02)


REFUSED = {
    "empty": (b"", "empty"),
    "junk": (os.urandom(2_000), "cannot be decoded"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "known formats"),
    "concatenation": (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "known formats"),
    "too long": (tone(3.0), "more than the 2"),
    "many channels": (tone(0.1, 16_000, 9), "channels"),
    "odd rate": (tone(0.5, 1_000), "samples a second"),
    "silent film": (clip(["red"]), "no sound track"),
    "head alone": (tone()[:44], "nothing in it"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_listened_to_is_refused_by_its_fault(data: bytes, why: str) -> None:
    with pytest.raises(InvalidAudio, match=why):
        decode_sound(data, 2)


def test_a_title_in_another_encoding_than_utf_8_is_passed_over() -> None:
    title = "Café".encode("latin-1") + b"\0"
    named = b"INFOINAM" + len(title).to_bytes(4, "little") + title + b"\0" * (len(title) % 2)
    sound = bytearray(tone(0.5) + b"LIST" + len(named).to_bytes(4, "little") + named)
    sound[4:8] = (len(sound) - 8).to_bytes(4, "little")
    assert len(decode_sound(bytes(sound), 5)) == SAMPLE_RATE_HZ / 2


def test_a_file_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(InvalidAudio, match="more than the 10 allowed"):
        decode_sound(tone(), 5, max_bytes=10)


def test_what_was_said_before_a_file_breaks_off_is_heard() -> None:
    data = encoded("mp3", "libmp3lame", 2.0)
    assert SAMPLE_RATE_HZ / 4 < len(decode_sound(data[: len(data) // 2], 5)) < 2 * SAMPLE_RATE_HZ


def test_noise_in_a_file_never_fails_in_any_other_way() -> None:
    data, generator = bytearray(encoded("webm", "libopus")), np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(data)
        for at in generator.integers(0, len(data), 20):
            broken[at] = int(generator.integers(0, 256))
        try:
            decode_sound(bytes(broken), 5)
        except InvalidAudio:
            continue


def _waves(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE_HZ)) * level).astype(np.int16)


def test_what_a_microphone_hears_before_and_after_is_cut_off() -> None:
    speech = _waves(0.5, 3_000)
    recorded = np.concatenate([_waves(0.8, 20), speech, _waves(1.0, 20)])
    kept = trim_silence(recorded)
    assert len(speech) <= len(kept) <= len(speech) + 0.5 * SAMPLE_RATE_HZ
    start = int(0.8 * SAMPLE_RATE_HZ)
    assert np.array_equal(
        kept[-len(speech) - SAMPLE_RATE_HZ // 5 :][: len(speech)], recorded[start : start + len(speech)]
    )


def test_a_click_does_not_count_as_speech() -> None:
    click = _waves(0.02, 8_000)
    recorded = np.concatenate([click, _waves(0.8, 20), _waves(0.5, 3_000), _waves(0.5, 20)])
    assert len(trim_silence(recorded)) < 1.0 * SAMPLE_RATE_HZ


@pytest.mark.parametrize("samples", [_waves(1.0, 2_000), np.zeros(SAMPLE_RATE_HZ, np.int16), np.ones(3, np.int16)])
def test_what_stands_out_in_no_place_stays_whole(samples: np.ndarray) -> None:
    assert np.array_equal(trim_silence(samples), samples)
