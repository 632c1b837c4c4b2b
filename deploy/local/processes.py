"""Processes that outlive the command that started them: started, recognised, stopped."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from deploy.local.errors import StartFailed

LOG_LINES = 20


class ProcessRecord(msgspec.Struct, frozen=True):
    """A process of ours, told from one that merely got its number by the time it was created."""

    name: str
    pid: int
    created_at: float
    """Unix seconds."""
    url: str
    log: str


def spawn(name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path, url: str) -> ProcessRecord:
    """Start a process in a session of its own, its output appended to `log`.

    Raises:
        StartFailed: the program cannot be run.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except OSError as error:
            raise StartFailed(f"{name} cannot be started: {error}") from error
    return ProcessRecord(name, process.pid, psutil.Process(process.pid).create_time(), url, str(log))


def is_alive(record: ProcessRecord) -> bool:
    """Whether that very process still runs; reaps it when it was our child and has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(record.pid, os.WNOHANG)
    process = _process(record)
    return process is not None and process.status() != psutil.STATUS_ZOMBIE


def stop(record: ProcessRecord, grace_s: float) -> None:
    """End a process and its children: politely, and after `grace_s` seconds for good."""
    process = _process(record)
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        process.terminate()
        _, alive = psutil.wait_procs(family, timeout=grace_s)
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(alive, timeout=5)


def log_tail(record: ProcessRecord) -> str:
    """The last lines of a process's log, for a person to read."""
    path = Path(record.log)
    lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:] if path.exists() else []
    return "\n".join([f"the end of {path}:", *(f"    {line}" for line in lines)])


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
        # The kernel's clock ticks make the same creation differ by a hundredth of a second.
        return process if abs(process.create_time() - record.created_at) < 1 else None
    except psutil.NoSuchProcess:
        return None
