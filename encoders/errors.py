"""What can go wrong in `encoders`, and what to do about it.

EncoderError            base of everything raised here
├── InvalidImage        the bytes are no usable picture: dead-letter the picture, keep the product
├── ModelUnavailable    the model directory or hub name cannot be loaded: fix the configuration
└── SpecMismatch        vectors of one space met an index of another: stop and reindex
"""


class EncoderError(Exception):
    """Base of the errors that encoders raise."""


class InvalidImage(EncoderError):
    """The bytes are no picture that this service takes; the message says why."""


class ModelUnavailable(EncoderError):
    """A model cannot be loaded; the message names it and the way out."""


class SpecMismatch(EncoderError):
    """Embeddings of one vector space were handed to another."""
