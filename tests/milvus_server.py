"""A real Milvus server to test against: 2.3, the last that a Python package carries. It has no full text.

It comes in an environment of its own, which `make test-milvus` makes: its package would replace others'.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.milvus3 import Unavailable, environment_with, free_port
from tests.paths import ROOT

VENV = ROOT / "build" / "milvus-server-venv"
REQUIREMENTS = ("milvus==2.3.5", "setuptools<81")
START_TIMEOUT_S = 120
WANTED = "TEST_MILVUS_SERVER"
"""The environment variable that has tests use it: each collection takes it seconds, so `make test` goes without."""
_PREPARE = """
import json, milvus, pathlib, sys
milvus._initialize_data_files(sys.prefix)
config = milvus.MilvusServerConfig(data_dir=sys.argv[1])
config.configs |= dict(zip([name for name in config.configurable_items if name.endswith("_port")], sys.argv[3:]))
config.resolve()
client, peer = (f"http://127.0.0.1:{port}" for port in (config.get("etcd_port"), sys.argv[2]))
directory = pathlib.Path(sys.argv[1], "configs")
(directory / "etcd.json").write_text(json.dumps({
    "name": "default", "initial-cluster": f"default={peer}",
    "listen-client-urls": client, "advertise-client-urls": client,
    "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
}))
settings = directory / "milvus.yaml"
etcd = "etcd:\\n  config:\\n    path: " + str(directory / "etcd.json") + "\\n"
settings.write_text(settings.read_text().replace("etcd:\\n", etcd, 1))
print(config.get("proxy_port"))
"""
"""Unpacks the server beside the interpreter, and writes its settings, with the ports that it is given, to a directory:
without, its etcd takes 2379 and 2380 whatever it is told, and two servers end each other.
"""
_PORTS = 12
"""More than it has, which is one for each of its parts."""


@dataclass(slots=True)
class MilvusServer:
    """A server on the data in a directory; its ports stay the same however often it is started."""

    directory: Path
    port: int
    metrics_port: int
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def on(cls, directory: Path) -> MilvusServer:
        """One that is not started yet. Raises `Unavailable` where it is not wanted or not installed."""
        if not os.environ.get(WANTED):
            raise Unavailable("a real Milvus server is tested with by `make test-milvus`")
        # Two on the same may both bind it, one for IPv4 and one for IPv6.
        ports = list(dict.fromkeys(free_port() for _ in range(_PORTS)))
        argv = [str(environment_with(VENV, REQUIREMENTS) / "bin" / "python"), "-c", _PREPARE, str(directory)]
        argv += map(str, ports[1:])
        prepared = subprocess.run(argv, check=True, timeout=START_TIMEOUT_S, capture_output=True)
        return cls(directory, int(prepared.stdout), ports[0])

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        binaries = VENV / "bin"
        environment = {
            **os.environ,
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": str(self.metrics_port),
            "MILVUS_RUN_DIR": str(self.directory / "run"),
            "LD_LIBRARY_PATH": str(binaries),
        }
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(binaries / "milvus"), "run", "standalone"],
                cwd=self.directory,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready()

    def kill(self) -> None:
        """End it without a warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process and self.process.poll() is None:
            if self._is_ready():
                return
            time.sleep(0.1)
        log = (self.directory / "server.log").read_text(errors="replace")
        raise RuntimeError(f"the Milvus server did not start:\n{log[-2000:]}")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/healthz", timeout=2) as answer:
                return answer.read() == b"OK"
        except (OSError, urllib.error.URLError):
            return False


@contextmanager
def milvus_server(directory: Path) -> Iterator[MilvusServer]:
    """Run a server on a directory, and kill it at the end."""
    server = MilvusServer.on(directory)
    try:
        server.start()
        yield server
    finally:
        server.kill()
