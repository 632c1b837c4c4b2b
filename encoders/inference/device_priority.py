"""Device priority: processes that answer queries go before processes that index, where both use one device."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final, Protocol

from encoders.inference.runtime import Runtime

MAX_WAIT_S: Final = 0.1
"""The longest that background work waits before each batch, in seconds: endless queries slow it down, and no more."""
_POLL_S: Final = 0.002


class _Clock(Protocol):
    """The time and waiting, which tests replace."""

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait for so many seconds."""
        ...


class DevicePriority:
    """Priority for a device among processes that share a lock file; for one thread at a time.

    Work with priority never waits here; what background work has already begun, the device finishes first. Background
    work waits before each batch until no work with priority is under way, or for a bounded time. The lock of a process
    that dies is released by the system.
    """

    def __init__(self, path: Path, clock: _Clock = time) -> None:
        """Open the lock file.

        Args:
            path: the lock file, created where it is missing; where it cannot be created, nobody ever waits.
            clock: the time and waiting.
        """
        self._clock = clock
        self._file: int | None = None
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @classmethod
    def for_runtime(cls, runtime: Runtime) -> DevicePriority:
        """The priority among all processes with the same device and cache directory."""
        return cls(runtime.cache_path / f"{runtime.device.replace(':', '-')}.precedence")

    @contextlib.contextmanager
    def prioritised(self) -> Generator[None]:
        """Keep background work waiting while the context is open."""
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def wait_for_priority_work(self, wait_s: float = MAX_WAIT_S) -> None:
        """Wait until no work with priority is under way, at most `wait_s` seconds."""
        until = self._clock.monotonic() + wait_s
        while self._file is not None and self._is_locked(self._file) and self._clock.monotonic() < until:
            self._clock.sleep(_POLL_S)

    def close(self) -> None:
        """Close the file."""
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
