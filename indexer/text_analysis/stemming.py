"""Stems: the form that the inflected forms of a word share. English; another language's stemmer belongs here. Pure."""

from __future__ import annotations


def stem(word: str) -> str:
    """An English word without its plural ending; verbs are left alone, for `leggings` are no `legs`.

    Args:
        word: folded, see `indexer.text_analysis.folding`.

    Source: Harman, 1991, "How effective is suffixing?" (the S stemmer), with the -es of sibilants.
    """
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes", "zzes")) else word[:-1]
