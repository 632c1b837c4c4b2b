"""What can go wrong in `encoders`, and what to do about it.

EncoderError                 base of everything raised here
├── WorkerProcessFailed      a worker process died, hung or answered nonsense: call again, another takes over
├── WorkerProcessUnavailable no worker process runs: it did not start (stderr says why), or its pool is closed
├── InvalidAudio             the bytes are no usable sound: dead-letter the sound, keep the product
├── InvalidImage             the bytes are no usable picture: dead-letter the picture, keep the product
├── InvalidVideo             the bytes are no usable clip: dead-letter the clip, keep the product
├── ModelUnavailable         the model directory or hub name cannot be loaded: fix the configuration
│   └── MissingPackage       it needs a package that is not installed: install the extra that is named
└── SpecMismatch             vectors of one space met an index of another: stop and reindex
"""


class EncoderError(Exception):
    """Base of the errors that encoders raise."""


class WorkerProcessFailed(EncoderError):
    """A worker process ended, was late or gave an unreadable answer; another one takes the next call."""

    def __init__(self, message: str, reason: str = "") -> None:
        """Args: reason: what became of the process, as words that follow its name (`did not answer within 5 s`)."""
        super().__init__(message)
        self.reason = reason


class WorkerProcessUnavailable(EncoderError):
    """No worker process could take the call: none could be started in time, or the pool is closed."""


class InvalidAudio(EncoderError):
    """The bytes are no sound that this service takes; the message says why."""


class InvalidImage(EncoderError):
    """The bytes are no picture that this service takes; the message says why."""


class InvalidVideo(EncoderError):
    """The bytes are no clip that this service takes; the message says why."""


class ModelUnavailable(EncoderError):
    """A model cannot be loaded; the message names it and the way out."""


class MissingPackage(ModelUnavailable):
    """A package that is not part of every installation is not installed; the message names the extra with it."""


class SpecMismatch(EncoderError):
    """Embeddings of one vector space were handed to another."""
