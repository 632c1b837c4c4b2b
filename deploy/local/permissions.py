"""Who may read a data directory: the user who runs Vitrine, and nobody else."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

UMASK = 0o077
"""Of every process that the stack starts: what it makes is for its own user alone."""
_SERVERS = ("run", "logs", "kafka", "redis", "milvus", "faust")
"""Some hundred files, looked through at each start: a server that an older version started goes on making open ones."""
_OURS = (*_SERVERS, "media", "demo")
"""What we make in a data directory; anything else in it was put there by somebody else, and is left as it is."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_directory(path: Path) -> Path:
    """Make a directory that only its owner can enter, its parents as the umask has them, where it is not there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def private_opener(path: str, flags: int) -> int:
    """For `open(…, opener=…)`: a file that is made is for its owner alone."""
    return os.open(path, flags, 0o600)


def make_private(data_dir: Path, progress: Callable[[str], None] = lambda _: None) -> None:
    """Take a data directory, and all that we made in it, from everybody but its owner.

    The directory itself is left open where it holds other people's files too, such as a project's: then just what is
    ours is closed. Media that are closed at their top are not looked through again, however many they are.

    Args:
        data_dir: where it is; nothing is done where it is not.
        progress: is told what cannot be closed, since it belongs to another user.
    """
    if not data_dir.is_dir():
        return
    is_ours_alone = all(entry.name in _OURS for entry in data_dir.iterdir())
    tops = [data_dir / name for name in _OURS if name in _SERVERS or _is_open(data_dir / name)]
    for directory in [*tops, *([data_dir] if is_ours_alone else [])]:
        if not directory.is_dir():
            continue
        if directory.stat().st_uid != os.geteuid():
            progress(f"{directory} belongs to another user: who else can read it is up to them")
            continue
        if directory != data_dir:
            _close_content(directory)
        _close(directory)


def _close_content(top: Path) -> None:
    # From within: a crash half-way leaves the top open, and the next start begins again.
    for directory, directories, files in os.walk(top, topdown=False):
        for name in (*files, *directories):
            _close(Path(directory, name))


def _close(path: Path) -> None:
    # A link may lead anywhere; a file may go while we look, or be another user's.
    with suppress(OSError):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode) and mode & _OTHERS:
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)


def _is_open(path: Path) -> bool:
    return path.is_dir() and bool(path.stat().st_mode & _OTHERS)
