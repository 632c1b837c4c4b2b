"""Unix sockets of a data directory: where they are, and that only their owner reaches them."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from deploy.local.errors import DataDirUnusable

MAX_PATH_BYTES = 103
"""The kernel's limit: 108 on Linux, 104 on macOS, with the zero that ends it."""
_ELSEWHERE = "socket-directory"
"""A file that names the directory of the socket, where that is not the service's own."""
_PREFIX = "vitrine-"


def socket_path(directory: Path, name: str) -> Path:
    """Where a service listens: in its own directory, or in a short one where the path would be too long for a socket.

    The short one is made in the system's directory for temporary files under a name that nobody can foresee, is
    closed to everybody else, and is used again by the next start.

    Args:
        directory: the service's own; it is there, and nobody else can enter it.
        name: of the socket.

    Raises:
        DataDirUnusable: no directory takes a socket.
    """
    if _takes_sockets(directory, name):
        return directory / name
    note = directory / _ELSEWHERE
    with suppress(FileNotFoundError):
        known = Path(os.fsdecode(note.read_bytes()))
        if _is_private(known) and _takes_sockets(known, name):
            return known / name
    elsewhere = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if not _takes_sockets(elsewhere, name):
        elsewhere.rmdir()
        raise DataDirUnusable(
            f"neither {directory} nor {elsewhere.parent} takes a Unix socket: choose another --data-dir, or set TMPDIR"
        )
    note.write_bytes(os.fsencode(elsewhere))
    return elsewhere / name


def _takes_sockets(directory: Path, name: str) -> bool:
    """Whether a socket of that name fits, and the file system knows sockets, which some shared folders do not."""
    if len(os.fsencode(directory / name)) > MAX_PATH_BYTES:
        return False
    probe = directory / f".{os.getpid():x}"
    try:
        with closing(socket.socket(socket.AF_UNIX)) as listener:
            listener.bind(os.fsencode(probe))
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
    return True


def _is_private(directory: Path) -> bool:
    """Whether it is a directory of ours that nobody else enters: what lies in a shared place may be anybody's."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    mode = stat.S_IMODE(status.st_mode)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and mode == stat.S_IRWXU
