"""Removing files of a media directory beside processes that put and read them.

A file is moved away first, which is atomic: who puts it from then on finds none and writes it anew. Who touched it
before has its time later than the bound, and it is moved back. The same name is the same bytes, so it does not matter
which of two files stays.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

HASH = re.compile(r"[0-9a-f]{64}")
"""The names of whole files."""
_LEAVING = ".leaving"
"""What the name of a file ends with that is being removed: should the remover die, the file is still read, and comes
back."""
_REMOVER_GONE_S = 600.0
"""A file that has been leaving for so long was left so by a process that died."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the media store, without its bytes."""

    digest: str
    size: int
    """Bytes."""
    touched_s: float
    """When it was last put or touched, Unix seconds."""


def leaving(path: Path) -> Path:
    """The path of a file while it is being removed."""
    return path.with_name(path.name + _LEAVING)


def remove_untouched(path: Path, untouched_since_s: float) -> bool:
    """Remove a file unless it has been touched since then, Unix seconds; whether it was removed."""
    aside = leaving(path)
    try:
        if path.stat().st_mtime >= untouched_since_s:
            return False
        path.replace(aside)
        # By the open file: the attributes of a name may be remembered for seconds on a network's file system.
        with aside.open("rb") as file:
            is_untouched = os.fstat(file.fileno()).st_mtime < untouched_since_s
        if is_untouched:
            aside.unlink()
        else:
            _bring_back(aside, path)
    except FileNotFoundError:
        return False
    return is_untouched


def files_of_shard(shard: Path) -> list[StoredFile]:
    """The files of a folder, without what dead processes left: half-written ones go, half-removed ones come back."""
    found: list[StoredFile] = []
    for entry in os.scandir(shard):
        try:
            status = entry.stat()
            if HASH.fullmatch(entry.name):
                found.append(StoredFile(entry.name, status.st_size, status.st_mtime))
            elif time.time() - status.st_ctime > _REMOVER_GONE_S:
                _clear_up(Path(entry.path))
        except FileNotFoundError:
            continue
    return found


def _bring_back(aside: Path, path: Path) -> None:
    os.utime(aside)
    aside.replace(path)


def _clear_up(left: Path) -> None:
    """Deal with what a process that died left: bring back what it was removing, drop what it had not written."""
    if left.name.endswith(_LEAVING):
        _bring_back(left, left.with_name(left.name.removesuffix(_LEAVING)))
    else:
        left.unlink()
