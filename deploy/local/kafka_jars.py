"""Kafka's jars: the ones that `kafka.lock` names, downloaded once, each checked by its digest.

`python -m deploy.local.kafka_jars` resolves the coordinates anew and rewrites the lock.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from deploy.local.errors import MissingServer
from deploy.local.services import cache_dir

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext

VERSION = "4.1.0"
COORDINATES = (("org.apache.kafka", "kafka_2.13", VERSION), ("org.slf4j", "slf4j-simple", "1.7.36"))
LOCK_FILE = Path(__file__).with_name("kafka.lock")
_DOWNLOADS = 8
"""At once; Maven Central serves many small files slowly one after another."""
_TIMEOUT_S = 30
_OFFLINE_WAY_OUT = "is Maven Central reachable? Or use a Kafka that runs: VITRINE_KAFKA_BOOTSTRAP_SERVERS=host:port"


class LockedJar(NamedTuple):
    """A jar by its Maven coordinates and the SHA-256 of its bytes."""

    group: str
    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The file's name, as Maven has it."""
        return f"{self.name}-{self.version}.jar"


def class_path(progress: Callable[[str], None]) -> str:
    """Kafka's class path; what is not in the cache yet is downloaded into it.

    Raises:
        MissingServer: a jar cannot be fetched, or is not the one that the lock names.
    """
    directory = cache_dir() / f"kafka-{VERSION}"
    missing = [jar for jar in locked_jars() if not (directory / jar.file_name).exists()]
    if missing:
        _fetch(missing, directory, progress)
    return f"{directory}/*"


def locked_jars(lock: Path = LOCK_FILE) -> list[LockedJar]:
    """What a lock names."""
    return [_locked_jar(line) for line in lock.read_text().splitlines()]


def _locked_jar(line: str) -> LockedJar:
    coordinates, digest = line.split()
    group, name, version = coordinates.split(":")
    return LockedJar(group, name, version, digest)


def _fetch(jars: list[LockedJar], directory: Path, progress: Callable[[str], None]) -> None:
    progress(f"fetching Kafka {VERSION} ({len(jars)} files of 44 MB in all, once)")
    directory.mkdir(parents=True, exist_ok=True)
    # A jar takes its place whole: an interrupted download, or two at once, leave nothing that is half there.
    with tempfile.TemporaryDirectory(dir=directory) as partial, ThreadPoolExecutor(_DOWNLOADS) as pool:
        context = maven_repository(Path(partial))
        placing = [pool.submit(place_jar, context, jar, directory) for jar in jars]
        try:
            for done, future in enumerate(as_completed(placing), 1):
                future.result()
                if done % 10 == 0:
                    progress(f"fetching Kafka {VERSION}: {done} of {len(jars)} files")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def place_jar(context: MavenContext, jar: LockedJar, directory: Path) -> None:
    """Download a jar into a directory. Raises `MissingServer`: it cannot be, or is not the one that was locked."""
    try:
        path = context.project(jar.group, jar.name).at_version(jar.version).artifact().resolve()
    # jgo raises what its HTTP client and its resolver raise, RuntimeError among it.
    except Exception as error:
        raise MissingServer(f"{jar.file_name} cannot be fetched ({error}); {_OFFLINE_WAY_OUT}") from error
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise MissingServer(f"{jar.file_name} was fetched with SHA-256 {digest}, not {jar.sha256}; {_OFFLINE_WAY_OUT}")
    path.replace(directory / jar.file_name)


def maven_repository(repository: Path) -> MavenContext:
    """Maven Central, what it gives kept in a directory. Raises `MissingServer`."""
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise MissingServer("Kafka's jars are fetched by jgo: `pip install vitrine[local]`") from error
    # jgo's own environments are not used: they look for a JDK, which it would download from elsewhere.
    return MavenContext(repo_cache=repository, timeout=_TIMEOUT_S)


def _resolve(context: MavenContext) -> list[Artifact]:
    """What Kafka needs when it runs, by the coordinates' dependencies."""
    from jgo.parse import Coordinate

    wanted = [
        context.create_dependency(Coordinate(group, name, version=version, scope="compile"))
        for group, name, version in COORDINATES
    ]
    given, transitive = context.resolver.resolve(wanted)
    return [dependency.artifact for dependency in (*given, *transitive) if dependency.scope in ("compile", "runtime")]


def _lock_line(artifact: Artifact) -> str:
    digest = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
    return f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {digest}\n"


def main() -> None:
    """Rewrite the lock."""
    with tempfile.TemporaryDirectory() as repository:
        artifacts = _resolve(maven_repository(Path(repository)))
        lines = [_lock_line(artifact) for artifact in artifacts]
    LOCK_FILE.write_text("".join(sorted(lines)))


if __name__ == "__main__":
    main()
