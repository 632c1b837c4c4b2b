"""The port for speech to text: `Recogniser`, its transcripts and vocabularies, and a double for tests."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

AUTO_MODEL: Final = "auto"
"""The best offline recogniser that is installed."""
WHISPER_MODEL: Final = "whisper-base"
"""The recogniser of the extra `voice`: free speech in many languages, and adaptable."""
SPHINX_MODEL: Final = "pocketsphinx"
"""The recogniser of every installation, whose wheel carries a model: English only, and adaptable."""
ADAPTABLE_MODELS: Final = (WHISPER_MODEL, SPHINX_MODEL)


class Transcript(msgspec.Struct, frozen=True, array_like=True):
    """What a recogniser makes of a sound."""

    text: str
    """The words, in lower case where the recogniser knows no other; empty: no speech, or none that it understands."""
    alternatives: tuple[str, ...] = ()
    """Other texts that it may have been, the most probable first."""
    problem: str = ""
    """What to tell the speaker where there is no text, or a doubtful one; otherwise empty."""
    recogniser: str = ""
    """The name of the model that listened; empty: not known."""


class Recogniser(Protocol):
    """Makes text of speech. Safe to call concurrently; calls run one after another.

    Raises:
        WorkerProcessUnavailable: there is no process to run it in.
        WorkerProcessFailed: its process died or was late.
        ModelUnavailable: its model cannot be loaded.
    """

    @property
    def key(self) -> str:
        """The name of the model. The same sound has the same transcript for the same key and vocabulary."""
        ...

    async def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        """What is said in mono int16 samples (n,) at 16 kHz."""
        ...


class BlockingRecogniser(Protocol):
    """A recogniser as its worker process has it: the call blocks."""

    def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        """What is said in mono int16 samples (n,) at 16 kHz."""
        ...


class SpokenVocabulary(msgspec.Struct, frozen=True, array_like=True):
    """The words that shoppers of a catalogue may say, with counts: a recogniser prefers them to others."""

    words: list[str]
    """In lower case, of letters and apostrophes alone."""
    counts: list[int]
    """The number of products that have each word."""
    bigrams: list[tuple[int, int, int]]
    """(word, next word, count) of words side by side in a text; words are places in `words`."""
    cooccurrences: list[tuple[int, int, int]]
    """(word, word, count) of words that a product has both of, in any order; words are places in `words`."""


class AdaptableRecogniser(Recogniser, Protocol):
    """A recogniser that can be told which words to expect."""

    @property
    def is_adaptable(self) -> bool:
        """Whether `adapt` makes a difference."""
        ...

    async def adapt(self, vocabulary: SpokenVocabulary) -> None:
        """Expect these words from now on, and no longer those before; once it runs, that takes time and memory.

        Raises what `transcribe` raises.
        """
        ...


class ScriptedRecogniser:
    """An `AdaptableRecogniser` that gives fixed transcripts: for tests, and where speech is switched off."""

    key = "scripted"
    is_adaptable = True

    def __init__(self, *transcripts: Transcript) -> None:
        """Args: transcripts: one for each call, the last for all further calls; without any, nothing is understood."""
        self._transcripts = list(transcripts) or [Transcript("", problem="no recogniser is configured")]
        self.received_samples: list[NDArray[np.int16]] = []
        self.received_vocabularies: list[SpokenVocabulary] = []

    async def adapt(self, vocabulary: SpokenVocabulary) -> None:
        self.received_vocabularies.append(vocabulary)

    async def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        """Note mono int16 samples (n,) at 16 kHz, and return the next transcript."""
        self.received_samples.append(samples)
        return self._transcripts.pop(0) if len(self._transcripts) > 1 else self._transcripts[0]
