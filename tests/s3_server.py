"""A real S3 server to test against: S3Proxy, from Maven, on the Java that Kafka runs on."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import MissingServer
from deploy.local.kafka import find_java
from deploy.local.kafka_jars import locked_jars, maven_repository, place_jar
from deploy.local.services import cache_dir
from indexer.media.config import MediaStoreConfig
from tests.milvus3 import Unavailable, free_port, wait_until_open

VERSION = "2.6.0"
LOCK_FILE = Path(__file__).with_name("s3proxy.lock")
BUCKET = "shop"
WANTED = "TEST_S3_SERVER"
"""The environment variable that has tests use it."""
_KEY_ID, _SECRET = "vitrine", "s3cret"


@contextmanager
def s3_server(directory: Path) -> Iterator[MediaStoreConfig]:
    """Run a server with a bucket on a directory, and kill it at the end. Raises `Unavailable`."""
    if not os.environ.get(WANTED):
        raise Unavailable("a real S3 server is tested with by `make test-s3`")
    port = free_port()
    argv = [_java(), "-Dlogback.configurationFile=" + str(directory / "logback.xml"), "-cp", f"{_jars()}/*"]
    argv += ["org.gaul.s3proxy.Main", "--properties", str(_settings(directory, port))]
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_until_open(process, port, directory / "server.log")
        yield MediaStoreConfig(
            url=f"s3://{BUCKET}",
            endpoint=f"http://127.0.0.1:{port}",
            region="us-east-1",
            access_key_id=_KEY_ID,
            secret_access_key=_SECRET,
        )
    finally:
        process.kill()
        process.wait()


def _settings(directory: Path, port: int) -> Path:
    (directory / "data" / BUCKET).mkdir(parents=True)
    (directory / "logback.xml").write_text('<configuration><root level="OFF"/></configuration>')
    settings = {
        "s3proxy.authorization": "aws-v2-or-v4",
        "s3proxy.identity": _KEY_ID,
        "s3proxy.credential": _SECRET,
        "s3proxy.endpoint": f"http://127.0.0.1:{port}",
        # A checksum of what is to be removed is one that it does not know.
        "s3proxy.ignore-unknown-headers": "true",
        "jclouds.provider": "filesystem-nio2",
        "jclouds.identity": "none",
        "jclouds.credential": "none",
        "jclouds.filesystem.basedir": str(directory / "data"),
    }
    file = directory / "s3proxy.conf"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return file


def _java() -> str:
    try:
        return find_java()
    except MissingServer as error:
        raise Unavailable(str(error)) from error


def _jars() -> Path:
    """The folder of its jars, those that it loads, each checked by its digest; fetched once."""
    directory = cache_dir() / f"s3proxy-{VERSION}"
    missing = [jar for jar in locked_jars(LOCK_FILE) if not (directory / jar.file_name).exists()]
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as partial:
        try:
            context = maven_repository(Path(partial))
            for jar in missing:
                place_jar(context, jar, directory)
        except MissingServer as error:
            raise Unavailable(str(error)) from error
    return directory
