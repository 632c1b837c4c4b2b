"""A Redis with TLS and the users of `deploy/redis/users.txt`, for tests; skipped by name where none knows TLS."""

from __future__ import annotations

import datetime
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from deploy.local.processes import free_port
from indexer.redis.client import RedisConfig
from tests.paths import ROOT

ROLES = ("vitrine-indexing", "vitrine-query", "vitrine-operator")
ADMIN = "for the test alone"
DEADLINE_S = 10.0


def passwords(role: str) -> str:
    """The password of a role at first."""
    return f"{role}'s: p@ss/word #1"


@dataclass(frozen=True)
class SecureRedis:
    """Where it is, and what it is known by."""

    directory: Path
    port: int
    ca: trustme.CA

    @property
    def ca_file(self) -> str:
        """Who signs its certificate."""
        return str(self.directory / "ca.pem")

    @property
    def url(self) -> str:
        """Without a user."""
        return f"rediss://localhost:{self.port}/0"

    def config(self, role: str, **changed: object) -> RedisConfig:
        """How a role connects."""
        usual = {"username": role, "password": passwords(role), "ssl_cafile": self.ca_file, "deadline_s": 5.0}
        return RedisConfig(self.url, **{**usual, **changed})  # type: ignore[arg-type]

    def admin(self, *command: str) -> str:
        """Let the administrator give a command, past TLS."""
        argv = ["redis-cli", "-s", str(self.directory / "admin.sock"), *command]
        environment = {**os.environ, "REDISCLI_AUTH": ADMIN}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    def show(self, certificate: trustme.LeafCert) -> None:
        """Have the server show another certificate from now on."""
        write_certificate(certificate, self.directory / "server")
        assert self.admin("CONFIG", "SET", "tls-cert-file", str(self.directory / "server.pem")) == "OK"


def write_certificate(certificate: trustme.LeafCert, path: Path) -> tuple[str, str]:
    """Write a certificate and its key as `PATH.pem` and `PATH.key`; the two names."""
    chain, key = path.with_suffix(".pem"), path.with_suffix(".key")
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    return str(chain), str(key)


def expired(ca: trustme.CA, *names: str) -> trustme.LeafCert:
    """A certificate that was good until yesterday."""
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    return ca.issue_cert(*names, not_before=yesterday - datetime.timedelta(days=1), not_after=yesterday)


def acl_lines() -> list[str]:
    """The rules of all roles, as an operator is given them, with passwords."""
    lines = (ROOT / "deploy" / "redis" / "users.txt").read_text().splitlines()
    return [line.removeprefix("ACL SETUSER ") for line in lines]


@pytest.fixture(scope="module")
def secure_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRedis]:
    """The server that is installed, on a port with TLS alone."""
    with open_secure_redis(tmp_path_factory.mktemp("redis"), free_port()) as server:
        yield server


@contextmanager
def open_secure_redis(
    directory: Path, port: int, address: str = "127.0.0.1", name: str = "localhost"
) -> Iterator[SecureRedis]:
    """Such a server at an address, by the name that its certificate has."""
    program = shutil.which("redis-server")
    if program is None or shutil.which("redis-cli") is None:
        pytest.skip("no redis-server and redis-cli on the PATH")
    server = SecureRedis(directory, port, trustme.CA())
    server.ca.cert_pem.write_to_path(server.ca_file)
    certificate, key = write_certificate(server.ca.issue_cert(name), directory / "server")
    settings = {
        "port": "0", "tls-port": str(server.port), "bind": address, "save": "", "tls-auth-clients": "optional",
        "tls-ca-cert-file": server.ca_file, "tls-cert-file": certificate, "tls-key-file": key,
        "requirepass": ADMIN, "unixsocket": "admin.sock",
    }  # fmt: skip
    argv = [program, *(part for name, value in settings.items() for part in (f"--{name}", value))]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=directory, stdout=log, stderr=log)
    try:
        _wait_until_open(process, server, address)
        for line in acl_lines():
            role, *rules = line.split()
            words = [f">{passwords(role)}" if rule == ">PASSWORD" else rule for rule in rules]
            assert server.admin("ACL", "SETUSER", role, *words) == "OK"
        yield server
    finally:
        process.kill()
        process.wait(DEADLINE_S)


def _wait_until_open(process: subprocess.Popen[bytes], server: SecureRedis, address: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        if process.poll() is not None:
            said = (server.directory / "log").read_text()
            if "tls" in said.lower():
                pytest.skip("the redis-server on the PATH was built without TLS")
            pytest.fail(said)
        with closing(socket.socket()) as probe:
            if probe.connect_ex((address, server.port)) == 0:
                return
        assert time.monotonic() < deadline, (server.directory / "log").read_text()
        time.sleep(0.02)
