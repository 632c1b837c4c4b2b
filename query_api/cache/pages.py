"""Finished answers, with room for what each answer has of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
from msgspec import structs

from query_api.contract.responses import Hit, SearchResponse

PAGE_BYTES = 512
"""What a page takes beside its bytes."""


class PageKey(NamedTuple):
    """What an answer depends on beside the products; of one generation and one encoder."""

    request: bytes
    """The request in one writing."""
    understanding: tuple[int, ...]
    """Versions of what texts are understood by."""
    shopper: str | None = None
    """Who asked; empty: any shopper, whose hits are yet to be put in; None: nobody in particular."""


@dataclass(frozen=True, slots=True)
class Page:
    """The JSON of an answer in pieces: `query_id`, `took_ms` and `index_age_ms` go between them."""

    head: bytes
    middle: bytes
    end: bytes
    hit_count: int
    total: int
    word_count: int | None = None
    """How many words of the catalogue were known when a word of the query was not: with another one, it may be a
    correction; None: all of its words were known."""
    absent_terms: tuple[str, ...] = ()
    """Terms of words that the catalogue did not have, and that the query would be understood to ask for as well."""
    taste: int = 0
    """`ShopperProfile.number` of the shopper in whose order the hits are."""
    shown: bytes = b""
    """What is remembered of an answer that shows it; empty: nothing."""

    @classmethod
    def of(
        cls,
        response: SearchResponse,
        word_count: int | None,
        absent_terms: tuple[str, ...] = (),
        shown: bytes = b"",
    ) -> Page:
        """The page of an answer, as a hit of the cache."""
        blank = structs.replace(response, query_id="", took_ms=0.0, cache="hit", index_age_ms=0)
        # Within texts quotes are escaped, so these are the fields themselves.
        head, _, rest = msgspec.json.encode(blank).removeprefix(b'{"query_id":""').partition(b',"took_ms":0.0,')
        middle, _, end = rest.partition(b',"index_age_ms":0')
        return cls(head, middle, end, len(response.hits), response.total, word_count, absent_terms, shown=shown)

    def answer(self, query_id: str, took_ms: float, index_age_ms: int | None) -> bytes:
        """The whole answer."""
        age = b"null" if index_age_ms is None else b"%d" % index_age_ms
        return b'{"query_id":"%b"%b,"took_ms":%.2f,%b,"index_age_ms":%b%b' % (
            query_id.encode(),
            self.head,
            took_ms,
            self.middle,
            age,
            self.end,
        )

    def with_hits(self, hits: Sequence[Hit], taste: int, shown: bytes = b"") -> Page:
        """The page with other hits out of the same candidates, in the order of a taste."""
        head = b',"hits":%b,"total":%d' % (msgspec.json.encode(hits), self.total)
        return replace(self, head=head, hit_count=len(hits), taste=taste, shown=shown)

    @property
    def byte_size(self) -> int:
        """What it takes in memory, at most, with a key of a usual request."""
        return PAGE_BYTES + len(self.head) + len(self.middle) + len(self.end) + len(self.shown)
