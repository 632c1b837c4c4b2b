"""Queries before indexing where both use one device, in whichever processes they run."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from encoders.inference.runtime import Runtime

MAX_WAIT_S: Final = 0.1
"""The longest that background work waits before each batch: under never-ending queries it becomes slow, and goes on."""
_POLL_S: Final = 0.002


class DevicePriority:
    """A device's order of precedence among the processes that share a file; for one thread at a time.

    Those who go first never wait for those who give way, just for what these have begun. A process that dies leaves
    nothing behind that others would wait for.
    """

    def __init__(self, path: Path) -> None:
        """Args: path: made if it is not there; where it cannot be, everybody goes at once."""
        self._file: int | None = None
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @classmethod
    def for_runtime(cls, runtime: Runtime) -> DevicePriority:
        """Among all that run with the same device and cache directory."""
        return cls(runtime.cache_path / f"{runtime.device.replace(':', '-')}.precedence")

    @contextlib.contextmanager
    def prioritised(self) -> Iterator[None]:
        """Do something that others give way to."""
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def wait_for_priority_work(self, wait_s: float = MAX_WAIT_S) -> None:
        """Wait until nobody goes first, or so long."""
        until = time.monotonic() + wait_s
        while self._file is not None and self._is_locked(self._file) and time.monotonic() < until:
            time.sleep(_POLL_S)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_locked(self, file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(file, fcntl.LOCK_UN)
        return False
