"""What a worker process gives up before it sees the first byte from outside: an exploit in a decoder gets no further.

Decoders keep memory, processor time and the socket to the main process; models keep files and threads too, which their
libraries need. Where the kernel refuses, the process works without, and says what is missing.
"""

from __future__ import annotations

import contextlib
import os
import resource
import stat
import sys
import warnings
from typing import Final

from encoders.workers.syscall_filter import Refusals, refuse_system_calls

LOG_GROWTH_BYTES: Final = 64 * 2**20
"""By how much a log that standard error goes to may grow; to other files nothing can be written at all, or as much."""
_UNTOUCHED_BYTES: Final = 2**25
"""Beside its memory: what libraries allocate at their start and do not touch, which counts as data nevertheless."""
_ADDRESS_SPACE_BYTES: Final = 2**30
"""Beside its memory: libraries' own code and data, and what they reserve."""


def confine_decoder(memory_bytes: int) -> tuple[str, ...]:
    """Bound memory, and give up the network, files, processes and further threads.

    Args:
        memory_bytes: the most that the process shall take.

    Returns:
        What could not be had, in words.
    """
    _bound_common()
    _silence_libraries()
    if sys.platform != "linux":
        return _refused(Refusals())
    _bound(resource.RLIMIT_DATA, memory_bytes + _UNTOUCHED_BYTES)
    _bound(resource.RLIMIT_AS, memory_bytes + _ADDRESS_SPACE_BYTES)
    # The kernel counts a user's threads everywhere: no number but 0 says how many this process may have. Those that
    # run stay.
    _bound(resource.RLIMIT_NPROC, 0)
    return _refused(Refusals())


def confine_model(may_start_programs: bool) -> tuple[str, ...]:
    """Give up the network, and programs too unless a compiler is needed. Returns what could not be had, in words."""
    _bound_common()
    return _refused(Refusals(files=False, programs=not may_start_programs, threads=False))


def _silence_libraries() -> None:
    """Keep what libraries say of broken files out of the log, which anybody could fill with it; faults still show."""
    warnings.simplefilter("ignore")
    log = os.fdopen(os.dup(2), "w", 1, errors="backslashreplace")
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    sys.stdout = sys.stderr = log


def _bound_common() -> None:
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_FSIZE, _log_bytes() + LOG_GROWTH_BYTES)


def _bound(limit: int, value: int) -> None:
    """Lower a limit, the hard one too; one that is lower already stays."""
    _, hard = resource.getrlimit(limit)
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(limit, (most, most))


def _log_bytes() -> int:
    """How long the file is that standard error goes to; 0 where it is none."""
    with contextlib.suppress(OSError):
        about = os.fstat(2)
        return about.st_size if stat.S_ISREG(about.st_mode) else 0
    return 0


def _refused(refusals: Refusals) -> tuple[str, ...]:
    missing = refuse_system_calls(refusals)
    return () if missing is None else (missing,)
