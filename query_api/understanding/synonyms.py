"""The merchant's synonyms: a file in Solr's format, and what it adds to the words of a query."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.text_analysis.analyzer import query_terms
from indexer.text_analysis.folding import fold
from query_api.errors import InvalidSynonyms

log = logging.getLogger(__name__)

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKENS = re.compile(rf"[{_HAN}]|(?:(?![{_HAN}])[^\W_])+(?:[-.'’](?:(?![{_HAN}])[^\W_])+)*")
_COMMA = re.compile(r"(?<!\\),")

MAX_EXPANDED = 16
"""How many entries of a query are expanded; each expansion is looked for in all of it."""
Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SynonymRule:
    """What is added to a query that has an entry's words, one after the other."""

    entry: str
    """As the file has it."""
    tokens: Tokens
    """Of the entry, as `synonym_tokens` gives them."""
    expansions: tuple[str, ...]


class Synonyms:
    """What may be added to the words of queries. Immutable."""

    def __init__(self, rules: Iterable[SynonymRule] = ()) -> None:
        self._by_first_token: dict[str, list[SynonymRule]] = {}
        for rule in merge_rules(rules):
            self._by_first_token.setdefault(rule.tokens[0], []).append(rule)
        for same_start in self._by_first_token.values():
            same_start.sort(key=lambda rule: -len(rule.tokens))
        self._words = {
            token for same_start in self._by_first_token.values() for rule in same_start for token in rule.tokens
        }

    def expand(self, text: str) -> dict[str, list[str]]:
        """The expansions that a text does not have yet, by the entry whose words it has.

        Entries are looked for from left to right; of those that begin at the same word the longest counts, and its
        words are in no other entry.
        """
        if not self._by_first_token:
            return {}
        tokens = synonym_tokens(text)
        expanded: dict[str, list[str]] = {}
        at = 0
        while at < len(tokens):
            rule = self._rule_at(tokens, at)
            if rule is not None and rule.entry not in expanded and len(expanded) < MAX_EXPANDED:
                missing = [added for added in rule.expansions if not _has_phrase(tokens, synonym_tokens(added))]
                expanded[rule.entry] = missing
            at += len(rule.tokens) if rule else 1
        return {entry: expansions for entry, expansions in expanded.items() if expansions}

    def has_word(self, word: str) -> bool:
        """Whether a folded word is in an entry: then it is spelt as the merchant means it."""
        return query_terms(word) in self._words

    def _rule_at(self, tokens: Tokens, at: int) -> SynonymRule | None:
        same_start = self._by_first_token.get(tokens[at], ())
        return next((rule for rule in same_start if tokens[at : at + len(rule.tokens)] == rule.tokens), None)


class SynonymFile:
    """The synonyms of a file, read anew when it changes; while it cannot be read, those read before stay in force.

    Attributes:
        synonyms: those in force.
        version: how often others came into force.
    """

    def __init__(self, path: str, poll_s: float) -> None:
        """Read the file.

        Args:
            path: of the file; empty: there are no synonyms.
            poll_s: seconds between two looks at the file.

        Raises:
            InvalidSynonyms: it cannot be read, or a line of it cannot be used.
        """
        self._path = Path(path) if path else None
        self._poll_s = poll_s
        self._file_stamp = self._read_file_stamp()
        self.synonyms = read_synonyms(self._path) if self._path else Synonyms()
        self.version = 0

    async def run(self) -> None:
        """Look for changes of the file, until cancelled; returns at once without a file."""
        while self._path is not None:
            await asyncio.sleep(self._poll_s)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the file if it changed. One that cannot be used is logged."""
        stamp = self._read_file_stamp()
        if self._path is None or stamp == self._file_stamp:
            return
        self._file_stamp = stamp
        try:
            self.synonyms = read_synonyms(self._path)
            self.version += 1
            log.info("synonyms_read")
        except InvalidSynonyms as error:
            log.error("synonyms_refused", extra={"reason": str(error)})

    def _read_file_stamp(self) -> tuple[int, int, int] | None:
        """Change time in ns, size in bytes and inode: another file differs in one of them. None: there is no file."""
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None


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
        text: a line is `a, b, c` (each stands for all), `a, b => c` (a query for a or b finds c too, one for c finds
            neither), blank or a `#` comment; an entry may have several words; `\\,` is a comma.

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
    """One rule for each entry, with the expansions of all of its lines."""
    by_tokens: dict[Tokens, tuple[str, dict[str, None]]] = {}
    for rule in rules:
        by_tokens.setdefault(rule.tokens, (rule.entry, {}))[1].update(dict.fromkeys(rule.expansions))
    for tokens, (entry, expansions) in by_tokens.items():
        yield SynonymRule(entry, tokens, tuple(expansions))


def synonym_tokens(text: str) -> Tokens:
    """The words and Chinese characters of a text in their order, folded and in the singular, to compare entries by."""
    return tuple(query_terms(token) for token in _TOKENS.findall(fold(text)))


def append_synonyms(text: str, expanded: Mapping[str, Sequence[str]]) -> str:
    """What lexical search looks for: the text and its synonyms, which count as much as its own words."""
    return " ".join([text, *(expansion for expansions in expanded.values() for expansion in expansions)])


def _parse_line(line: str, place: str) -> list[SynonymRule]:
    left, *right = line.split("=>")
    if len(right) > 1:
        raise InvalidSynonyms(f"{place}: more than one =>")
    entries = _entries(left, place)
    if right:
        expansions = _entries(right[0], place)
        return [SynonymRule(entry, synonym_tokens(entry), expansions) for entry in entries]
    if len(entries) < 2:
        raise InvalidSynonyms(f"{place}: one entry alone has no synonym; write `a, b` or `a => b`")
    return [
        SynonymRule(entry, synonym_tokens(entry), tuple(synonym for synonym in entries if synonym != entry))
        for entry in entries
    ]


def _entries(text: str, place: str) -> tuple[str, ...]:
    """The entries between commas; `place` names the line in messages. Raises `InvalidSynonyms`."""
    entries = tuple(" ".join(entry.replace("\\,", ",").split()) for entry in _COMMA.split(text))
    for entry in entries:
        if not synonym_tokens(entry):
            raise InvalidSynonyms(f"{place}: {'an entry is empty' if not entry else f'{entry[:40]!r} has no word'}")
    return entries


def _has_phrase(tokens: Tokens, phrase: Tokens) -> bool:
    """Whether a text has the words of a phrase one after the other."""
    return any(tokens[at : at + len(phrase)] == phrase for at in range(len(tokens) - len(phrase) + 1))
