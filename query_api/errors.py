"""What can go wrong in `query_api`, and what to do about it.

QueryError              base of everything raised here
├── InvalidRequest      the request cannot be answered as it is: mend the field named
├── ProductNotFound     no such product is indexed
├── InvalidSynonyms     the synonyms file cannot be used: mend the line named
├── EncoderBusy         too many queries wait for the encoder: retry after `retry_after_s`
├── TooBusy             too many requests are worked on, and wait: retry after `retry_after_s`
├── NotEnoughData       an evaluation has too little to measure: the message says what it lacks
├── AccessRefused       the sender may not make this request
│   ├── NotAuthenticated  no key or token, or one that is not good
│   ├── NotAuthorised     a good one, but not for this
│   └── TooManyRequests   retry after `retry_after_s`
├── AccessUnavailable   who asks cannot be found out just now: retry after `retry_after_s`
└── InvalidAccess       keys, secrets or an address that cannot be used: mend what is named
"""

MAX_MESSAGE, MAX_FIELD = 500, 100
"""Characters of an error that callers see."""


class QueryError(Exception):
    """Base of the errors that the query worker raises."""


class InvalidRequest(QueryError):
    """A request that cannot be answered as it is.

    Attributes:
        field: the field at fault, as the caller named it; empty: the request as a whole.
        status: 400 when it cannot be read, 422 when a value is refused, 408, 413 and 415 as HTTP has them.
    """

    def __init__(self, field: str, message: str, status: int = 422) -> None:
        # Values of the caller's are in it, which may be as long as a body.
        super().__init__(message[:MAX_MESSAGE])
        self.field = field[:MAX_FIELD]
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


class TooBusy(QueryError):
    """As many requests as can be are worked on, and as many wait."""

    retry_after_s = 1.0

    def __init__(self) -> None:
        super().__init__("too many requests at a time; try again")


class NotEnoughData(QueryError):
    """An evaluation whose judgments or index hold too little to measure or to fit to."""


class AccessRefused(QueryError):
    """A request that its sender may not make.

    Attributes:
        status: as HTTP has it.
        reason: one of few words, for metrics and logs.
    """

    status = 403
    reason = "forbidden"


class NotAuthenticated(AccessRefused):
    """No key or token came with a request, or one that is not good."""

    status = 401
    reason = "unauthenticated"

    def __init__(self, message: str, is_missing: bool = False) -> None:
        super().__init__(message)
        self.is_missing = is_missing


class NotAuthorised(AccessRefused):
    """A key or token that is good, but not for this."""


class TooManyRequests(AccessRefused):
    """More requests than a rate allows; again after `retry_after_s`."""

    status = 429
    reason = "rate"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AccessUnavailable(QueryError):
    """Who asks cannot be found out just now: retry after `retry_after_s`."""

    retry_after_s = 1.0


class InvalidRanker(QueryError):
    """A learnt ranker that cannot be used; the message says what to change."""


class InvalidExperiment(QueryError):
    """An experiment that cannot be run; the message says what to change."""


class InvalidAccess(QueryError):
    """Keys, secrets or an address that cannot be used; the message says what to change."""
