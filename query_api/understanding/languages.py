"""Which language a product's texts are in, and the stems of words in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Protocol, cast

from indexer.text_analysis.analyzer import words_in_order

_FUNCTION_WORDS: Final = {
    "en": "the and with for of to your is are this in from that you or on by it can",
    "de": "und mit der die das fur aus von den dem ein eine ist im zum zur auf sich nicht auch",
    "fr": "et avec pour les des la le une du au aux en dans est sur pas votre vous qui",
    "es": "y con para los las del la el una por en es su que de al mas como",
    "it": "e con per il la di del della dei una in che gli le da nel alla sono",
    "pt": "e com para os as do da dos das uma em um o a de que por nao ao",
    "nl": "en met voor het de van een in op is te zijn uw ook aan deze niet",
    "sv": "och med for av en ett den det ar som pa i till fran kan din ditt",
    "da": "og med til af en et den det er som pa i fra kan din dit ikke",
}
_SETS: Final = {language: frozenset(words.split()) for language, words in _FUNCTION_WORDS.items()}
_ALGORITHMS: Final = {
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
    "sv": "swedish",
    "da": "danish",
    "no": "norwegian",
    "nb": "norwegian",
    "fi": "finnish",
    "ro": "romanian",
    "hu": "hungarian",
    "ru": "russian",
    "tr": "turkish",
}
"""Languages whose words have other endings than a plural in -s, by ISO 639-1 code."""
COMPOUNDING: Final = frozenset({"de", "nl", "sv", "da", "no", "nb", "fi"})
"""Languages that write compounds as one word, what they are at the end: `Regenjacke`."""
_MAX_WORDS = 80
"""How many words of a product are looked at."""
_MIN_EVIDENCE = 2
"""How many function words of a language there have to be, and more than of any other."""


class _Stemmer(Protocol):
    """What is used of PyStemmer's."""

    def stemWord(self, word: str) -> str: ...


def stemmed_language(fields: Mapping[str, Any]) -> str | None:
    """The language of a product whose words have stems of their own, as stated or as its function words tell.

    Args:
        fields: the product's fields that are not null, as JSON values.

    Returns:
        A key for `stem_in`; None: English, another language, or it cannot be told.
    """
    stated = (fields.get("lang") or "").lower().replace("_", "-").partition("-")[0]
    language = stated or _guess(f"{fields.get('title') or ''} {fields.get('description') or ''}"[:2_000])
    return language if language in _ALGORITHMS else None


def stem_in(language: str, word: str) -> str:
    """The stem of a folded word.

    Source: the Snowball stemmers (Porter, 2001), by PyStemmer.
    """
    return _stemmer(_ALGORITHMS[language]).stemWord(word)


def _guess(text: str) -> str | None:
    words = set(words_in_order(text)[:_MAX_WORDS])
    found = sorted(((len(words & own), language) for language, own in _SETS.items()), reverse=True)
    (most, language), (second, _) = found[:2]
    return language if most >= _MIN_EVIDENCE and most > second else None


@cache
def _stemmer(algorithm: str) -> _Stemmer:
    import Stemmer  # pyright: ignore[reportMissingTypeStubs]

    untyped: Any = Stemmer
    return cast(_Stemmer, untyped.Stemmer(algorithm))
