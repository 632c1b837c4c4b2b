"""Secrets that are mounted as files: read for each new connection, as they may change while a worker runs."""

from __future__ import annotations

from pathlib import Path


class SecretFileName(str):
    """The name of a file with a password, in the place of the password.

    A `str` for the sake of clients that pass on what they are given; `streams.kafka.connection` sees to it that a
    connection gets what is in the file.
    """

    __slots__ = ()

    def read(self) -> str:
        """What is in the file now, without the end of its line. Raises `OSError`."""
        return Path(self).read_text(encoding="utf-8").rstrip("\r\n")


def current_secret(value: str, file: str) -> str:
    """A secret that is given by itself or, with `file`, by what is in that now. Raises `OSError`."""
    return SecretFileName(file).read() if file else value
