"""Files written together: each is whole and durable in its place, or not there.

They are written in one folder and renamed to their places. In a folder each they would take parts of the disk, and
entries of the file system's journal, of their own, and twice the processor's time.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_READABLE = 0o666
"""By whom the process's mask lets."""


def write_durably(folder: str, files: Mapping[str, bytes]) -> None:
    """Write files; they are durable once this returns: their renaming too, where the file system has a journal.

    Plain system calls: of so many small files `pathlib` and `io` would take more of the processor than the rest.

    Args:
        folder: where they are until they are whole, on the file system of their places. Made if it is not there.
        files: bytes by the path of their place, whose folder is made if it is not there.

    Raises:
        OSError: of files that are not in their places yet nothing is left.
    """
    if not files:
        return
    with ExitStack() as unfinished:
        written = [(place, *_write(folder, place, data, unfinished)) for place, data in files.items()]
        # All are on their way to the disk before the first is waited for, and share an entry of the journal.
        for _, _, descriptor in written:
            _begin_to_store(descriptor)
        for _, _, descriptor in written:
            os.fsync(descriptor)
        for place, beside, _ in written:
            _rename(beside, place)
        unfinished.pop_all()
    for _, _, descriptor in written:
        os.close(descriptor)
    _sync_folder(folder)


def _write(folder: str, place: str, data: bytes, unfinished: ExitStack) -> tuple[str, int]:
    """Where a file is for now, and its descriptor; `unfinished` closes and removes it."""
    beside = f"{folder}/{os.path.basename(place)}.{os.getpid()}.{threading.get_ident()}"  # noqa: PTH119
    try:
        descriptor = os.open(beside, _NEW, _READABLE)
    except FileNotFoundError:
        Path(folder).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(beside, _NEW, _READABLE)
    unfinished.callback(_give_up, beside, descriptor)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    return beside, descriptor


def _begin_to_store(descriptor: int) -> None:
    if sys.platform == "linux":
        # What will not be read soon is written at once, and stays in memory until it is.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _rename(beside: str, place: str) -> None:
    """No reader ever sees half a file."""
    try:
        os.replace(beside, place)  # noqa: PTH105  (a path made of each costs as much as the renaming)
    except FileNotFoundError:
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        os.replace(beside, place)  # noqa: PTH105


def _sync_folder(folder: str) -> None:
    """What was renamed out of it is in its place after a power cut too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # A network's file system that knows no such call.
    finally:
        os.close(descriptor)


def _give_up(beside: str, descriptor: int) -> None:
    os.close(descriptor)
    Path(beside).unlink(missing_ok=True)
