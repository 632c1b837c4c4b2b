"""Logs that do not grow for ever: those of a data directory, whoever writes them.

What writes them cannot be told to take another file: a JVM, a C++ engine, libraries below Python. All of them append,
so a log that is full is copied and cut, and its writers go on at its new beginning. A line that is written between the
two, some microseconds, is lost.
"""

from __future__ import annotations

import fcntl
import shutil
import threading
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 16 * 2**20
"""A log that is longer is put away."""
KEPT = 3
"""How many logs that were put away are kept, `NAME.log.1` the latest."""
CHECK_S = 5.0


def rotate_logs(directory: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> list[Path]:
    """Put away the logs of a directory that are full. One process at a time does so, any other finds nothing to do.

    Returns:
        The logs that were put away.
    """
    full = [log for log in directory.glob("*.log") if _size(log) > max_bytes]
    if not full:
        return []
    with (directory / ".rotation").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        # Another process may have done it since.
        full = [log for log in full if _size(log) > max_bytes]
        for log in full:
            _put_away(log, kept)
        return full


def keep_logs_bounded(directory: Path) -> None:
    """Look after the logs of a directory for as long as the process lives, in a thread that ends with it."""
    threading.Thread(target=_look_after, args=(directory,), name="log-rotation", daemon=True).start()


def previous_log(log: Path, number: int = 1) -> Path:
    """Where a log is that was put away, the latest first."""
    return log.with_name(f"{log.name}.{number}")


def _look_after(directory: Path) -> None:
    wait = threading.Event()
    while not wait.wait(CHECK_S):
        # A full disk, or a directory that is gone: there is nothing to be done about it here.
        with suppress(OSError):
            rotate_logs(directory)


def _put_away(log: Path, kept: int) -> None:
    for number in range(kept, 1, -1):
        with suppress(FileNotFoundError):
            previous_log(log, number - 1).replace(previous_log(log, number))
    with log.open("rb+") as writable:
        # Where there is no room for a copy, the log goes all the same: it is what fills the disk.
        with suppress(OSError), previous_log(log).open("wb") as copy:
            shutil.copyfileobj(writable, copy)
        writable.truncate(0)


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0
