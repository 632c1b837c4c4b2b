"""Preparers that try, from inside a real decoder, what an exploit would; a picture's width says what."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from encoders.media.preparation import Pixels

_SCRATCH = Path(tempfile.gettempdir()) / "vitrine-probe"
FIRST_WIDTH = 16
DONE = 255
"""Level of the picture where a probe was not refused; else it is the number of the error."""


def _connect() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.connect(("127.0.0.1", 1))


def _unix_socket() -> None:
    socket.socket(socket.AF_UNIX).close()


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _start_thread() -> None:
    try:
        threading.Thread(target=int).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from None


def _execute() -> None:
    os.execv(sys.executable, [sys.executable, "-c", "pass"])


def _spawn() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


def _read_environment_of_parent() -> None:
    Path(f"/proc/{os.getppid()}/environ").read_bytes()


def _read_a_file() -> None:
    Path("/etc/passwd").read_bytes()


def _write_a_file() -> None:
    _SCRATCH.write_bytes(b"x")


def _kill_parent() -> None:
    os.kill(os.getppid(), signal.SIGCONT)


def _trace_parent() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.ptrace(16, os.getppid(), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    library.ptrace(17, os.getppid(), 0, 0)


def _grow_a_file() -> None:
    # A file in memory needs no path, and is bounded like any other.
    descriptor = os.memfd_create("probe")
    os.pwrite(descriptor, b"x", 2**40)


def _allocate() -> None:
    _ = bytearray(2**29)


def _environment() -> None:
    secrets = [name for name in os.environ if name.startswith("VITRINE_") or "SECRET" in name]
    if not secrets:
        raise OSError(errno.ENODATA, "no secrets")


PROBES: dict[str, tuple[Callable[[], None], set[int]]] = {
    "connecting": (_connect, {errno.EACCES}),
    "opening a Unix socket": (_unix_socket, {errno.EACCES}),
    "forking": (_fork, {errno.EACCES, errno.EAGAIN}),
    "starting a thread": (_start_thread, {errno.EAGAIN}),
    "executing": (_execute, {errno.EACCES}),
    "starting a program": (_spawn, {errno.EACCES, errno.EAGAIN, errno.ENOSYS}),
    "reading the main process's environment": (_read_environment_of_parent, {errno.EACCES}),
    "reading a file": (_read_a_file, {errno.EACCES}),
    "writing a file": (_write_a_file, {errno.EACCES}),
    "signalling the main process": (_kill_parent, {errno.EPERM}),
    "tracing the main process": (_trace_parent, {errno.EACCES}),
    "growing a file": (_grow_a_file, {errno.EFBIG}),
    "allocating beyond its memory": (_allocate, {errno.ENOMEM}),
    "having secrets in its environment": (_environment, {errno.ENODATA}),
}
"""What is tried, and the errors that refuse it."""


@dataclass(frozen=True)
class Probing:
    """Tries the probe whose number the picture's width states, and answers with a picture of its outcome."""

    def __call__(self, image: Image.Image) -> Pixels:
        probe, _ = list(PROBES.values())[image.width - FIRST_WIDTH]
        level = DONE
        try:
            probe()
        except MemoryError:
            level = errno.ENOMEM
        except OSError as error:
            level = error.errno or 0
        return np.full((1, 1, 3), level, np.uint8)


@dataclass(frozen=True)
class Counting:
    """Answers with how many files and threads the process has; it cannot open the directory that lists them."""

    def __call__(self, image: Image.Image) -> Pixels:
        files = sum(_is_open(number) for number in range(256))
        return np.array([[[files, threading.active_count(), 0]]], np.uint8)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
