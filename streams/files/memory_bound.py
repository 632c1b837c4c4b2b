"""The last fence around the memory that reading a file takes, where a file says less of itself than it holds."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

READING_BYTES: Final = 2**30
"""What reading and publishing a file may add to what the process has."""


@contextmanager
def bounded_memory(more_bytes: int = READING_BYTES) -> Generator[None]:
    """Allow this process to allocate only so many bytes more, on Linux; Python and Arrow raise `MemoryError` beyond.

    The limit is of the whole process: for commands, which do one thing. It is as it was afterwards.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _data_bytes() + more_bytes
    least = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (least, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """What the process has allocated so far."""
    status = Path("/proc/self/status").read_text()
    return 1_024 * int(status.partition("VmData:")[2].split()[0])
