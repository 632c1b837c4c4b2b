"""What a merchant should know of a file that was read: what it lacks, what was left out, what was not understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_KINDS: Final = 1_000
"""Of how many words and columns count is kept."""
SHOWN: Final = 8
"""How many of them are named."""


@dataclass(slots=True)
class FileNotice:
    """Counts over a file.

    Attributes:
        unknown_words: cells whose word is not understood, by column and word; they cost their field alone.
    """

    unknown_words: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def unknown_word(self, column: str, word: str) -> None:
        """A word of a column is not understood."""
        if (column, word) in self.unknown_words or len(self.unknown_words) < MAX_KINDS:
            self.unknown_words[column, word] += 1

    def lines(self) -> Iterator[str]:
        """What to tell, a line each."""
        if self.unknown_words:
            named = [
                f"{column} {word!r} ({count:,})" for (column, word), count in self.unknown_words.most_common(SHOWN)
            ]
            yield f"words not understood, whose fields are left out: {', '.join(named)}{_more(len(self.unknown_words))}"

    @property
    def faults(self) -> int:
        """How many things were not understood."""
        return self.unknown_words.total()


def _more(count: int) -> str:
    return f" and {count - SHOWN:,} more" if count > SHOWN else ""
