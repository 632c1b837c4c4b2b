"""What can go wrong with the embedded stack, and what to do about it.

LocalStackError         base of everything raised here
├── MissingServer       a server's program is neither installed nor to be had as a package
├── StartFailed         a process died or was not ready in time; the message has the end of its log
└── DataDirUnusable     the data directory cannot be written, or another command is working on it
"""


class LocalStackError(Exception):
    """Base of the embedded stack's errors; the message says what to do."""


class MissingServer(LocalStackError):
    """A server's program is not there and cannot be fetched."""


class StartFailed(LocalStackError):
    """A process died during its start, or did not become ready."""


class DataDirUnusable(LocalStackError):
    """The data directory cannot be used just now."""
