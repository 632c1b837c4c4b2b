"""A Redis Cluster to be refused by: servers that have a part of the keys each."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local.redis import find_redis
from tests.milvus3 import free_port, wait_until_open


@contextmanager
def redis_cluster(directory: Path, servers: int = 6) -> Iterator[str]:
    """Three servers with a replica each, joined by `redis-cli`; or one that has joined nobody. Yields a URL."""
    ports = [free_port() for _ in range(servers)]
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(_server(directory / str(port), port))
        if servers > 1:
            names = [f"127.0.0.1:{port}" for port in ports]
            argv = ["redis-cli", "--cluster", "create", *names, "--cluster-replicas", "1", "--cluster-yes"]
            subprocess.run(argv, check=True, capture_output=True, timeout=60)
        yield f"redis://127.0.0.1:{ports[0]}/0"


@contextmanager
def _server(directory: Path, port: int) -> Iterator[None]:
    directory.mkdir(parents=True)
    argv = [find_redis(), "--port", str(port), "--cluster-port", str(free_port()), "--cluster-enabled", "yes"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([*argv, "--save", ""], cwd=directory, env=os.environ, stdout=log, stderr=log)
    try:
        wait_until_open(process, port, directory / "log")
        yield
    finally:
        process.kill()
        process.wait()
