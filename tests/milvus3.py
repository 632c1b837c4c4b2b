"""Milvus Lite servers to test against: 2.5, which is installed, and 3, in an environment of its own made once."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.paths import ROOT

VENV = ROOT / "build" / "milvus3-venv"
REQUIREMENTS = ("milvus-lite>=3.2,<4", "pymilvus>=3", "jieba")
MAKE_TIMEOUT_S = 240
START_TIMEOUT_S = 60


class Unavailable(Exception):
    """A server cannot be had here; the message says why."""


@contextmanager
def lite_2_5(directory: Path, port: int = 0) -> Iterator[str]:
    """Run Milvus Lite 2.5 on the database in a directory, and kill it at the end; yields its address."""
    package = importlib.util.find_spec("milvus_lite")
    library = Path(package.origin or "").parent / "lib" if package else Path()
    if not (library / "milvus").exists():
        raise Unavailable("milvus-lite 2.5 is not installed")
    port = port or free_port()
    argv = [str(library / "milvus"), str(directory / "test.db"), f"127.0.0.1:{port}", "ERROR"]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "TMPDIR": str(directory)}
    with _running(argv, directory, environment, port) as address:
        yield address


@contextmanager
def lite_3(directory: Path, port: int = 0) -> Iterator[str]:
    """Run Milvus Lite 3 on the data in a directory, and kill it at the end; yields its address."""
    port = port or free_port()
    argv = [str(environment_with(VENV, REQUIREMENTS) / "bin" / "milvus-lite"), "server"]
    argv += ["--data-dir", str(directory / "data"), "--host", "127.0.0.1", "--port", str(port)]
    with _running(argv, directory, dict(os.environ), port) as address:
        yield address


def environment_with(venv: Path, requirements: Sequence[str]) -> Path:
    """An environment with packages that would replace others here, made if it is not there. Raises `Unavailable`."""
    if not (venv / "complete").exists():
        uv = shutil.which("uv", path=f"{ROOT / '.uv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
        if uv is None:
            raise Unavailable(f"making an environment with {requirements[0]} takes uv, which is not installed")
        try:
            _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)])
            _run([uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), *requirements])
        except subprocess.SubprocessError as error:
            raise Unavailable(f"an environment with {requirements[0]} cannot be made: {error}") from error
        (venv / "complete").touch()
    return venv


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, timeout=MAKE_TIMEOUT_S, capture_output=True)


@contextmanager
def _running(argv: list[str], directory: Path, environment: dict[str, str], port: int) -> Iterator[str]:
    log = (directory / "server.log").open("wb")
    process = subprocess.Popen(argv, cwd=directory, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until_open(process, port, directory / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        log.close()


def wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait for a server that was just started; raises with the end of its log where it does not listen in time."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
