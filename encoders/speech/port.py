"""Speech to text as the rest of the system knows it: `Recogniser`, what it hears, and a double for tests."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

OFFLINE_MODEL: Final = "pocketsphinx"
"""The recogniser that needs no download, whose wheel carries a model: English only, and it learns what to expect."""


class Transcript(msgspec.Struct, frozen=True, array_like=True):
    """What was heard."""

    text: str
    """In words, lower case where the recogniser knows no other; empty: no speech, or none that it understands."""
    alternatives: tuple[str, ...] = ()
    """What else it may have been, the likelier first."""
    problem: str = ""
    """Where there is no text, or a doubtful one: what the speaker should be told."""


class Recogniser(Protocol):
    """Makes text of speech. Safe to call concurrently; calls run one after another.

    Raises `ChildUnavailable` or `ChildFailed` where there is no process to listen in, `ModelUnavailable` where its
    model cannot be loaded.
    """

    @property
    def key(self) -> str:
        """Names the model; transcripts of the same sound by the same model are the same, but for what it learnt."""
        ...

    async def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        """What is said in mono samples (n,) at 16 kHz."""
        ...


class BlockingRecogniser(Protocol):
    """A recogniser within its own process."""

    def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        """What is said in mono samples (n,) at 16 kHz."""
        ...


class SpokenVocabulary(msgspec.Struct, frozen=True, array_like=True):
    """The words that shoppers of a catalogue say, by counts: what a recogniser is biased to."""

    words: list[str]
    """Lower case, letters and apostrophes alone."""
    counts: list[int]
    """How many products have each."""
    bigrams: list[tuple[int, int, int]]
    """(word, next word, count) as texts have them side by side."""
    cooccurrences: list[tuple[int, int, int]]
    """(word, other word, count) as products have them both, in either order."""


class AdaptableRecogniser(Recogniser, Protocol):
    """A recogniser that can be told what to expect."""

    @property
    def is_adaptable(self) -> bool:
        """Whether `learn` makes a difference."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether it is under way: each lesson costs something from then on."""
        ...

    async def adapt(self, spoken: SpokenVocabulary) -> None:
        """Expect these words from now on, in the place of others; raises what `transcribe` raises."""
        ...


class ScriptedRecogniser:
    """A `Recogniser` that hears what it is told to: for tests, and where no speech is to be understood."""

    key = "scripted"
    is_adaptable = True

    def __init__(self, *transcripts: Transcript) -> None:
        """Args: transcripts: one a call, the last again and again; none: nothing is ever understood."""
        self._transcripts = list(transcripts) or [Transcript("", problem="no recogniser is configured")]
        self.received_samples: list[NDArray[np.int16]] = []
        self.received_vocabularies: list[SpokenVocabulary] = []

    @property
    def is_running(self) -> bool:
        """Whether somebody has spoken yet."""
        return bool(self.received_samples)

    async def adapt(self, spoken: SpokenVocabulary) -> None:
        self.received_vocabularies.append(spoken)

    async def transcribe(self, samples: NDArray[np.int16]) -> Transcript:
        self.received_samples.append(samples)
        return self._transcripts.pop(0) if len(self._transcripts) > 1 else self._transcripts[0]
