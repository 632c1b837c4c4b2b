"""The merchant's synonyms: a file in Solr's format, and what it adds to the words of a query."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.text_analysis.analyzer import query_terms
from indexer.text_analysis.folding import fold
from query_api.errors import InvalidSynonyms

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKENS = re.compile(rf"[{_HAN}]|(?:(?![{_HAN}])[^\W_])+(?:[-.'’](?:(?![{_HAN}])[^\W_])+)*")
_COMMA = re.compile(r"(?<!\\),")

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SynonymRule:
    """What is added where a query has an entry's words, one after the other."""

    entry: str
    tokens: Tokens
    expansions: tuple[str, ...]


class Synonyms:
    """What may be added to the words of queries."""

    def __init__(self, rules: Iterable[SynonymRule] = ()) -> None:
        self._by_first: dict[str, list[SynonymRule]] = {}
        for rule in merge_rules(rules):
            self._by_first.setdefault(rule.tokens[0], []).append(rule)
        for starting in self._by_first.values():
            starting.sort(key=lambda rule: -len(rule.tokens))
        self._words = {token for starting in self._by_first.values() for rule in starting for token in rule.tokens}

    def expand(self, text: str) -> dict[str, list[str]]:
        """Synonyms by the entry whose words a text has; where entries overlap, the longest from the left counts."""
        if not self._by_first:
            return {}
        tokens = synonym_tokens(text)
        found: dict[str, list[str]] = {}
        at = 0
        while at < len(tokens):
            rule = self._rule_at(tokens, at)
            if rule is not None:
                found[rule.entry] = [one for one in rule.expansions if not _has_phrase(tokens, synonym_tokens(one))]
            at += len(rule.tokens) if rule else 1
        return {entry: adds for entry, adds in found.items() if adds}

    def has_word(self, word: str) -> bool:
        """Whether a folded word is in an entry, so that it is rightly spelt."""
        return query_terms(word) in self._words

    def _rule_at(self, tokens: Tokens, at: int) -> SynonymRule | None:
        starting = self._by_first.get(tokens[at], ())
        return next((rule for rule in starting if tokens[at : at + len(rule.tokens)] == rule.tokens), None)


def read_synonyms(path: Path) -> Synonyms:
    """The synonyms of a file. Raises `InvalidSynonyms`, naming the file, the line and what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidSynonyms(f"query.synonyms: {path} cannot be read: {reason}") from error
    try:
        return parse_synonyms(text)
    except InvalidSynonyms as error:
        raise InvalidSynonyms(f"query.synonyms: {path}, {error}") from None


def parse_synonyms(text: str) -> Synonyms:
    """Synonyms in Solr's format.

    Args:
        text: a line is `a, b, c` (each stands for all), `a, b => c` (a and b find c too, c finds neither), blank or a
            `#` comment; an entry may have several words; `\\,` is a comma.

    Raises:
        InvalidSynonyms: naming the line and what is wrong with it.
    """
    lines = [line.strip() for line in text.splitlines()]
    rules: list[SynonymRule] = []
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#"):
            rules += _parse_line(line, f"line {number}")
    return Synonyms(rules)


def merge_rules(rules: Iterable[SynonymRule]) -> Iterator[SynonymRule]:
    """One rule for each entry, whatever number of lines it is on."""
    by_tokens: dict[Tokens, tuple[str, dict[str, None]]] = {}
    for rule in rules:
        by_tokens.setdefault(rule.tokens, (rule.entry, {}))[1].update(dict.fromkeys(rule.expansions))
    for tokens, (entry, adds) in by_tokens.items():
        yield SynonymRule(entry, tokens, tuple(adds))


def synonym_tokens(text: str) -> Tokens:
    """Words without their plural endings and Chinese characters, in their order, as entries are compared."""
    return tuple(query_terms(token) for token in _TOKENS.findall(fold(text)))


def append_synonyms(text: str, expanded: Mapping[str, Sequence[str]]) -> str:
    """What lexical search looks for: the text and its synonyms, which count as the words themselves do."""
    return " ".join([text, *(one for adds in expanded.values() for one in adds)])


def _parse_line(line: str, where: str) -> list[SynonymRule]:
    left, *right = line.split("=>")
    if len(right) > 1:
        raise InvalidSynonyms(f"{where}: more than one =>")
    entries = _entries(left, where)
    if right:
        adds = _entries(right[0], where)
        return [SynonymRule(one, synonym_tokens(one), adds) for one in entries]
    if len(entries) < 2:
        raise InvalidSynonyms(f"{where}: one entry alone has no synonym; write `a, b` or `a => b`")
    return [SynonymRule(one, synonym_tokens(one), tuple(other for other in entries if other != one)) for one in entries]


def _entries(part: str, where: str) -> tuple[str, ...]:
    entries = tuple(" ".join(one.replace("\\,", ",").split()) for one in _COMMA.split(part))
    for one in entries:
        if not synonym_tokens(one):
            raise InvalidSynonyms(f"{where}: {'an entry is empty' if not one else f'{one[:40]!r} has no word'}")
    return entries


def _has_phrase(tokens: Tokens, wanted: Tokens) -> bool:
    """Whether a text has these words one after the other."""
    return any(tokens[at : at + len(wanted)] == wanted for at in range(len(tokens) - len(wanted) + 1))
