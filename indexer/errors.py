"""What can go wrong in `indexer`, and what to do about it.

IndexerError            base of everything raised here
├── StoreUnavailable    a store did not answer in time: retry after `retry_after_s`
│   └── AccessDenied    a password, right or certificate is wrong: somebody has to mend it; at a start: stop
├── InvalidRecord       a record cannot be stored as it is: dead-letter it
├── InvalidFilter       a filter names an unknown field or a bad value: tell the caller
├── IndexMismatch       the index is of another encoder or schema, or needs what Milvus here lacks: stop
├── IndexNotEmpty       an index that was to be filled holds products already: use another
├── InvalidBackup       a file is no backup, or not a whole one: use another
├── CollectionRefused   the index does not look whole, so no media are removed by it: look into it
├── MissingExtra        a package that is not part of every installation is not installed: install the extra named
└── Undecryptable       something was encrypted with another key or secret: set the right one
"""

from __future__ import annotations

from collections.abc import Iterator


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of, the latest first. Clients raise some errors from themselves: each comes once."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        # What stands for itself says nothing of where it came from.
        cause = at.__cause__ if at.__cause__ is not at else None
        at = cause or at.__context__


class IndexerError(Exception):
    """Base of the errors that stores and planning raise."""


class StoreUnavailable(IndexerError):
    """A store did not answer in time; the same call may succeed later."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AccessDenied(StoreUnavailable):
    """A store and we do not trust each other; the message says what to put right.

    What runs goes on as if the store were away, since secrets are replaced while it runs; what starts does not.
    """


class InvalidRecord(IndexerError):
    """A record breaks a bound of the store; the message says which."""


class InvalidFilter(IndexerError):
    """A filter cannot be applied; the message names the field and what it takes."""


class IndexMismatch(IndexerError):
    """The index holds vectors of another encoder or type, or has another schema, than can be written here."""


class IndexNotEmpty(IndexerError):
    """An index that was to be filled holds products already."""


class InvalidBackup(IndexerError):
    """A file is no backup, is damaged, or cannot be written; the message names it."""


class CollectionRefused(IndexerError):
    """Media are not removed, as the index does not look whole; the message says why."""


class MissingExtra(IndexerError):
    """A package that is not part of every installation is not installed; the message names the extra with it."""


class Undecryptable(IndexerError):
    """Something was encrypted with another key or secret, or was changed since."""
