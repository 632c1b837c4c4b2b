"""What can go wrong in `query_api`, and what to do about it.

QueryError              base of everything raised here
├── InvalidRequest      the request cannot be answered as it is: mend the field named
├── ProductNotFound     no such product is indexed
├── InvalidSynonyms     the synonyms file cannot be used: mend the line named
├── EncoderBusy         too many queries wait for the encoder: retry after `retry_after_s`
└── NotEnoughData       an evaluation has too little to measure: the message says what it lacks
"""


class QueryError(Exception):
    """Base of the errors that the query worker raises."""


class InvalidRequest(QueryError):
    """A request that cannot be answered as it is.

    Attributes:
        field: the field at fault, as the caller named it; empty: the request as a whole.
        status: 400 when it cannot be read, 422 when a value is refused, 408, 413 and 415 as HTTP has them.
    """

    def __init__(self, field: str, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.field = field
        self.status = status


class ProductNotFound(QueryError):
    """No product of this id is indexed, or it was deleted."""


class InvalidSynonyms(QueryError):
    """A synonyms file that cannot be read; the message names the file, the line and the reason."""


class EncoderBusy(QueryError):
    """The encoder did not answer within its deadline; the same query may succeed later."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotEnoughData(QueryError):
    """An evaluation whose judgments or index hold too little to measure or to fit to."""
