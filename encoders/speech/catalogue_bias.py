"""How Whisper's free speech is weighed against what the words of a catalogue make of the same sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from tokenizers import Tokenizer

from encoders.speech.catalogue_words import CatalogueWords
from encoders.speech.port import SpokenVocabulary, Transcript

ALTERNATIVES: Final = 4
"""How many other texts are told, at most."""
_PROMPT_TOKENS: Final = 200
"""Of the catalogue's most frequent words, which are put before what is said: half the model's text at most."""
_SURE: Final = -0.25
"""Mean log-probability of a token from which free speech is taken as it is."""
_SURE_OF_KNOWN: Final = -0.5
"""The same where all its words are the catalogue's."""
_FREE_LEAD: Final = 0.5
"""By how much more probable a token of free speech must be than one of the catalogue's words to be taken, in nats."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A text that may have been said."""

    text: str
    mean_log_probability: float
    """Of its tokens, in nats."""
    token_count: int


class CatalogueBias:
    """What decoding needs of a catalogue's words, and the choice between them and free speech."""

    def __init__(self, vocabulary: SpokenVocabulary, tokenizer: Tokenizer, end: int) -> None:
        """Args: end: the token that ends a text."""
        by_count = sorted(zip(vocabulary.counts, vocabulary.words, strict=True), key=lambda pair: -pair[0])
        spelt = [tokenizer.encode(f" {word}", add_special_tokens=False).ids for _, word in by_count]
        known = {token for ids in spelt for token in ids} | {end}
        self.suppressed = [token for token in range(tokenizer.get_vocab_size()) if token not in known]
        """Tokens that no word of the catalogue is made of."""
        self.prompt = list(_first_tokens(spelt, _PROMPT_TOKENS))
        """The most frequent words."""
        self._words = CatalogueWords(vocabulary)
        self._known = frozenset(vocabulary.words)

    def is_surely_said(self, free: Heard) -> bool:
        """Whether a text of free speech needs no bias: it is most probable, or probable and of known words."""
        is_known = self._known.issuperset(free.text.lower().split())
        return free.mean_log_probability > (_SURE_OF_KNOWN if is_known else _SURE)

    def choice(self, free: Heard, heard: Sequence[Heard]) -> Transcript:
        """What the catalogue's words make of a sound, or free speech where it is much more probable; and the other.

        Args:
            free: the most probable text of free speech.
            heard: texts of the catalogue's tokens.
        """
        # As if all were of one length: otherwise a single sound would be likelier than all that was said.
        length = float(np.median([text.token_count for text in heard])) if heard else 0.0
        by_probability = sorted(heard, key=lambda text: text.mean_log_probability)
        near = self._words.nearest_texts(
            {text.text.lower(): length * text.mean_log_probability for text in by_probability}, 1 + ALTERNATIVES
        )
        best = by_probability[-1].mean_log_probability if heard else -np.inf
        if not near or free.mean_log_probability > best + _FREE_LEAD:
            return Transcript(free.text, tuple(near[:ALTERNATIVES]))
        others = dict.fromkeys([*near[1:ALTERNATIVES], free.text])
        return Transcript(near[0], tuple(text for text in others if text.lower() != near[0]))


def _first_tokens(spelt: Iterable[list[int]], most: int) -> Iterator[int]:
    """The tokens of the first words, of as many as have no more than so many tokens together."""
    for ids in spelt:
        most -= len(ids)
        if most < 0:
            return
        yield from ids
