"""Processes that outlive the command that started them: started, recognised, stopped."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import psutil

from deploy.local.errors import StartFailed
from deploy.local.log_rotation import previous_log
from deploy.local.permissions import UMASK, private_directory, private_opener

LOG_LINES = 20
_LOG_END_BYTES = 64 * 2**10
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ProcessRecord(msgspec.Struct, frozen=True):
    """A process of ours, told from one that merely got its number by the time it was created."""

    name: str
    pid: int
    created_at: float
    """Unix seconds."""
    url: str
    log: str
    born: str = ""
    """The boot and the kernel's tick of its creation, which no change of the clock moves; empty where the system does
    not tell them (outside Linux): there `created_at` decides."""
    temporary: bool = False
    """It ends of itself, once it has done its work."""


def spawn(name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path, url: str) -> ProcessRecord:
    """Start a process in a session of its own, its output appended to `log`; what it makes is for its user alone.

    Raises:
        StartFailed: the program cannot be run.
    """
    private_directory(log.parent)
    # No module of ours or of a library is looked for in the working directory, which holds other things.
    environment = {**env, "PYTHONSAFEPATH": "1"}
    with open(log, "ab", opener=private_opener) as output:
        try:
            process = subprocess.Popen(
                argv,
                env=environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=UMASK,
            )
        except OSError as error:
            raise StartFailed(f"{name} cannot be started: {error}") from error
    created_at = psutil.Process(process.pid).create_time()
    return ProcessRecord(name, process.pid, created_at, url, str(log), _born(process.pid))


def is_alive(record: ProcessRecord) -> bool:
    """Whether that very process still runs; reaps it when it was our child and has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(record.pid, os.WNOHANG)
    process = _process(record)
    try:
        return process is not None and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_listening(record: ProcessRecord) -> bool:
    """Whether the process itself listens at its URL, rather than something else that got there first."""
    process = _process(record)
    url = urlsplit(record.url if "//" in record.url else f"//{record.url}")
    try:
        return process is not None and (
            _listens_at_socket(process, Path(unquote(url.path)))
            if url.scheme == "unix"
            else any(_listens_on_port(member, url.port) for member in _family(process))
        )
    except psutil.NoSuchProcess:
        return False


def _family(process: psutil.Process) -> list[psutil.Process]:
    """A process and its children: a query worker of several processes listens by them."""
    return [process, *process.children()]


def _listens_at_socket(process: psutil.Process, path: Path) -> bool:
    # A process may name its socket from its working directory, and the kernel then does so too.
    return (
        any(Path(str(connection.laddr)).name == path.name for connection in process.net_connections("unix"))
        and path.is_socket()
    )


def _listens_on_port(process: psutil.Process, port: int | None) -> bool:
    sockets = process.net_connections("tcp")
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        for connection in sockets
    )


def stop(record: ProcessRecord, grace_s: float) -> None:
    """End a process and its children: politely, and after `grace_s` seconds for good."""
    process = _process(record)
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        process.terminate()
        _, alive = psutil.wait_procs(family, timeout=grace_s)
        for child in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(alive, timeout=5)


def log_tail(record: ProcessRecord) -> str:
    """The last lines of a process's log, for a person to read; where it was just put away, of that one too."""
    path = Path(record.log)
    try:
        lines = _last_lines(path)
    except OSError as error:
        return f"its log {path} cannot be read: {error.strerror}"
    if len(lines) < LOG_LINES:
        with contextlib.suppress(OSError):
            lines = [*_last_lines(previous_log(path)), *lines]
    return "\n".join([f"the end of {path}:", *(f"    {line}" for line in lines[-LOG_LINES:])])


def _last_lines(path: Path) -> list[str]:
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _LOG_END_BYTES))
        return log.read().decode(errors="replace").splitlines()[-LOG_LINES:]


def free_port(wanted: int | None = None) -> int:
    """`wanted` if nothing listens there, else any free port of the loopback interface."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _process(record: ProcessRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        if record.born:
            return process if _born(record.pid) == record.born else None
        # The kernel's clock ticks make the same creation differ by a hundredth of a second.
        return process if abs(process.create_time() - record.created_at) < 1 else None
    except psutil.NoSuchProcess:
        return None


def _born(pid: int) -> str:
    """A name of the process's creation: the boot, and the ticks since then."""
    try:
        # The program's name, in parentheses, may hold blanks; the 20th field after it is the start time.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return f"{_BOOT_ID.read_text().strip()}/{fields[19]}"
    except OSError:
        return ""
