"""Workers and commands on a locked Kafka, each with the rights of its role and no others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import free_port
from deploy.local.stack import LocalStack
from streams.config import IndexingConfig, KafkaConfig
from streams.delivery.publisher import OutgoingMessage
from streams.events.schema import PRODUCT_EVENTS
from streams.kafka.producer import EventPublisher
from streams.rights import ROLES, Right, rights_of
from tests.secure_kafka import PASSWORD, SESSION_S, SecureKafka

DEADLINE_S = 120
REFUSED = 70


@dataclass
class Shop:
    """Servers, and who uses them: each process logs in to Kafka as its role."""

    broker: SecureKafka
    directory: Path
    addresses: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def password_file(self, role: str) -> Path:
        return self.directory / f"{role}.password"

    def config(self, role: str) -> KafkaConfig:
        return KafkaConfig(
            self.broker.servers["sasl_ssl"],
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username=role,
            sasl_password_file=str(self.password_file(role)),
            ssl_cafile=str(self.broker.authority),
        )

    def environment(self, role: str, **settings: str) -> dict[str, str]:
        kafka = self.config(role)
        names = ("bootstrap_servers", "security_protocol", "sasl_mechanism", "sasl_username", "sasl_password_file")
        own = {f"VITRINE_KAFKA_{name.upper()}": str(getattr(kafka, name)) for name in (*names, "ssl_cafile")}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VITRINE_")}
        return (
            clean | own | self.addresses | {"VITRINE_DATA_DIR": str(self.directory), "OMP_NUM_THREADS": "1"} | settings
        )

    def cli(self, role: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vitrine", *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment(role), capture_output=True, text=True, timeout=DEADLINE_S, cwd=self.directory
        )

    def start(self, kind: str, login: str = "", **settings: str) -> subprocess.Popen[bytes]:
        """Start a worker, which logs in as its role."""
        with self.log(f"{kind}-{login}" if login else kind).open("wb") as log:
            command = [sys.executable, "-m", "vitrine", "worker", kind]
            env = self.environment(login or kind, **settings)
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=self.directory)
        self.running.append(process)
        return process

    def log(self, role: str) -> Path:
        return self.directory / f"{role}.log"

    def publish(self, product_id: str) -> None:
        file = self.directory / "products.jsonl"
        file.write_text(json.dumps({"product_id": product_id, "title": "Blue lamp", "price": 20}))
        published = self.cli("publisher", "publish", "products", file)
        assert published.returncode == 0, published.stderr


@pytest.fixture(scope="module")
def shop(secure_kafka: SecureKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    directory = tmp_path_factory.mktemp("roles")
    stack = LocalStack(directory)
    services = [stack.redis(), stack.milvus()]
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(stack.start(services, print))).result()
        for role in ROLES:
            rights = rights_of(role, IndexingConfig().group)
            thread.submit(lambda role=role, rights=rights: asyncio.run(secure_kafka.grant(role, rights))).result()
    redis, milvus = services
    shop = Shop(secure_kafka, directory, {"VITRINE_REDIS_URL": redis.url, "VITRINE_MILVUS_URI": milvus.url})
    for role in ROLES:
        shop.password_file(role).write_text(PASSWORD)
    yield shop
    for process in shop.running:
        process.kill()
        process.wait()
    stack.stop()


def until(what: str, condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Look again and again until something is so, while a worker lives."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        ended = process.poll()
        assert ended is None and time.monotonic() < deadline, f"{what}: exit {ended}\n{log.read_text()[-3000:]}"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass(frozen=True, slots=True)
class Workers:
    """An indexing worker and a query worker that are ready."""

    indexing: subprocess.Popen[bytes]
    query: subprocess.Popen[bytes]
    url: str


@pytest.fixture(scope="module")
def workers(shop: Shop) -> Workers:
    """The topics, made by the operator, and the workers."""
    early = shop.cli("indexing", "worker", "indexing")
    assert early.returncode == 1 and "let an operator run `vitrine kafka topics`" in early.stderr
    assert "created catalog.product-events" in shop.cli("operator", "kafka", "topics").stdout
    assert shop.cli("operator", "kafka", "topics").stdout == "all topics are there\n"
    health, port = free_port(), free_port()
    indexing = shop.start("indexing", VITRINE_INDEXING_HEALTH_PORT=str(health))
    until("ready", lambda: answers(f"http://127.0.0.1:{health}/readyz"), indexing, shop.log("indexing"))
    query = shop.start("query", VITRINE_QUERY_PORT=str(port))
    url = f"http://127.0.0.1:{port}"
    until("ready", lambda: answers(f"{url}/readyz"), query, shop.log("query"))
    return Workers(indexing, query, url)


def test_events_go_all_the_way(shop: Shop, workers: Workers) -> None:
    shop.publish("locked-1")
    found = f"{workers.url}/v1/products/locked-1"
    until("found", lambda: answers(found), workers.indexing, shop.log("indexing"))
    age = lambda: httpx.get(f"{workers.url}/readyz").json()["index_age_ms"]  # noqa: E731
    until("age known", lambda: age() == 0, workers.query, shop.log("query"))
    click = {"type": "user.clicked", "data": {"user_id": "anna", "product_id": "locked-1"}}
    sent = httpx.post(f"{workers.url}/v1/events", json=click, timeout=20)
    assert sent.status_code in (200, 202, 204), sent.text
    lag = json.loads(shop.cli("operator", "status", "--json").stdout)["lag"]
    assert "shop.user-events" in lag
    examined = shop.cli("operator", "doctor").stdout
    assert "; brokers: 1" in examined and "lacks a right" not in examined and "may not be read" not in examined


def test_dead_letters_are_for_the_operator(shop: Shop, workers: Workers) -> None:
    asyncio.run(publish_nonsense(shop.config("publisher")))
    letters = lambda: "undecodable" in shop.cli("operator", "dlq", "list", "--json").stdout  # noqa: E731
    until("dead letter", letters, workers.indexing, shop.log("indexing"))
    replayed = shop.cli("operator", "dlq", "replay")
    assert replayed.returncode == 0 and "replayed 1" in replayed.stdout, replayed
    refused = shop.cli("publisher", "dlq", "list")
    assert refused.returncode == 1
    assert "user publisher, who lacks a right to the topic vitrine.dead-letter" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_operator_rebuilds_and_a_standby_worker_follows(shop: Shop, workers: Workers) -> None:
    shop.publish("locked-rebuilt")
    found = f"{workers.url}/v1/products/locked-rebuilt"
    until("found", lambda: answers(found), workers.indexing, shop.log("indexing"))
    shop.start("standby", login="indexing")
    rebuilt = shop.cli("operator", "reindex", "--force", "--share", "1")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr + shop.log("standby-indexing").read_text()[-2000:]
    assert answers(found)


def test_a_worker_takes_its_new_password_and_leaves_without_one(shop: Shop, workers: Workers) -> None:
    """The broker ends its sessions now and then; each time it logs in with what is in the file by then."""
    indexing, log = workers.indexing, shop.log("indexing")
    shop.broker.set_password("indexing", "SCRAM-SHA-512", "second-secret")
    shop.password_file("indexing").write_text("second-secret")
    time.sleep(SESSION_S)
    shop.publish("locked-2")
    until("found", lambda: answers(f"{workers.url}/v1/products/locked-2"), indexing, log)
    shop.broker.set_password("indexing", "SCRAM-SHA-512", "third-secret")
    assert indexing.wait(DEADLINE_S) == REFUSED, log.read_text()[-3000:]
    said = log.read_text()
    assert '"kafka_refused"' in said and "refuses user indexing (SCRAM-SHA-512): the user or the password" in said
    assert "Traceback" not in said and PASSWORD not in said and "second-secret" not in said
    assert PASSWORD not in shop.log("query").read_text()


def test_a_worker_that_lacks_a_right_to_consume_leaves_and_names_it(shop: Shop, workers: Workers) -> None:
    user = "scram-512"
    shop.password_file(user).write_text(PASSWORD)
    rights = rights_of("indexing", IndexingConfig().group)
    without_group = [right for right in rights if right.resource != "group"]
    asyncio.run(shop.broker.grant(user, without_group))
    assert "lacks a right to the consumer group vitrine-indexer" in said_before_it_left(shop, user)
    asyncio.run(shop.broker.grant(user, rights))
    asyncio.run(shop.broker.deny(user, Right("topic", "shop.user-events", ("Read",))))
    assert "lacks a right to the topic shop.user-events:" in said_before_it_left(shop, user)


def said_before_it_left(shop: Shop, user: str) -> str:
    worker = shop.start("indexing", login=user)
    log = shop.log(f"indexing-{user}")
    assert worker.wait(DEADLINE_S) == REFUSED, log.read_text()[-3000:]
    lines = map(json.loads, log.read_text().splitlines())
    return next(line["error"] for line in lines if line["event"] == "kafka_refused")


async def publish_nonsense(kafka: KafkaConfig) -> None:
    async with EventPublisher(kafka) as publisher:
        await publisher.publish_raw([OutgoingMessage(PRODUCT_EVENTS, b"nonsense", b"{")])
