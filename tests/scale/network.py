"""Machines as network namespaces on a bridge: each can be cut off, or given a slow line. Takes root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.milvus3 import Unavailable

BRIDGE, SUBNET = "vitrine0", "10.213.77"
HOST = f"{SUBNET}.1"
"""Where the servers are that stay: this machine itself."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A namespace with one line to the bridge."""

    name: str
    address: str

    def argv(self, command: Sequence[str]) -> list[str]:
        """A command as it is run there; the process is the command's own."""
        return ["ip", "netns", "exec", self.name, *command]

    def cut_off(self) -> None:
        """Take its line down: whatever is on its way is lost, and nobody is told."""
        _run("ip", "link", "set", self._line, "down")

    def heal(self) -> None:
        """Put its line up."""
        _run("ip", "link", "set", self._line, "up")

    @contextmanager
    def slowed(self, rate: str) -> Iterator[None]:
        """A slow line meanwhile, both ways. Source: tc-tbf(8), a token bucket of 32 KB with 400 ms of queue."""
        bucket = ("root", "tbf", "rate", rate, "burst", "32kb", "latency", "400ms")
        _run("tc", "qdisc", "add", "dev", self._line, *bucket)
        _run(*self.argv(["tc", "qdisc", "add", "dev", "eth0", *bucket]))
        try:
            yield
        finally:
            _run("tc", "qdisc", "del", "dev", self._line, "root")
            _run(*self.argv(["tc", "qdisc", "del", "dev", "eth0", "root"]))

    @property
    def _line(self) -> str:
        return f"v-{self.name}"


@contextmanager
def open_network(names: Sequence[str]) -> Iterator[dict[str, Machine]]:
    """Machines by name; all is gone at the end. Raises `Unavailable` where the kernel or our rights do not allow it."""
    if os.geteuid() or not all(map(shutil.which, ("ip", "tc"))):
        raise Unavailable("machines as network namespaces take root, ip and tc")
    machines = {name: Machine(name, f"{SUBNET}.{number}") for number, name in enumerate(names, 11)}
    try:
        try:
            _run("ip", "link", "add", BRIDGE, "type", "bridge")
            _run("ip", "address", "add", f"{HOST}/24", "dev", BRIDGE)
            _run("ip", "link", "set", BRIDGE, "up")
            for machine in machines.values():
                _connect(machine)
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"no network of namespaces here: {error.stderr.strip()}") from error
        yield machines
    finally:
        for name in machines:
            with suppress(subprocess.CalledProcessError):
                _run("ip", "netns", "delete", name)
        with suppress(subprocess.CalledProcessError):
            _run("ip", "link", "delete", BRIDGE)


def _connect(machine: Machine) -> None:
    line = f"v-{machine.name}"
    _run("ip", "netns", "add", machine.name)
    _run("ip", "link", "add", line, "type", "veth", "peer", "name", "eth0", "netns", machine.name)
    _run("ip", "link", "set", line, "master", BRIDGE, "up")
    _run("ip", "-n", machine.name, "address", "add", f"{machine.address}/24", "dev", "eth0")
    for device in ("eth0", "lo"):
        _run("ip", "-n", machine.name, "link", "set", device, "up")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=20)
