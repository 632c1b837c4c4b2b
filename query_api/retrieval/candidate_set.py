"""What a retrieval looks for, and the candidates that it finds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from encoders.spec import FloatArray
from indexer.criteria import Filters, SortOrder, WithoutWords
from query_api.retrieval.candidate_columns import CandidateColumns

MIN_KEPT_SHARE = 0.8
"""A truncated candidate set that lost a fifth of its products is searched anew."""
MAX_GROWTH = 1.25
"""So is one that has grown by more than a quarter."""


@dataclass(frozen=True, slots=True)
class RetrievalQuery:
    """What to look for. Neither vector nor text: everything that passes the filters (a browse)."""

    vector: FloatArray | None
    """Query vector (2·dim,), float32, the parts' weights within."""
    text: str | None
    """Words for lexical search."""
    filters: Filters = ()
    order: SortOrder | None = None
    """Of a browse: which of the products that pass come first; None: by product id."""
    browse_limit: int | None = None
    """Of a browse: how many of them are wanted; None: `RetrievalLimits.browse`."""
    unwanted: WithoutWords | None = None
    """Words of products that come last."""
    is_deep: bool = False
    """Of a search: whether it goes as deep as a browse, not just for what is shown first."""

    @property
    def is_browse(self) -> bool:
        """Whether there is neither vector nor text."""
        return self.vector is None and self.text is None


@dataclass(frozen=True, slots=True)
class RetrievalLimits:
    """How many products searches return."""

    search: int = 1_000
    """Of dense and of lexical search each."""
    browse: int = 10_000


class CandidateSet(Struct, frozen=True, array_like=True):
    """Products among which to rank.

    Each search's share is a prefix of its full ranking: a product belongs when its dense score reaches
    `dense_floor` or its lexical score `lexical_floor`. So whether a changed product belongs can be told from its
    own new scores, and the set after `Retriever.refresh` is again such a prefix, with no search of the others.
    Scores and floors are float32, as the engine gives them: none falls below its own floor by being written and read.
    """

    items: CandidateColumns
    dense_floor: float | None
    """The least dense score among the results, when the limit cut that search; None: they are all there are."""
    lexical_floor: float | None
    """Likewise for lexical search."""
    is_truncated: bool
    """Whether products that match were left out."""
    initial_size: int
    """How many candidates the search itself returned, before any refresh."""
    without_lexical: bool = False
    """Lexical search did not answer and was left out."""
    match_count: int | None = None
    """Of a browse: how many products match in all; None: not counted."""
    unwanted: tuple[str, ...] = ()
    """Ids of those that hold the query's unwanted words: they match, and come last."""

    @property
    def unretrieved_count(self) -> int:
        """How many products match beyond those here, where they were counted."""
        return max(0, self.match_count - len(self.items)) if self.match_count is not None else 0

    def covers(self, browse_limit: int | None) -> bool:
        """Whether the first `browse_limit` products of a browse are all here; None: there is no such limit."""
        return browse_limit is None or not self.unretrieved_count or len(self.items) >= browse_limit

    @property
    def is_refreshable(self) -> bool:
        """Whether a changed product's own scores tell if it belongs: not where a browse took the first of many."""
        return not (self.is_truncated and self.match_count is not None)

    @property
    def is_stale(self) -> bool:
        """Whether it has shrunk or grown so much that it no longer stands for a search to the full limit."""
        lost = self.is_truncated and len(self.items) < MIN_KEPT_SHARE * self.initial_size
        return lost or len(self.items) > MAX_GROWTH * max(self.initial_size, 100)
