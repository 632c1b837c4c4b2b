"""What a merchant should know of a file that was read: what it lacks, what was left out, what was not understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAX_KINDS: Final = 1_000
"""Of how many words and columns count is kept."""
SHOWN: Final = 8
"""How many of them are named."""
_WANTED: Final = {"title": "title", "price": "price", "images": "picture", "category": "category"}
"""Fields that a shop's products should have, with their names for people."""


@dataclass(slots=True)
class FileNotice:
    """Counts over a file.

    Attributes:
        unknown_words: cells whose word is not understood, by column and word; they cost their field alone.
        unknown_columns: columns that a platform's profile does not know, which became attributes.
        merged: rows that were joined with another one of their product.
        replaced: rows that state anew, further on, a product that an earlier row of the file stated.
        hidden: products that are drafts, hidden or not published.
        unused_rules: rules of prices for options that no variant has, such as a wrapping's.
        left_out: pictures, clips and sounds that a backup has not in it.
        products: those that are published, and of these without a title, a price, a picture, a category.
    """

    unknown_words: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    unknown_columns: Counter[str] = field(default_factory=Counter[str])
    merged: int = 0
    replaced: int = 0
    hidden: int = 0
    left_out: int = 0
    unused_rules: int = 0
    products: Counter[str] = field(default_factory=Counter[str])

    def published(self, fields: Mapping[str, Any]) -> None:
        """A product is published; `fields`: what it has."""
        self.products["all"] += 1
        for name in _WANTED:
            if fields.get(name) in (None, []):
                self.products[name] += 1

    def unknown_column(self, column: str) -> None:
        """A column is not understood."""
        if column in self.unknown_columns or len(self.unknown_columns) < MAX_KINDS:
            self.unknown_columns[column] += 1

    def unknown_word(self, column: str, word: str) -> None:
        """A word of a column is not understood."""
        if (column, word) in self.unknown_words or len(self.unknown_words) < MAX_KINDS:
            self.unknown_words[column, word] += 1

    def lines(self) -> Iterator[str]:
        """What to tell, a line each."""
        if lacks := [
            f"{self.products[name]:,} without {word}" for name, word in _WANTED.items() if self.products[name]
        ]:
            yield f"of {self.products['all']:,} products {', '.join(lacks)}"
        if self.hidden:
            yield f"{self.hidden:,} drafts, hidden or unpublished products: withdrawn, not in search"
        if self.unused_rules:
            yield f"{self.unused_rules:,} rules of options that no variant has: passed over"
        if self.left_out:
            yield f"{self.left_out:,} stored pictures, clips or sounds: not in a backup, left out"
        if self.merged:
            yield f"{self.merged:,} rows joined with others of their product"
        if self.replaced:
            yield f"{self.replaced:,} rows replace earlier ones of their product: sort the file by product to join them"
        if self.unknown_columns:
            named = [f"{column} ({count:,})" for column, count in self.unknown_columns.most_common(SHOWN)]
            yield f"columns not understood, taken as attributes: {', '.join(named)}{_more(len(self.unknown_columns))}"
        if self.unknown_words:
            named = [
                f"{column} {word!r} ({count:,})" for (column, word), count in self.unknown_words.most_common(SHOWN)
            ]
            yield f"words not understood, whose fields are left out: {', '.join(named)}{_more(len(self.unknown_words))}"

    @property
    def faults(self) -> int:
        """How many things were not understood."""
        return self.unknown_words.total() + len(self.unknown_columns) + self.replaced


def _more(count: int) -> str:
    return f" and {count - SHOWN:,} more" if count > SHOWN else ""
