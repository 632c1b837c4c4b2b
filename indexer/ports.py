"""The stores as the rest of the system knows them.

Each port has an in-memory double that passes the same contract tests as the real store.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from msgspec import Struct

from encoders.spec import FloatArray
from indexer.criteria import Filters, SortOrder
from indexer.records import IndexRow, StoredProduct, StoredRow


@dataclass(frozen=True, slots=True, eq=False)
class ScoredIds:
    """What a search found, best first, as two columns: the n-th score is the n-th product's."""

    ids: Sequence[str]
    """Product ids, (n,)."""
    scores: FloatArray
    """Inner products for dense search, BM25 (≥ 0) for lexical search; (n,) float32."""

    def __len__(self) -> int:
        return len(self.ids)

    def by_id(self) -> dict[str, float]:
        """Scores by product id, in the same order."""
        return dict(zip(self.ids, self.scores.tolist(), strict=True))


NOTHING_FOUND = ScoredIds((), np.empty(0, np.float32))
"""What a search finds where there is nothing."""


class Candidate(Struct, frozen=True, gc=False):
    """A product that one of several searches in a call found, with its payload."""

    product_id: str
    score: float
    """As `ScoredIds.scores`."""
    payload: bytes
    """`IndexRow.hit_payload`."""


@dataclass(frozen=True, slots=True)
class ProductCounts:
    """How many products the index holds, tombstones apart."""

    searchable: int
    incomplete: int


class ProductStore(Protocol):
    """One generation of the product index.

    Durable: what `write` returned from survives a crash of any process. Idempotent: rows replace rows by product id.
    Reads see every write that returned before. Cancellation leaves a write wholly done or wholly undone for each row.
    Safe for concurrent use by the tasks of one event loop; there is no compare-and-set, so each product has one writer.
    Every call raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def read(self, product_ids: Sequence[str]) -> dict[str, tuple[StoredProduct, FloatArray]]:
        """What is stored of these products, tombstones too, with their fused vectors; unknown ids are absent."""
        ...

    async def scan(self, after: str, limit: int) -> dict[str, tuple[StoredProduct, FloatArray]]:
        """The next products by id, as `read` gives them: at most `limit` of those greater than `after`, in order.

        To go through all, pass the last id of each page to the next; an empty page is the end. Products that are
        written meanwhile are seen as they are when their page is read.
        """
        ...

    async def read_rows(self, product_ids: Sequence[str]) -> dict[str, StoredRow]:
        """As `read`, with the terms too."""
        ...

    async def read_states(self, product_ids: Sequence[str]) -> dict[str, StoredProduct]:
        """As `read`, without the vectors, which take most of it."""
        ...

    async def scan_states(self, after: str, limit: int) -> dict[str, StoredProduct]:
        """As `scan`, without the vectors."""
        ...

    async def write(self, rows: Sequence[IndexRow], until: float = math.inf) -> None:
        """Insert or replace rows; ids must be distinct.

        Args:
            rows: what to write.
            until: the time of the monotonic clock, seconds, by which the write has landed or is given up.

        Raises:
            InvalidRecord: before anything is written.
        """
        ...

    async def search_dense(self, vector: FloatArray, filters: Filters, limit: int) -> ScoredIds:
        """Searchable products by inner product with `vector` (2·dim,), greatest first; `limit` ≤ 1,000."""
        ...

    async def search_lexical(self, text: str, filters: Filters, limit: int) -> ScoredIds:
        """Searchable products that share a term with the analysed `text`, by BM25, greatest first; `limit` ≤ 1,000."""
        ...

    async def search_terms(self, terms: str, filters: Filters, limit: int) -> ScoredIds:
        """As `search_lexical`, by analysed terms separated by blanks; a score is the sum of its terms' scores."""
        ...

    async def search_dense_all(self, vectors: FloatArray, filters: Filters, limit: int) -> list[list[Candidate]]:
        """As `search_dense`, for vectors (n, 2·dim), n ≤ 256: an answer each, by one call if the index is exact, with
        the payloads of what is found."""
        ...

    async def search_terms_all(self, terms: Sequence[str], filters: Filters, limit: int) -> list[list[Candidate]]:
        """As `search_terms`, for up to 256 of them in one call, with payloads: an answer each; none for empty ones."""
        ...

    async def score_dense(self, vector: FloatArray, product_ids: Sequence[str]) -> dict[str, float]:
        """Inner products with `vector` (2·dim,) of those of ≤ 1,000 products that are searchable."""
        ...

    async def score_lexical(self, text: str, product_ids: Sequence[str]) -> dict[str, float]:
        """BM25 of those of ≤ 1,000 products that share a term with the analysed `text`, as `search_lexical` has it."""
        ...

    async def browse(self, filters: Filters, limit: int, order: SortOrder | None = None) -> list[str]:
        """The ids of the first `limit` ≤ 16,384 searchable products that match, by a number or else by id."""
        ...

    async def read_payloads(self, product_ids: Sequence[str]) -> dict[str, bytes]:
        """`IndexRow.hit_payload` of those of the products that are searchable, in no order."""
        ...

    async def scan_payloads(self, filters: Filters, limit: int) -> dict[str, bytes]:
        """The first `limit` ≤ 16,384 searchable products that match, by id, in order, with their payloads."""
        ...

    async def count_matching(self, filters: Filters) -> int:
        """How many searchable products match."""
        ...

    async def count(self) -> ProductCounts:
        """How many products there are."""
        ...


@dataclass(frozen=True, slots=True)
class Interaction:
    """A shopper's click, like or purchase, by which results become personal."""

    event_id: str
    kind: str
    product_id: str
    time_ms: int
    source: str = ""
    """Whose `event_id` it is; ids are unique within their source."""


@dataclass(frozen=True, slots=True)
class TraitChange:
    """What an event says a shopper is like; None clears a trait."""

    event_id: str
    values: Mapping[str, str | None]
    time_ms: int
    source: str = ""


class History(Protocol):
    """A user's latest interactions as a store has them: whether two have the same is known without reading either."""

    def __len__(self) -> int:
        """0 where there are none."""
        ...

    def interactions(self) -> list[Interaction]:
        """All of them, newest first."""
        ...


class ProfileStore(Protocol):
    """What shoppers did and are like: the same whatever the order, the repetitions and the batches of the events.

    Idempotent by (source, event id), bounded a user. A user's history is their latest interactions by (time, source,
    id). Once it is full, an interaction from before the oldest kept is ignored altogether, so that none counts again
    that was counted and has made room since. Nothing counts that happened when its user was forgotten, or before.
    Cancellation leaves a call done in part: repeat it. Safe for concurrent use.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def record(self, interactions: Sequence[tuple[str, Interaction]]) -> None:
        """Add (user id, interaction) pairs; a repeated event keeps the latest of its times.

        Raises:
            InvalidRecord: one of them cannot be stored; the others may or may not have been.
        """
        ...

    async def set_traits(self, changes: Sequence[tuple[str, TraitChange]]) -> None:
        """Apply (user id, change) pairs; each trait keeps its latest value by (time, source, id), null clears it.

        A user keeps as many traits as `indexer.redis.profiles.TRAITS`, cleared ones included: the latest.

        Raises:
            InvalidRecord: one of them cannot be stored; the others may or may not have been.
        """
        ...

    async def forget(self, forgotten: Sequence[tuple[str, int]]) -> None:
        """Erase, for each (user id, time ms), what the user did and was like until then; keep ignoring it if it comes.

        The keys of their dead letters are destroyed. What they added to popularity stays: it names nobody.
        """
        ...

    async def forgotten_ms(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Until when which of these users are forgotten, Unix milliseconds; as long as that is remembered."""
        ...

    async def histories(self, user_ids: Sequence[str]) -> list[History]:
        """The latest interactions of each user, in one round trip."""
        ...

    async def traits(self, user_id: str) -> dict[str, str]:
        """A user's traits."""
        ...

    async def latest_ms(self, user_id: str) -> int | None:
        """When the latest thing known of a user happened, Unix milliseconds; None: nothing is known."""
        ...

    async def popular(self, limit: int) -> list[str]:
        """The products that shoppers interacted with most of late, most first."""
        ...


@dataclass(frozen=True, slots=True)
class PersonKey:
    """What a person's dead letters are encrypted with."""

    name: str
    """Random, says nothing of the person."""
    key: bytes


class PersonKeys(Protocol):
    """A key for each person, for as long as the profile store has not forgotten them.

    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def keys_of(self, persons: Sequence[tuple[str, int]]) -> list[PersonKey | None]:
        """The key of each (user id, time ms), made where there is none; None: what they did then is forgotten."""
        ...

    async def key_of_unknown(self) -> PersonKey:
        """The key of today, for what is somebody's and does not say whose; it goes after a time."""
        ...

    async def find(self, names: Sequence[str]) -> dict[str, bytes]:
        """The keys that are still there, by name. Raises `Undecryptable` when the secret is not the one they have."""
        ...


class RestoreLease(Protocol):
    """Whether profiles have to be restored, and the right to do it, which one worker has at a time.

    The store itself remembers that its profiles are whole: a store that is new, or lost its data, does not.
    A lease that is not renewed in time ends, and somebody else may take it.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def is_needed(self) -> bool:
        """Whether the store does not know its profiles to be whole."""
        ...

    async def take(self) -> bool:
        """Take the lease, if a restore is needed and nobody has it."""
        ...

    async def renew(self) -> bool:
        """Keep the lease; False: it is lost."""
        ...

    async def complete(self) -> bool:
        """Note that profiles are whole, and give the lease back; False: it is lost, and nothing was noted."""
        ...

    async def release(self) -> None:
        """Give the lease back, if it is still held."""
        ...


class LogPosition(NamedTuple):
    """A place in the change log."""

    epoch: str
    """The life of the server that keeps the log: one that started anew may have lost changes without knowing it, so
    positions of two lives have nothing to do with each other."""
    sequence: int
    """Of the latest change."""


class LogReading(NamedTuple):
    """What happened since a place in the change log."""

    position: LogPosition
    """Where the log stands now."""
    changed: Sequence[str] | None
    """Ids of the products that changed since; None: the log cannot tell."""


class ChangeLog(Protocol):
    """Which products changed in the index, in order, so that cached results know what to look at again.

    Bounded: it forgets the oldest changes, and says so by the floor. A log that lost everything goes on with numbers
    that it never gave before.
    Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def append(self, product_ids: Sequence[str]) -> None:
        """Note that these products changed; called after the write is durable."""
        ...

    async def position(self) -> int:
        """The sequence number of the latest change."""
        ...

    async def since(self, position: int) -> tuple[int, list[str]] | None:
        """(latest position, products changed after `position`); None when the log no longer reaches back so far."""
        ...

    async def read(self, after: LogPosition | None) -> LogReading:
        """What happened after a place where the log stood. One call at a time.

        Args:
            after: as the last call gave it; None: at the first, of which no change is told.
        """
        ...

    async def aclose(self) -> None:
        """Give back what `read` holds; the next one takes it again."""
        ...


class ToldLag(Struct, frozen=True, array_like=True):
    """What waits on a partition of events, as the worker that has it says."""

    messages: int
    """How many of its messages are not acknowledged."""
    since_ms: int | None
    """When Kafka took the oldest of them, Unix milliseconds; None: not known, or none waits."""
    partitions: int
    """How many partitions the topic has."""


class LagBoard(Protocol):
    """What waits on each partition, told by the workers of one consumer group to whoever wants to know.

    What is told is forgotten within seconds, so that nobody takes a dead worker's word; a partition's new worker
    writes over what the last one told. Raises `StoreUnavailable` when the store does not answer within its deadline.
    """

    async def tell(self, lag: Mapping[tuple[str, int], ToldLag]) -> None:
        """Tell what waits, by topic and partition."""
        ...

    async def read(self, partitions: Sequence[tuple[str, int]]) -> list[ToldLag | None]:
        """What was told last of each of these; None: nothing of late."""
        ...
