"""Real workers beside a Redis with TLS, each as the user of its role, and a Milvus with TLS and a token."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from deploy.local.processes import free_port
from deploy.local.stack import LocalStack
from tests.milvus_proxy import SecureMilvus
from tests.secure_redis import SecureRedis, passwords, secure_redis

__all__ = ["secure_redis"]

TOKEN = "shop:s3cret"
DEADLINE_S = 60.0


class SecureShop:
    """Kafka and Milvus Lite of a data directory, a proxy before Milvus, and workers that are let in by their roles."""

    def __init__(self, directory: Path, redis: SecureRedis, milvus: SecureMilvus, kafka: str) -> None:
        self.directory = directory
        self.redis = redis
        self.milvus = milvus
        self.port = free_port()
        (directory / "milvus-token").write_text(milvus.token)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
        self._env = clean | {
            "VITRINE_DATA_DIR": str(directory / "data"),
            "VITRINE_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "VITRINE_ENCODER_NAME": "hash",
            "VITRINE_REDIS_URL": redis.url,
            "VITRINE_REDIS_SSL_CAFILE": redis.ca_file,
            "VITRINE_MILVUS_URI": milvus.uri,
            "VITRINE_MILVUS_SSL_CAFILE": str(directory / "milvus-ca.pem"),
            "VITRINE_MILVUS_TOKEN_FILE": str(directory / "milvus-token"),
            "VITRINE_QUERY_PORT": str(self.port),
            "VITRINE_INDEXING_HEALTH_PORT": str(free_port()),
            "OMP_NUM_THREADS": "1",
        }

    def env(self, role: str, **changed: str) -> dict[str, str]:
        """The environment of a process of a role, which finds its password in a file."""
        file = self.directory / f"{role}.password"
        if not file.exists():
            file.write_text(passwords(role))
        return self._env | {"VITRINE_REDIS_USERNAME": role, "VITRINE_REDIS_PASSWORD_FILE": str(file)} | changed

    def start(self, role: str, *command: str, **changed: str) -> subprocess.Popen[bytes]:
        """`vitrine COMMAND` as a role, its output in a log."""
        with self.log(role).open("ab") as log:
            argv = [sys.executable, "-m", "vitrine", *command]
            return subprocess.Popen(argv, env=self.env(role, **changed), stdout=log, stderr=log)

    def log(self, role: str) -> Path:
        """What processes of a role say."""
        return self.directory / f"{role}.log"

    def run(self, role: str, *command: str, **changed: str) -> str:
        """The output of `vitrine COMMAND` as a role, whatever becomes of it."""
        argv = [sys.executable, "-m", "vitrine", *command]
        environment = self.env(role, **changed)
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=DEADLINE_S)
        return done.stdout + done.stderr

    def search(self, text: str) -> dict[str, Any]:
        """The answer to a shopper's search; empty while there is none."""
        try:
            url = f"http://127.0.0.1:{self.port}/v1/search"
            answer = httpx.post(url, json={"text": text, "user_id": "ada"}, timeout=10, trust_env=False)
        except httpx.TransportError:
            return {}
        return answer.json() if answer.status_code == 200 else {}

    def found(self, text: str) -> set[str]:
        """The products of the answer."""
        return {hit["product_id"] for hit in self.search(text).get("hits", ())}

    def titles(self, text: str) -> set[str]:
        """The titles of the answer."""
        return {hit["title"] for hit in self.search(text).get("hits", ())}

    def publish(self, kind: str, *rows: dict[str, Any]) -> None:
        """Publish products or events as the operator does."""
        file = self.directory / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.run("vitrine-operator", "publish", kind, str(file))

    def logs(self) -> str:
        """What all workers said."""
        return "".join(self.log(role).read_text() for role in ("vitrine-indexing", "vitrine-query"))


def wait(what: str, condition: Callable[[], object], shop: SecureShop) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what}\n{shop.logs()[-4000:]}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, secure_redis: SecureRedis) -> Iterator[SecureShop]:
    directory = tmp_path_factory.mktemp("secure")
    local, ca = LocalStack(directory / "servers"), trustme.CA()
    ca.cert_pem.write_to_path(str(directory / "milvus-ca.pem"))
    with ExitStack() as resources:
        resources.callback(local.stop)
        kafka, lite = local.kafka(), local.milvus()
        asyncio.run(local.start([kafka, lite], lambda _: None))
        milvus = resources.enter_context(SecureMilvus(lite.url, TOKEN).show(ca.issue_cert("localhost")))
        shop = SecureShop(directory, secure_redis, milvus, kafka.url)
        for role, kind in (("vitrine-indexing", "indexing"), ("vitrine-query", "query")):
            process = shop.start(role, "worker", kind)
            resources.callback(process.wait, 30)
            resources.callback(process.terminate)
        wait("the query worker answers", lambda: shop.search("anything"), shop)
        yield shop


def test_each_worker_does_its_work_with_the_rights_of_its_role(shop):
    shop.publish("products", {"id": "mug", "title": "Kettle with a lid"}, {"id": "cup", "title": "Kettle without"})
    wait("the products are found", lambda: shop.found("kettle") == {"mug", "cup"}, shop)
    shop.publish("events", {"type": "user.clicked", "user_id": "ada", "product_id": "mug"})
    wait("the cache hits", lambda: shop.search("kettle")["cache"] == "hit", shop)
    wait("the click is kept", lambda: shop.redis.admin("ZCARD", "vitrine:user:ada:events") == "1", shop)
    shop.publish("products", {"id": "mug", "title": "Teapot", "price": 3.0})
    wait("a change is seen", lambda: "Teapot" in shop.titles("teapot"), shop)
    url = f"http://127.0.0.1:{shop.port}/v1/users/ada"
    assert httpx.delete(url, timeout=10, trust_env=False).status_code < 300
    assert shop.search("kettle")["degraded"] == []
    assert "denies our user" not in shop.logs() and "does not know us" not in shop.logs()


def test_tokens_passwords_and_certificates_are_replaced_while_the_workers_run(shop):
    for role in ("vitrine-indexing", "vitrine-query"):
        shop.redis.admin("ACL", "SETUSER", role, "resetpass", ">another")
        (shop.directory / f"{role}.password").write_text("another\n")
        shop.redis.admin("CLIENT", "KILL", "USER", role)
    shop.milvus.token = "shop:another"
    (shop.directory / "milvus-token").write_text("shop:another")
    shop.publish("products", {"id": "jug", "title": "Kettle after the change"})
    wait("what came after is found", lambda: "jug" in shop.found("kettle after the change"), shop)
    wait("nothing is missing", lambda: shop.search("kettle")["degraded"] == [], shop)


@pytest.mark.parametrize("kind", ["indexing", "query"])
def test_a_worker_that_is_not_let_in_does_not_start_and_says_why_in_one_sentence(shop, kind):
    role = f"vitrine-{kind}"
    for changed, sentence in (
        ({"VITRINE_REDIS_PASSWORD": "wrong", "VITRINE_REDIS_PASSWORD_FILE": ""}, "Error: Redis does not know us"),
        ({"VITRINE_MILVUS_TOKEN": "a:wrong", "VITRINE_MILVUS_TOKEN_FILE": ""}, "Error: Milvus does not know us"),
        ({"VITRINE_MILVUS_SSL_CAFILE": shop.redis.ca_file}, "Error: Milvus is not trusted"),
    ):
        ports = {"VITRINE_QUERY_PORT": str(free_port()), "VITRINE_INDEXING_HEALTH_PORT": "0"}
        said = shop.run(role, "worker", kind, **ports, **changed)
        assert sentence in said and "Traceback" not in said


def test_the_operators_commands_do_their_work_with_the_rights_of_the_operator(shop):
    assert "no generation is held" in shop.run("vitrine-operator", "rollback")
    assert "denies our user" not in shop.run("vitrine-operator", "forget-user", "ada")
    # From here on searches need a key.
    created = shop.run("vitrine-operator", "apikey", "create", "--scope", "search", "--name", "page")
    assert "page" in shop.run("vitrine-operator", "apikey", "list") and "denies" not in created
    assert "denies our user a right" in shop.run("vitrine-query", "apikey", "create", "--scope", "admin")
