"""Whisper run by CTranslate2: free speech in many languages, biased to a catalogue's words where these are known.

Source: Radford et al., 2022, "Robust speech recognition via large-scale weak supervision".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import ctranslate2
import numpy as np
from tokenizers import Tokenizer

from encoders.errors import ModelUnavailable
from encoders.media.sound import SAMPLE_RATE_HZ, Samples, is_silent, trim_silence
from encoders.speech.catalogue_bias import ALTERNATIVES, CatalogueBias, Heard
from encoders.speech.log_mel import FRAMES_PER_SECOND, log_mel
from encoders.speech.port import SpokenVocabulary, Transcript

_WINDOW_S: Final = 29
"""What is transcribed at once; longer sounds are transcribed window by window."""
_LEAST_FRAMES: Final = 7 * FRAMES_PER_SECOND
"""The least that the model is given: it was trained on 30 s and its time grows with the length; in windows not much
longer than the speech it repeats itself."""
_FRAME_STEP: Final = FRAMES_PER_SECOND
_QUIET_AFTER: Final = 2 * FRAMES_PER_SECOND
"""Silence after the speech, at least."""
_MOST_FRAMES: Final = 30 * FRAMES_PER_SECOND
_FREE_BEAM: Final = 5
_WORDS_BEAM: Final = 10
_TOKENS_BASE: Final = 16
_TOKENS_PER_SECOND: Final = 8
"""More than anybody says in a second: without a bound, a text that repeats itself would go on to the model's end."""
_LONGEST_QUERY_S: Final = 6.0
"""What takes longer to say is no query of a few words, and is not biased."""
_NO_REPEATS: Final = 3
"""Tokens in a row that a text of the catalogue's words has once: kept to few words, the model likes to repeat them."""
_NO_SPEECH: Final = 0.6
_UNSURE: Final = -1.0
"""Mean log-probability of a token below which a text that is probably no speech is none. Both as in Whisper itself."""
_SENTENCE_MARKS: Final = re.compile(r"[^\w\s'’.,%€$£¥&+/-]|[.,](?!\d)|(?<!\w)['’-]|['’-](?!\w)")
"""Punctuation of sentences, but no marks within words, numbers and prices."""
_HAN: Final = re.compile("[\u3400-\u9fff]")
NOT_UNDERSTOOD_MESSAGE: Final = "no speech was understood: say it again, nearer to the microphone"
_NOTHING: Final = Transcript("", problem=NOT_UNDERSTOOD_MESSAGE)
_SPECIAL_NAMES: Final = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|startofprev|>",
    "<|transcribe|>",
    "<|notimestamps|>",
)
"""In the order of `_SpecialTokens`."""


@dataclass(frozen=True, slots=True)
class _SpecialTokens:
    end: int
    start: int
    previous: int
    transcribe: int
    no_timestamps: int


class WhisperRecogniser:
    """A `BlockingRecogniser` over a checkpoint of Whisper in CTranslate2's form."""

    def __init__(
        self, directory: Path, languages: Sequence[str], vocabulary: SpokenVocabulary | None = None, device: str = "cpu"
    ) -> None:
        """Load the model.

        Args:
            directory: has `model.bin`, `config.json`, `vocabulary.json` and `tokenizer.json`.
            languages: two-letter codes; the one that a sound is in is found among these.
            vocabulary: a catalogue's words, which English is biased to; None: any words.

        Raises:
            ModelUnavailable: the files are none of such a model, or it knows none of the languages.
        """
        try:
            self._model = ctranslate2.models.Whisper(
                str(directory), device=device, compute_type="int8" if device == "cpu" else "default", intra_threads=1
            )
            self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        except Exception as error:
            raise ModelUnavailable(f"speech model in {directory} cannot be loaded: {error}") from error
        self._languages = {code: self._token(f"<|{code}|>") for code in languages}
        self._tokens = _SpecialTokens(*map(self._token, _SPECIAL_NAMES))
        self._catalogue = None if vocabulary is None else CatalogueBias(vocabulary, self._tokenizer, self._tokens.end)
        self._traditional = list(_traditional_tokens(self._tokenizer, self._tokens.end))

    def transcribe(self, samples: Samples) -> Transcript:
        """What is said in mono int16 samples (n,) at 16 kHz."""
        windows = [window for window in _windows(trim_silence(samples)) if not is_silent(window)]
        if len(windows) == 1:
            return self._transcript(windows[0])
        text = " ".join(filter(None, (self._transcript(window, biased=False).text for window in windows)))
        return Transcript(text) if text else _NOTHING

    def _transcript(self, samples: Samples, biased: bool = True) -> Transcript:
        features = self._encoded(samples)
        language = self._language(features)
        seconds = len(samples) / SAMPLE_RATE_HZ
        free, no_speech = self._free_texts(features, language, seconds)
        if not free or (no_speech > _NO_SPEECH and free[0].mean_log_probability < _UNSURE):
            return _NOTHING
        catalogue = self._catalogue
        is_biased = biased and language == "en" and seconds <= _LONGEST_QUERY_S
        if catalogue is None or not is_biased or catalogue.is_surely_said(free[0]):
            return Transcript(free[0].text, tuple(heard.text for heard in free[1:][:ALTERNATIVES]))
        return catalogue.choice(free[0], self._catalogue_texts(catalogue, features, seconds))

    def _catalogue_texts(self, catalogue: CatalogueBias, features: Any, seconds: float) -> list[Heard]:
        """Texts of the tokens of the catalogue's words alone: with these words before them, and without."""
        prompt = self._prompt("en")
        prompts = [self._tokens.previous, *catalogue.prompt, *prompt], prompt
        return [
            heard
            for given in prompts
            for heard in self._texts(features, given, seconds, _WORDS_BEAM, catalogue.suppressed, _NO_REPEATS)[0]
        ]

    def _free_texts(self, features: Any, language: str, seconds: float) -> tuple[list[Heard], float]:
        # Catalogues are in simplified characters, and word search tells them from traditional ones.
        suppressed = [-1, *self._traditional] if language == "zh" else [-1]
        return self._texts(features, self._prompt(language), seconds, _FREE_BEAM, suppressed)

    def _texts(
        self,
        features: Any,
        prompt: list[int],
        seconds: float,
        beam: int,
        suppressed: list[int],
        no_repeats: int = 0,
    ) -> tuple[list[Heard], float]:
        """Distinct texts, the most probable first, and the probability that there is no speech."""
        found = self._model.generate(
            features,
            [prompt],
            beam_size=beam,
            num_hypotheses=beam,
            max_length=min(448, len(prompt) + _TOKENS_BASE + int(_TOKENS_PER_SECOND * seconds)),
            suppress_tokens=suppressed,
            no_repeat_ngram_size=no_repeats,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        texts: dict[str, Heard] = {}
        for tokens, score in zip(found.sequences_ids, found.scores, strict=True):
            text = _without_sentence_marks(self._tokenizer.decode(tokens))
            if text:
                texts.setdefault(text.lower(), Heard(text, score, len(tokens)))
        return list(texts.values()), found.no_speech_prob

    def _encoded(self, samples: Samples) -> Any:
        speech = len(samples) * FRAMES_PER_SECOND // SAMPLE_RATE_HZ
        frames = -(-(speech + _QUIET_AFTER) // _FRAME_STEP) * _FRAME_STEP
        mel = log_mel(samples, min(_MOST_FRAMES, max(_LEAST_FRAMES, frames)), self._model.n_mels)
        return self._model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None])))

    def _language(self, features: Any) -> str:
        if len(self._languages) == 1:
            return next(iter(self._languages))
        found = dict(self._model.detect_language(features)[0])
        return max(self._languages, key=lambda code: found.get(f"<|{code}|>", 0.0))

    def _prompt(self, language: str) -> list[int]:
        tokens = self._tokens
        return [tokens.start, self._languages[language], tokens.transcribe, tokens.no_timestamps]

    def _token(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ModelUnavailable(f"the speech model has no token {name}: does it know the language?")
        return token


def _traditional_tokens(tokenizer: Tokenizer, end: int) -> Iterator[int]:
    """Tokens with a Chinese character that the character set of simplified Chinese lacks."""
    for token in range(end):
        if any(not _is_simplified(character) for character in _HAN.findall(tokenizer.decode([token]))):
            yield token


def _is_simplified(character: str) -> bool:
    try:
        return bool(character.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def _without_sentence_marks(text: str) -> str:
    return " ".join(_SENTENCE_MARKS.sub(" ", text).split())


def _windows(samples: Samples) -> Iterator[Samples]:
    size = _WINDOW_S * SAMPLE_RATE_HZ
    return (samples[start : start + size] for start in range(0, max(1, len(samples)), size))
