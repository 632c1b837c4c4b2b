"""Keys, TLS and the operators' port of real query workers."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from deploy.local.processes import free_port
from query_api.access.shopper_tokens import mint_shopper_token
from tests.stack import Stack, start_stack

CA = trustme.CA()
TOKEN_SECRET = "a" * 32


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where certificates are."""
    directory = tmp_path_factory.mktemp("certificates")
    CA.cert_pem.write_to_path(str(directory / "ca.pem"))
    write_certificate(directory, "one.example")
    return directory


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, directory: Path) -> Iterator[Stack]:
    """A stack whose query worker asks for keys, by HTTPS, with health on a port of its own."""
    stack = start_stack(
        tmp_path_factory.mktemp("locked"),
        VITRINE_ENCODER_NAME="hash",
        VITRINE_QUERY_REQUIRE_KEYS="true",
        VITRINE_QUERY_TOKEN_SECRET=TOKEN_SECRET,
        VITRINE_QUERY_OPS_PORT=str(free_port()),
        VITRINE_QUERY_SSL_CERTFILE=str(directory / "cert.pem"),
        VITRINE_QUERY_SSL_KEYFILE=str(directory / "key.pem"),
    )
    yield stack
    stack.cli("down")


def write_certificate(directory: Path, name: str) -> None:
    issued = CA.issue_cert(name, "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    issued.private_key_pem.write_to_path(str(directory / "key.pem"))


def make_key(stack: Stack, *options: str) -> tuple[str, str]:
    """A new key and its id."""
    done = stack.cli("apikey", "create", *options)
    return done.stdout.strip(), done.stderr.split()[1].rstrip(",")


def status_of(url: str, key: str = "", text: str = "kettle") -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    context = ssl.create_default_context(cadata=CA.cert_pem.bytes().decode())
    with httpx.Client(base_url=url, headers=headers, verify=context, trust_env=False, timeout=30) as client:
        return client.post("/v1/search", json={"text": text}).status_code


def seconds_until(holds: Callable[[], bool]) -> float:
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < 30
    return time.monotonic() - started


@contextmanager
def second_worker(stack: Stack, **settings: str) -> Iterator[str]:
    """Another query worker on the servers of a stack; yields its URL."""
    port = free_port()
    environment = stack.env | {"VITRINE_QUERY_PORT": str(port), "VITRINE_QUERY_OPS_PORT": "0"} | settings
    for name in ("VITRINE_QUERY_SSL_CERTFILE", "VITRINE_QUERY_SSL_KEYFILE"):
        environment.pop(name, None)
    command = [sys.executable, "-P", "-m", "vitrine", "worker", "query"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        seconds_until(lambda: process.poll() is not None or _is_ready(url))
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_the_stack_is_well_where_keys_are_asked_for(locked: Stack) -> None:
    status = locked.status()
    assert status["healthy"], status["problems"]
    assert locked.url.startswith("https://") and status["generation"]
    ops = f"http://127.0.0.1:{locked.env['VITRINE_QUERY_OPS_PORT']}"
    assert httpx.get(f"{ops}/metrics", trust_env=False).status_code == 200
    with httpx.Client(base_url=locked.url, verify=False, trust_env=False) as client:
        assert client.get("/metrics").status_code == client.get("/readyz").status_code == 404


def test_commands_send_the_key_of_the_environment_and_say_what_is_wrong(locked: Stack) -> None:
    refused = locked.cli("search", "kettle", check=False)
    assert refused.returncode == 1 and "VITRINE_API_KEY" in refused.stderr and "apikey create" in refused.stderr
    key, _ = make_key(locked, "--scope", "search", "--name", "commands")
    with_key = Stack(locked.data_dir, locked.env | {"VITRINE_API_KEY": key})
    assert "0 found" in with_key.cli("search", "kettle").stdout
    forbidden = with_key.cli("explain", "p1", "kettle", check=False)
    assert forbidden.returncode == 1 and "admin" in forbidden.stderr
    assert key not in with_key.cli("apikey", "list").stdout and key not in with_key.cli("config").stdout


def test_a_key_is_worthless_on_all_workers_within_a_second_of_its_end(locked: Stack) -> None:
    with second_worker(locked) as other:
        urls = [locked.url, other]
        key, key_id = make_key(locked, "--scope", "search")
        assert [status_of(url, key) for url in urls] == [200, 200]
        assert [status_of(url) for url in urls] == [401, 401]
        revoked = subprocess.Popen(
            [sys.executable, "-m", "vitrine", "apikey", "revoke", key_id], env=locked.env, stdout=subprocess.PIPE
        )
        assert revoked.stdout is not None
        assert revoked.stdout.readline().startswith(b"revoked")
        assert seconds_until(lambda: all(status_of(url, key) == 401 for url in urls)) < 1.0
        revoked.wait(30)


def test_keys_that_were_used_of_late_hold_while_redis_is_away_and_others_get_503(locked: Stack) -> None:
    used, _ = make_key(locked, "--scope", "search")
    idle, _ = make_key(locked, "--scope", "search")
    url = locked.url
    token = mint_shopper_token(TOKEN_SECRET, "ada")
    assert status_of(url, used) == 200
    os.kill(locked.status()["redis"]["pid"], signal.SIGKILL)
    try:
        locked.wait("it is noticed", lambda: status_of(url, idle) == 503)
        assert status_of(url, used) == 200 and status_of(url, token) == 200
        assert status_of(url) == 401 and status_of(url, "vitrine_sk_nonsense") == 401
    finally:
        locked.cli("up", "--detach")
    locked.wait("it is back", lambda: status_of(url, used) == 200)
    assert status_of(url) == 401


def test_a_new_certificate_is_served_without_a_restart(locked: Stack, directory: Path) -> None:
    host, port = locked.url.removeprefix("https://").split(":")
    before = ssl.get_server_certificate((host, int(port)))
    pid = locked.status()["query_workers"][0]["pid"]
    write_certificate(directory, "two.example")
    locked.wait("a new one", lambda: ssl.get_server_certificate((host, int(port))) != before)
    assert ssl.get_server_certificate((host, int(port))).strip() == (directory / "cert.pem").read_text().strip()
    assert locked.status()["query_workers"][0]["pid"] == pid


def test_an_open_bind_without_keys_is_refused_with_a_sentence(locked: Stack) -> None:
    settings = {
        "VITRINE_QUERY_HOST": "0.0.0.0",
        "VITRINE_QUERY_PORT": str(free_port()),
        "VITRINE_QUERY_OPS_PORT": "0",
        "VITRINE_QUERY_REQUIRE_KEYS": "false",
        "VITRINE_QUERY_TOKEN_SECRET": "",
        # Of these servers, another database: there no key was ever made.
        "VITRINE_REDIS_URL": f"{redis_url(locked)}?db=9",
    }
    stack = Stack(locked.data_dir, locked.env | settings)
    done = stack.cli("worker", "query", check=False)
    assert done.returncode == 1
    assert "query.host = 0.0.0.0 lets other machines in" in done.stderr and "query.open = true" in done.stderr
    assert "Traceback" not in done.stderr


def redis_url(stack: Stack) -> str:
    return stack.status()["redis"]["url"]
