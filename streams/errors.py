"""What can go wrong in `streams`, and what to do about it.

StreamError             base of everything raised here
├── InvalidEvent        the message can never be processed: dead-letter it with `reason`
├── UnreachableMedia    a picture, clip or sound cannot be fetched at present: index the product without it
├── PublishFailed       Kafka does not take messages at present: retry after `retry_after_s`
├── KafkaUnavailable    Kafka did not answer a question in time: ask again
├── KafkaRefused        Kafka turns this client away (it is a `PublishFailed` and a `KafkaUnavailable`, too): mend the
│                       credentials, certificates or rights that it names; asking again is of no use
├── EventsGone          Kafka does not have what was still to be read: begin anew, with a longer retention
├── GroupInUse          workers consume as a group whose place is to be set: stop them first
├── PartitionsLost      another worker owns these messages now: leave them to it
├── UnreadableFile      a file cannot be read as a whole: mend the file or the command
├── AddressNotAvailable a worker cannot listen where it is told to: name another port
├── TooManyWithdrawals  a file would take more products out of the index than one should: say how many may go
└── NoCatalogue         a directory has no file of products: name one
"""

from typing import Literal

Reason = Literal[
    "undecodable",
    "invalid",
    "wrong_topic",
    "too_old",
    "from_future",
    "too_large",
    "invalid_image",
    "unreachable_image",
    "invalid_video",
    "unreachable_video",
    "invalid_audio",
    "unreachable_audio",
    "internal",
]


MAX_MESSAGE = 1_000
"""Characters of an error about a message."""


class StreamError(Exception):
    """Base of the errors that streams raise."""


class InvalidEvent(StreamError):
    """A message that no retry can mend.

    Attributes:
        reason: the class of fault, by which dead letters are listed and replayed.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        # Values of the message are in it, which may be as long as it is.
        super().__init__(message[:MAX_MESSAGE])
        self.reason: Reason = reason


class UnreachableMedia(StreamError):
    """A picture, clip or sound cannot be fetched at present, or may not be; the message says why."""


class PublishFailed(StreamError):
    """Kafka did not take a message in time; the same call may succeed later."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnreadableFile(StreamError):
    """A file to publish cannot be read as a whole; the message names it and the way out."""


class NoCatalogue(StreamError):
    """A directory without a file of products; the message says which names are looked for."""


class PartitionsLost(StreamError):
    """Partitions of the messages in hand were taken away: nothing may be written or acknowledged for them."""


class KafkaUnavailable(StreamError):
    """Kafka did not answer a question in time."""


class KafkaRefused(KafkaUnavailable, PublishFailed):
    """Kafka turns this client away, or what it would log in with cannot be used: the message says why, and the way out.

    What waits for Kafka may go on waiting: rights can be granted, and passwords mended, meanwhile.
    """

    def __init__(self, message: str) -> None:
        PublishFailed.__init__(self, message, retry_after_s=15.0)


class EventsGone(StreamError):
    """Kafka does not have events that were still to be read; the message names them."""


class GroupInUse(StreamError):
    """Workers consume as a group whose place is to be set; the message names the group and the way out."""


class AddressNotAvailable(StreamError):
    """A worker cannot listen where the configuration says; the message names the address and the way out."""


class TooManyWithdrawals(StreamError):
    """A file would take more products out of the index than a slip of it should."""
