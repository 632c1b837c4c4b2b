"""Stems: the form that the inflected forms of a word share. Pure."""

from __future__ import annotations

from indexer.text_analysis.irregular_nouns import SINGULARS

_ANY = "----"
_IRREGULAR_ENDS = frozenset(word[at:] for word in SINGULARS for at in range(len(word)))
_SIBILANTS = ("sses", "shes", "ches", "xes", "zzes", "tzes")


def stem(word: str) -> str:
    """An English word without its plural ending; verbs are left alone, for `leggings` are no `legs`.

    Of other languages' words too, as a plural in -s is one in many: what else they share is known by the words of a
    catalogue, see `query_api.understanding.word_forms`.

    Args:
        word: folded, see `indexer.text_analysis.folding`.

    Source: Harman, 1991, "How effective is suffixing?" (the S stemmer), with the -es of sibilants and of -o, with
    singulars in -ie (`hoodie`), and with irregular nouns.
    """
    known = SINGULARS.get(word)
    if known is not None:
        return known
    singular = _without_plural_ending(word)
    return SINGULARS.get(singular, singular)


def stem_of_end(end: str) -> str:
    """The end of the stem of any longer word that ends so; empty: it is not the same for all.

    Args:
        end: a folded word of its own, which others stand before.
    """
    is_regular = end and (len(end) > 3 or end[-1] not in "es") and end not in _IRREGULAR_ENDS
    if not is_regular or end.startswith("x") or not end.isascii():
        return ""
    return _without_plural_ending(f"{_ANY}{end}").removeprefix(_ANY)


def _without_plural_ending(word: str) -> str:
    if len(word) <= 3:
        return word
    if word.endswith("ie"):
        # As the plural's `-ies` does not tell `hoodie` from `battery`.
        return word[:-2] + "y" if len(word) > 4 else word
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("oes") and len(word) > 5 and not word.endswith("shoes"):
        return word[:-2]
    return word[:-2] if word.endswith(_SIBILANTS) else word[:-1]
