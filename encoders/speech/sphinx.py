"""PocketSphinx with the English model of its wheel: small, quick, and only as good as what it expects to hear."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from pocketsphinx import Config, Decoder, get_model_path

from encoders.speech.language import arpa
from encoders.speech.port import SpokenWords, Transcript
from encoders.speech.pronunciation import Pronunciations
from encoders.speech.sound import RATE, Samples

_ALTERNATIVES: Final = 4
_NBEST: Final = 60
"""Hypotheses looked through for those: most differ in silences alone."""
_PAUSE: Final = np.zeros(RATE // 4, np.int16)
"""Speech that begins with the first sample loses its first sound."""
NOT_UNDERSTOOD: Final = (
    "no English words of this catalogue were recognised; other languages and free speech need a checkpoint such as"
    " Whisper in speech.model"
)


class SphinxListener:
    """A `Listener` for English, biased to a catalogue's words."""

    def __init__(self, spoken: SpokenWords | None) -> None:
        """Args: spoken: the words to expect; None: everyday English, which it gets wrong more often than right."""
        model = Path(get_model_path("en-us"))
        self._decoder = _general(model) if spoken is None else _biased(model, spoken)

    def transcribe(self, samples: Samples) -> Transcript:
        said = self._decode(samples)
        if not said:
            return Transcript("", why_not=NOT_UNDERSTOOD)
        return Transcript(said[0], tuple(said[1 : 1 + _ALTERNATIVES]))

    def _decode(self, samples: Samples) -> list[str]:
        """What may have been said, the likeliest first."""
        decoder = self._decoder
        decoder.start_utt()
        decoder.process_raw(np.concatenate([_PAUSE, samples, _PAUSE]).tobytes(), full_utt=True)
        decoder.end_utt()
        best = decoder.hyp()
        if best is None or not best.hypstr:
            return []
        others = (one.hypstr for one in islice(decoder.nbest() or (), _NBEST) if one is not None)
        return list(dict.fromkeys(text for text in (best.hypstr, *others) if text))


def _general(model: Path) -> Decoder:
    return Decoder(_config(model, model / "cmudict-en-us.dict", model / "en-us.lm.bin"))


def _biased(model: Path, spoken: SpokenWords) -> Decoder:
    pronunciations = Pronunciations.read(model / "cmudict-en-us.dict")
    with tempfile.TemporaryDirectory(prefix="vitrine-speech-") as name:
        lexicon, language = Path(name, "words.dict"), Path(name, "words.lm")
        lexicon.write_text(pronunciations.lexicon(spoken.words), "utf-8")
        language.write_text(arpa(spoken), "utf-8")
        return Decoder(_config(model, lexicon, language))


def _config(model: Path, lexicon: Path, language: Path) -> Config:
    return Config(hmm=str(model / "en-us"), dict=str(lexicon), lm=str(language), loglevel="FATAL")
