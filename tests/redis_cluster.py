"""A Redis Cluster: servers that have a part of the keys each."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.local.redis import find_redis
from tests.milvus3 import free_port, wait_until_open

NODE_TIMEOUT_MS = 2_000
"""For how long a server may be silent before a replica takes its place."""


@dataclass(frozen=True, slots=True)
class RedisCluster:
    """Where its servers are."""

    ports: list[int]
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict[int, "subprocess.Popen[bytes]"])
    """By port."""
    ca_file: str = ""
    """Who signs the servers' certificates; empty: they have no TLS."""

    @property
    def url(self) -> str:
        """As `redis.url` has it, by two of its servers."""
        return f"{'rediss' if self.ca_file else 'redis'}+cluster://{','.join(map(_address, self.ports[:2]))}"

    def cli(self, port: int, *arguments: str) -> str:
        """What `redis-cli` says of one of its servers."""
        argv = ["redis-cli", *self._tls, "-p", str(port), *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def manage(self, command: str, *arguments: str) -> str:
        """What `redis-cli --cluster` says."""
        argv = ["redis-cli", *self._tls, "--cluster", command, *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout

    def knows_all(self, port: int, replicas: int) -> bool:
        """Whether a server has been told who has which slots, and of so many replicas, and answers."""
        is_up = "cluster_state:ok" in self.cli(port, "CLUSTER", "INFO")
        return is_up and self.cli(port, "CLUSTER", "NODES").count("slave") >= replicas

    @contextmanager
    def moving(self, key: str) -> Iterator[None]:
        """A key's slot moves to another server; within, half of its keys have."""
        slot, source = self.cli(self._live, "CLUSTER", "KEYSLOT", key), self.port_of(key)
        target = next(node.port for node in self._nodes() if node.takes_writes and node.port != source)
        self.cli(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", self.cli(source, "CLUSTER", "MYID"))
        self.cli(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", self.cli(target, "CLUSTER", "MYID"))
        names = self.cli(source, "CLUSTER", "GETKEYSINSLOT", slot, "100000").split()
        self._migrate(source, target, names[::2])
        try:
            yield
        finally:
            self._migrate(source, target, names[1::2])
            for port in (target, source):
                self.cli(port, "CLUSTER", "SETSLOT", slot, "NODE", self.cli(target, "CLUSTER", "MYID"))

    def replace(self, key: str) -> None:
        """Let a replica take the place of the server that has a key."""
        former = self.port_of(key)
        name, deadline = self.cli(former, "CLUSTER", "MYID"), time.monotonic() + 20
        while self.port_of(key) in (0, former):
            assert time.monotonic() < deadline, "no replica takes its place"
            # One that has itself been replaced just now may not have found its place yet.
            for replica in [node.port for node in self._nodes() if node.replicates == name]:
                self.cli(replica, "CLUSTER", "FAILOVER")
            time.sleep(0.2)

    def port_of(self, key: str, apart_from: int = 0) -> int:
        """The port of the server that has a key now, as any other than one at a port has it; 0: none has."""
        asked = next(port for port, process in self.processes.items() if process.poll() is None and port != apart_from)
        slot = int(self.cli(asked, "CLUSTER", "KEYSLOT", key))
        return next((node.port for node in self._nodes(asked) if any(slot in span for span in node.slots)), 0)

    @property
    def _tls(self) -> list[str]:
        return ["--tls", "--cacert", self.ca_file] if self.ca_file else []

    @property
    def _live(self) -> int:
        return next(port for port, process in self.processes.items() if process.poll() is None)

    def _nodes(self, asked: int = 0) -> list[_Node]:
        """The servers that are there, as one of them has it."""
        lines = map(str.split, self.cli(asked or self._live, "CLUSTER", "NODES").splitlines())
        return [_Node.of(words) for words in lines if "fail" not in words[2].split(",")]

    def _migrate(self, source: int, target: int, names: list[str]) -> None:
        if names:
            self.cli(source, "MIGRATE", "127.0.0.1", str(target), "", "0", "5000", "KEYS", *names)


@dataclass(frozen=True, slots=True)
class _Node:
    """A server, as `CLUSTER NODES` has it."""

    port: int
    takes_writes: bool
    replicates: str
    slots: list[range]

    @classmethod
    def of(cls, words: list[str]) -> _Node:
        spans = [word.partition("-") for word in words[8:] if not word.startswith("[")]
        slots = [range(int(first), int(last or first) + 1) for first, _, last in spans]
        return cls(int(words[1].partition("@")[0].rpartition(":")[2]), "master" in words[2], words[3], slots)


@contextmanager
def redis_cluster(
    directory: Path, servers: int = 6, replicas: int = 1, tls: Mapping[str, str] = {}
) -> Iterator[RedisCluster]:
    """Servers joined by `redis-cli`, of which at least three have slots; or one that has joined nobody.

    Args:
        directory: of their own.
        servers: how many, replicas too.
        replicas: of each that has slots.
        tls: `tls-ca-cert-file`, `tls-cert-file` and `tls-key-file`: there is no port without TLS, nor a link between
            them.
    """
    cluster = RedisCluster([free_port() for _ in range(servers)], ca_file=tls.get("tls-ca-cert-file", ""))
    with ExitStack() as stack:
        for port in cluster.ports:
            options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
            options += ["--cluster-node-timeout", str(NODE_TIMEOUT_MS)]
            if tls:
                settings = {"port": "0", "tls-port": str(port), "tls-auth-clients": "no", **tls}
                settings |= dict.fromkeys(("tls-cluster", "tls-replication"), "yes")
                options += [part for name, value in settings.items() for part in (f"--{name}", value)]
            cluster.processes[port] = stack.enter_context(redis_server(directory / str(port), port, *options))
        if servers > 1:
            cluster.manage(
                "create", *map(_address, cluster.ports), "--cluster-replicas", str(replicas), "--cluster-yes"
            )
            expected = servers * replicas // (1 + replicas)
            while not all(cluster.knows_all(port, expected) for port in cluster.ports):
                time.sleep(0.05)
        yield cluster


def untagged(name: str) -> str:
    """A key's name as it is on a server that is in no cluster."""
    return re.sub(r"\{(people|\d+)\}:", "", name)


def _address(port: int) -> str:
    return f"127.0.0.1:{port}"


@contextmanager
def redis_server(directory: Path, port: int, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server on a port of this machine; without arguments, one that is in no cluster."""
    directory.mkdir(parents=True)
    argv = [find_redis(), "--port", str(port), "--save", "", *arguments]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=directory, env=os.environ, stdout=log, stderr=log)
    try:
        _wait_until_open(process, port, directory / "log")
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    try:
        wait_until_open(process, port, log)
    except RuntimeError as error:
        if "tls-" in str(error):
            pytest.skip("the redis-server on the PATH was built without TLS")
        raise
